#!/usr/bin/env python3
"""poison.py MODEL COPY TENSOR VALUE: a copy of a model's folder in which the first entry of a float32 tensor is VALUE (nan, inf, 3e38)."""

import json
import os
import shutil
import struct
import sys


def main():
    model, copy, name, value = sys.argv[1:]
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(model, copy)
    path = os.path.join(copy, "model.safetensors")
    with open(path, "r+b") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(size))[name]
        assert entry["dtype"] == "F32", entry
        file.seek(8 + size + entry["data_offsets"][0])
        file.write(struct.pack("<f", float(value)))


if __name__ == "__main__":
    main()
