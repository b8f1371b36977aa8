"""losses.py A B BOUND: the losses of two files of metrics differ by at most BOUND of the larger one."""

import json
import sys

first, second = ([json.loads(line)["loss"] for line in open(path)] for path in sys.argv[1:3])
assert first and len(first) == len(second)
worst = max(abs(a - b) / max(abs(a), abs(b)) for a, b in zip(first, second))
assert worst <= float(sys.argv[3]), worst
