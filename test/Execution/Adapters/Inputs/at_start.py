#!/usr/bin/env python3
"""at_start.py MODEL TENSORS: what sites-at-start.ftr has found, from the model's own weights."""

import json
import struct
import sys


def tensors(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    code = {"F64": "d", "F32": "f", "I32": "i", "I64": "q"}
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            kind = code[entry["dtype"]]
            found[name] = (entry["shape"], struct.unpack(f"<{(end - begin) // struct.calcsize(kind)}{kind}", data[begin:end]))
    return found


weights, found = tensors(sys.argv[1]), tensors(sys.argv[2])
sites = sorted({name.rsplit(".shares.", 1)[0] for name in found})
own = {site: sum(float(w) ** 2 for w in weights[site + ".weight"][1]) for site in sites}
shape = {site: weights[site + ".weight"][0] for site in sites}
assert len(sites) == 6
mean = sum(own.values()) / 6
norms = {site: [sum(float(w) ** 2 for w in weights[site + ".weight"][1][row * shape[site][1]:(row + 1) * shape[site][1]]) ** 0.5 for row in range(3)] for site in sites}
for site in sites:
    expected = {
        "part": own[site] / mean, "total": 6 * mean, "most": max(own.values()), "least": min(own.values()),
        "place": sum(other > own[site] for other in own.values()), "inputs": sum(s[1] for s in shape.values()), "widest": max(s[0] for s in shape.values()),
    }
    apart = sum((norms[site][row] - sum(norms[other][row] for other in sites) / 6) ** 2 for row in range(3))
    expected["apart"] = apart
    for row in range(3):
        value, got = norms[site][row] - max(norms[other][row] for other in sites), found[f"{site}.shares.profile"][1][row]
        assert abs(got - value) <= 1e-10, f"{site} profile: {got} and {value}"
    for name, value in expected.items():
        got = found[f"{site}.shares.{name}"][1][0]
        assert abs(got - value) <= 1e-10 * max(1, abs(value)), f"{site} {name}: {got} and {value}"
