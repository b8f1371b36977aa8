"""numbers.py FOLDER: writes rows with a number each. numbers.py FOLDER METRICS: what steps told of them is the weighted mean."""

import json
import random
import sys

random.seed(5)
rows = [{"input_ids": [random.randrange(300) for _ in range(random.randrange(3, 10))], "score": random.uniform(-2, 2), "label": random.randrange(4)} for _ in range(8)]


def write(name, some):
    with open(f"{sys.argv[1]}/{name}.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in some)


def mean(some, first=1):
    """Each token but the first `first` is predicted."""
    counts = [len(row["input_ids"]) - first for row in some]
    return sum(count * row["score"] for count, row in zip(counts, some)) / sum(counts)


if len(sys.argv) == 2:
    write("rows", rows)
    write("lacking", [rows[0], {key: value for key, value in rows[1].items() if key != "score"}])
    write("text", [{**rows[0], "score": "high"}])
    sys.exit()

expected = {"packed": mean(rows), "alone": mean(rows), "behind": mean(rows, 0), "cut": mean(rows[:4], 0),
            "labels": sum(row["score"] * row["label"] for row in rows) / len(rows)}
told = {}
for line in open(sys.argv[2], encoding="utf-8"):
    line = json.loads(line)
    told[line.get("evaluate") or line.get("train")] = line["loss"]
for name, value in expected.items():
    assert abs(told[name] - value) < 1e-6, (name, told, value)
