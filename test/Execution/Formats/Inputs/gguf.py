#!/usr/bin/env python3
"""gguf.py TYPE BLOCKS GGUF VALUES: the tensors NAME.blocks of a safetensors file as a GGUF file of that type (its number in ggml), and their
decoded values NAME.dequantized as the safetensors file VALUES with tensors NAME.weight."""

import json
import struct
import sys

ALIGNMENT = 32


def read(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    return {name: (entry["shape"], data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def string(text):
    return struct.pack("<Q", len(text)) + text.encode()


def write_gguf(path, kind, tensors):
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1) + string("general.architecture") + struct.pack("<I", 8) + string("blocks")
    data = b""
    for name, ((rows, columns), blocks) in tensors.items():
        out += string(name) + struct.pack("<IQQIQ", 2, columns, rows, kind, len(data))
        data += blocks + bytes(-len(blocks) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(out + bytes(-len(out) % ALIGNMENT) + data)


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    kind, source, gguf, values = sys.argv[1:]
    stored = read(source)
    names = [name.removesuffix(".blocks") for name in stored if name.endswith(".blocks")]
    write_gguf(gguf, int(kind), {name: (stored[name + ".dequantized"][0], stored[name + ".blocks"][1]) for name in names})
    write_safetensors(values, {name + ".weight": stored[name + ".dequantized"] for name in names})


if __name__ == "__main__":
    main()
