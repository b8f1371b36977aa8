#!/usr/bin/env python3
"""zero.py FILE BOUND: every number of a safetensors file of f32 or f64 is at most BOUND in size."""

import array
import json
import struct
import sys

with open(sys.argv[1], "rb") as file:
    (size,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(size))
    data = file.read()
count = 0
for name, entry in header.items():
    if name == "__metadata__":
        continue
    begin, end = entry["data_offsets"]
    values = array.array({"F32": "f", "F64": "d"}[entry["dtype"]], data[begin:end])
    count += len(values)
    worst = max(abs(value) for value in values)
    assert worst <= float(sys.argv[2]), f"{name}: {worst}"
assert count > 0
