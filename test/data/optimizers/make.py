#!/usr/bin/env python3
"""make.py GOLDEN: the files of this folder from golden/optimizers/*.json, see README.md."""

import json
import os
import struct
import sys


def flat(value):
    return [number for row in value for number in flat(row)] if isinstance(value, list) else [value]


def write(path, tensors):
    """A safetensors file of float64."""
    header, data = {}, b""
    for name, (shape, numbers) in tensors.items():
        raw = struct.pack(f"<{len(numbers)}d", *numbers)
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    golden, here = sys.argv[1], os.path.dirname(os.path.abspath(__file__))
    for name in sorted(os.listdir(golden)):
        if name == "schedules.json":
            continue
        with open(os.path.join(golden, name), encoding="utf-8") as file:
            run = json.load(file)
        initial, gradients, values = run["initial"], run["gradients"], run["values"]
        points = [initial] + values
        losses = [
            sum(x * g for key in initial for x, g in zip(flat(point[key]), flat(gradient[key])))
            for point, gradient in zip(points, gradients)
        ]
        stem = os.path.join(here, name.removesuffix(".json"))
        with open(stem + ".json", "w", encoding="utf-8") as file:
            json.dump({"losses": losses}, file, indent=0)
        shapes = {"matrix": [4, 3], "vector": [5]}
        write(stem + ".safetensors", {f"model.{key}": (shapes[key], flat(values[-1][key])) for key in shapes})
        given = {f"model.{key}": (shapes[key], flat(initial[key])) for key in shapes}
        for key in shapes:
            given[f"model.{key}_gradient"] = ([len(gradients)] + shapes[key], flat([g[key] for g in gradients]))
        write(os.path.join(here, "given", "model.safetensors"), given)


main()
