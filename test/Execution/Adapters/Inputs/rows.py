"""rows.py DIR: writes rows with a task. rows.py DIR METRICS ADAPTER: what adapters saw of it, by the losses; which rows of T have moved."""
import json
import struct
import sys

TASKS = [2, 0, 2, 2]

if len(sys.argv) == 2:
    with open(sys.argv[1] + "/rows.jsonl", "w") as file:
        for number, task in enumerate(TASKS):
            ids = [(7 * number + 3 * i) % 50 + 1 for i in range(8 + number)]
            file.write(json.dumps({"input_ids": ids, "labels": ids, "task": task}) + "\n")
    with open(sys.argv[1] + "/pairs.jsonl", "w") as file:
        for number, task in enumerate([1, 2]):
            text = lambda shift: [(5 * number + 3 * i + shift) % 50 + 1 for i in range(12)]
            file.write(json.dumps({"prompt": text(0)[:4], "chosen": text(0)[4:], "rejected": text(1)[4:], "task": task}) + "\n")
    sys.exit()

losses = {}
for line in open(sys.argv[2]):
    entry = json.loads(line)
    if "evaluate" in entry:
        losses[entry["evaluate"]] = entry["loss"]
for name in ("packed", "alone"):
    assert abs(losses[name] - losses[name + "_said"]) < 1e-5 and losses[name] > 1, losses
assert abs(losses["both"] - 3) < 1e-5, losses

data = open(sys.argv[3] + "/adapter.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
(tensor,) = [entry for name, entry in json.loads(data[8:8 + size]).items() if name != "__metadata__"]
begin, end = (8 + size + offset for offset in tensor["data_offsets"])
row = (end - begin) // 3
assert [any(data[begin + row * i:begin + row * (i + 1)]) for i in range(3)] == [True, False, True]
