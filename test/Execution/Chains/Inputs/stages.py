#!/usr/bin/env python3
"""stages.py METRICS: the first loss of each training is the evaluation of the stage before it, and the last one is lower."""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    lines = [json.loads(line) for line in file]
first = {}
for line in lines:
    if "train" in line:
        first.setdefault(line["train"], line["loss"])
evaluated = {line["evaluate"]: line["loss"] for line in lines if "evaluate" in line}
for before, after in (("after_first", "second"), ("after_second", "third")):
    assert abs(evaluated[before] - first[after]) < 1e-6, f"{before} {evaluated[before]}, {after} begins at {first[after]}"
assert first["first"] > evaluated["after_first"] > evaluated["after_second"] > evaluated["after_third"], evaluated
