#!/usr/bin/env python3
"""make.py GOLDEN: the files of this folder from golden/objectives/*.json, see README.md."""

import json
import math
import os
import shutil
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NEVER = -1e9


def flat(value):
    return [number for row in value for number in flat(row)] if isinstance(value, list) else [value]


def shape(value):
    return [len(value)] + shape(value[0]) if isinstance(value, list) else []


def write(path, tensors):
    """A safetensors file of float64."""
    header, data = {}, b""
    for name, value in tensors.items():
        numbers = [float(number) for number in flat(value)]
        raw = struct.pack(f"<{len(numbers)}d", *numbers)
        header[name] = {"dtype": "F64", "shape": shape(value), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Case:
    """One objective: models, rows, and what the loss and its gradient are."""

    def __init__(self, name, architecture, **sizes):
        self.folder = os.path.join(HERE, name)
        self.config = {"architectures": [architecture], "model_type": architecture.lower(), **sizes}
        os.makedirs(self.folder)

    def model(self, name, tensors):
        folder = os.path.join(self.folder, name)
        os.makedirs(folder)
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        write(os.path.join(folder, "model.safetensors"), {f"model.{key}": value for key, value in tensors.items()})

    def rows(self, rows):
        with open(os.path.join(self.folder, "rows.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def expect(self, loss, parameter, initial, gradient):
        with open(os.path.join(self.folder, "loss.json"), "w", encoding="utf-8") as file:
            json.dump({"losses": [loss]}, file)
        name = f"model.{parameter}"
        write(os.path.join(self.folder, "gradient.safetensors"), {name: gradient})
        moved = [x - g for x, g in zip(flat(initial), flat(gradient))]
        write(os.path.join(self.folder, "trained.safetensors"), {name: refold(moved, initial)})


def refold(numbers, like):
    """The numbers in the form of nested lists."""
    if not isinstance(like[0], list):
        return numbers
    step = len(numbers) // len(like)
    return [refold(numbers[i * step : (i + 1) * step], row) for i, row in enumerate(like)]


def on_tokens(name, golden):
    """Logits of every place are a row of a table; place t holds token t of all."""
    logits = golden["inputs"].get("logits") or golden["inputs"]["student"]
    labels, table = golden["inputs"]["labels"], [row for sequence in logits for row in sequence]
    case = Case(name, "Table", vocab_size=len(table), classes=len(table[0]))
    case.model("policy", {"table": table})
    if "teacher" in golden["inputs"]:
        case.model("other", {"table": [row for sequence in golden["inputs"]["teacher"] for row in sequence]})
    masks = golden["inputs"].get("is_prompt")
    rows, length = [], len(labels[0])
    for i, own in enumerate(labels):
        row = {"input_ids": [i * length + t for t in range(length)] + [0], "labels": [-100] + own}
        if masks:
            row["completion_mask"] = [1] + [1 - prompt for prompt in masks[i]]
        rows.append(row)
    case.rows(rows)
    gradient = next(iter(golden["gradients"].values()))
    case.expect(golden["loss"], "table", table, [row for sequence in gradient for row in sequence])


def on_preference(name, golden):
    """The answer of row i begins with a token of its own, predicted with one half; that token predicts token 0 so that the answer's
    log-probability is the given one; tokens 1 follow with certainty."""
    inputs, gradients = golden["inputs"], golden["gradients"]
    means = "chosen_mean" in inputs
    keys = ("chosen_mean", "rejected_mean") if means else ("chosen", "rejected")
    count = len(inputs[keys[0]])
    first, size = {"chosen": 2 + count, "rejected": 2 + 2 * count}, 2 + 3 * count
    lengths = {side: [3] * count if means else [int(n) for n in inputs.get(f"{side}_lengths", [2] * count)] for side in first}

    def tensors(values):
        fixed = [[NEVER] * size for _ in range(size)]
        own, scale, value = [0] * size, [1] * size, [-5] * size
        fixed[0][1] = fixed[1][1] = 0
        for i in range(count):
            for side, key in zip(first, values):
                token = first[side] + i
                fixed[2 + i][token] = math.log(0.5)
                fixed[token][0] = fixed[token][1] = 0
                own[token], scale[token], value[token] = 1, 3 if means else 1, key[i]
        head = [[1 if column == row else 0 for column in range(size)] for row in (0, 1)]
        return {"fixed": fixed, "own": own, "scale": scale, "value": value, "first": head[0], "second": head[1]}

    case = Case(name, "Answers", vocab_size=size)
    policy = tensors([inputs[key] for key in keys])
    case.model("policy", policy)
    if "ref_chosen" in inputs:
        case.model("other", tensors([inputs["ref_chosen"], inputs["ref_rejected"]]))
    case.rows(
        {"prompt": [2 + i], **{side: [first[side] + i, 0] + [1] * (lengths[side][i] - 2) for side in first}} for i in range(count)
    )
    loss, gradient = golden["loss"], [0] * size
    for side, key in zip(first, keys):
        for i in range(count):
            gradient[first[side] + i] = gradients[key][i]
    if "chosen_nll" in inputs:  # given apart there; here it is that of the chosen answers
        weight = golden["constants"].get("alpha", 1)
        total = sum(n * v if means else v for n, v in zip(lengths["chosen"], inputs[keys[0]]))
        tokens = sum(lengths["chosen"])
        loss += weight * (-total / tokens - inputs["chosen_nll"])
        for i in range(count):
            gradient[first["chosen"] + i] -= weight * (lengths["chosen"][i] if means else 1) / tokens
    case.expect(loss, "value", policy["value"], gradient)


def on_feedback(name, golden):
    """Row i predicts token i mod 2 with the log-probability of its completion, and the other with that of the mismatched one."""
    inputs = golden["inputs"]
    count = len(inputs["policy"])

    def table(own, other):
        return [[own[i], other[i]] if i % 2 == 0 else [other[i], own[i]] for i in range(count)]

    case = Case(name, "Two", vocab_size=count)
    policy = table(inputs["policy"], inputs["kl_policy"])
    case.model("policy", {"value": policy})
    case.model("other", {"value": table(inputs["ref"], inputs["kl_ref"])})
    case.rows({"prompt": [i], "completion": [i % 2], "desirable": bool(inputs["is_desirable"][i])} for i in range(count))
    case.expect(golden["loss"], "value", policy, table(golden["gradients"]["policy"], [0] * count))


def on_pairs(name, golden):
    """Token i has the vector of query i, token n + i that of its positive."""
    inputs, gradients = golden["inputs"], golden["gradients"]
    count, vectors = len(inputs["query"]), inputs["query"] + inputs["positive"]
    case = Case(name, "Table", vocab_size=len(vectors), classes=len(vectors[0]))
    case.model("policy", {"table": vectors})
    case.rows({"query": [i], "positive": [count + i]} for i in range(count))
    case.expect(golden["loss"], "table", vectors, gradients["query"] + gradients["positive"])


def on_classification(name, golden):
    logits = golden["inputs"]["logits"]
    case = Case(name, "Table", vocab_size=len(logits), classes=len(logits[0]))
    case.model("policy", {"table": logits})
    case.rows({"text": [0] * (i % 3) + [i], "label": label} for i, label in enumerate(golden["inputs"]["classes"]))
    case.expect(golden["loss"], "table", logits, golden["gradients"]["logits"])


def main():
    for name in os.listdir(HERE):
        if os.path.isdir(os.path.join(HERE, name)):
            shutil.rmtree(os.path.join(HERE, name))
    for file_name in sorted(os.listdir(sys.argv[1])):
        with open(os.path.join(sys.argv[1], file_name), encoding="utf-8") as file:
            golden = json.load(file)
        name, inputs = file_name.removesuffix(".json"), golden["inputs"]
        if "labels" in inputs:
            on_tokens(name, golden)
        elif "is_desirable" in inputs:
            on_feedback(name, golden)
        elif "query" in inputs:
            on_pairs(name, golden)
        elif "classes" in inputs:
            on_classification(name, golden)
        else:
            on_preference(name, golden)


main()
