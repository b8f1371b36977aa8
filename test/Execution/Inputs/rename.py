#!/usr/bin/env python3
"""rename.py FROM[,FROM...] TO PATTERN REPLACEMENT [PATTERN REPLACEMENT ...]: copies safetensors files into one, their tensors under
new names (regular expressions, the first that matches the whole name decides; without one a tensor is left out)."""

import json
import re
import struct
import sys

sources, target, *rules = sys.argv[1:]
entries, parts, offset = {}, [], 0
for source in sources.split(","):
    with open(source, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    for name, entry in header.items():
        for pattern, replacement in zip(rules[::2], rules[1::2]):
            if re.fullmatch(pattern, name):
                begin, end = entry["data_offsets"]
                new = re.sub(f"^(?:{pattern})$", replacement, name)
                entries[new] = {**entry, "data_offsets": [offset, offset + end - begin]}
                parts.append(data[begin:end])
                offset += end - begin
                break
text = json.dumps(entries).encode()
text += b" " * (-len(text) % 8)
with open(target, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
