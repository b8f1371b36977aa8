"""calibrated.py METRICS: the evaluations of calibrate-several.ftr."""
import json
import sys

losses = {}
for line in open(sys.argv[1], encoding="utf-8"):
    entry = json.loads(line)
    if "loss" in entry:
        losses[entry.get("evaluate", entry.get("train"))] = entry["loss"]
print(losses)
assert abs(losses["first"] - losses["second"]) < 1e-5 * losses["first"], "the order of the data sets and the sign"
assert abs(losses["first"] - losses["third"]) > 1e-3, "two data sets are not one"
assert abs(losses["fourth"] - losses["fifth"]) < 1e-5 * losses["fifth"], "a step against the gradient"
assert losses["third"] - losses["fifth"] > 1e-4, "the step goes down"
