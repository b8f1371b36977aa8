#!/usr/bin/env python3
"""replace.py MODEL FILE OUT: a copy of a model's folder in which the tensors of a safetensors file stand in the place of its own."""

import json
import shutil
import struct
import sys
from pathlib import Path


def read(path):
    data = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    return {name: (entry, data[8 + size :][slice(*entry["data_offsets"])]) for name, entry in header.items()}


model, file, out = sys.argv[1:]
shutil.rmtree(out, ignore_errors=True)
shutil.copytree(model, out)
tensors, others = read(f"{model}/model.safetensors"), read(file)
assert others and set(others) <= set(tensors)
tensors.update(others)
header, data = {}, b""
for name, (entry, values) in tensors.items():
    header[name] = {**entry, "data_offsets": [len(data), len(data) + len(values)]}
    data += values
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
Path(out, "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
