#!/usr/bin/env python3
"""same.py BOUND METRICS FIRST SECOND: two evaluations, or the last steps of two trainings, have the same loss, relative to it."""

import json
import sys

bound, path, *names = sys.argv[1:]
losses = {}
for line in open(path, encoding="utf-8"):
    entry = json.loads(line)
    losses[entry.get("evaluate", entry.get("train"))] = entry["loss"]
first, second = (losses[name] for name in names)
assert abs(first - second) <= float(bound) * abs(first), f"{first} and {second}"
