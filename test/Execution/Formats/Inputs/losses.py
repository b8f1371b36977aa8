"""losses.py A B BOUND: the losses of two files of metrics differ by at most BOUND of the larger one; with 0 they have the same bits."""

import json
import sys

first, second = ([json.loads(line)["loss"] for line in open(path)] for path in sys.argv[1:3])
bound = float(sys.argv[3])
assert first and len(first) == len(second)
apart = [(a, b) for a, b in zip(first, second) if not abs(a - b) <= bound * max(abs(a), abs(b))]
assert not apart, apart
