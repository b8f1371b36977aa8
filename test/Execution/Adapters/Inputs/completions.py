#!/usr/bin/env python3
"""completions.py A B: files of samples, an object a line, have the same completions, none of them empty."""

import json
import sys

first, second = ([json.loads(line)["completion"] for line in open(path, encoding="utf-8")] for path in sys.argv[1:])
assert first == second, f"{first} and {second}"
assert first and all(first)
