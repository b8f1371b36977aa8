#!/usr/bin/env python3
"""gguf.py TYPE BLOCKS GGUF VALUES: the tensors NAME.blocks of a safetensors file as a GGUF file of that type (its number in ggml), and their
decoded values NAME.dequantized as the safetensors file VALUES with tensors NAME.weight. Of the types without blocks (F32, F16, BF16) the values are stored,
and VALUES has what that leaves of them."""

import array
import json
import struct
import sys

ALIGNMENT = 32
F32, F16, BF16 = 0, 1, 30


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


def plain(kind, values):
    """Values in f32 as a type without blocks, and in f32 again."""
    if kind == F16:
        floats = [max(-65504.0, min(65504.0, value)) for value in array.array("f", values)]
        halves = struct.pack(f"<{len(floats)}e", *floats)
        return halves, array.array("f", struct.unpack(f"<{len(values) // 4}e", halves)).tobytes()
    if kind == BF16:  # cut, not rounded: any value will do
        words = [word >> 16 for word in array.array("I", values)]
        return array.array("H", words).tobytes(), array.array("I", [word << 16 for word in words]).tobytes()
    return values, values


def main():
    kind, source, gguf, decoded = int(sys.argv[1]), *sys.argv[2:]
    stored = read(source)
    blocks, values = {}, {}
    for name in [name.removesuffix(".blocks") for name in stored if name.endswith(".blocks")]:
        shape, value = stored[name + ".dequantized"]
        data, value = plain(kind, value) if kind in (F32, F16, BF16) else (stored[name + ".blocks"][1], value)
        blocks[name], values[name + ".weight"] = (shape, data), (shape, value)
    write_gguf(gguf, kind, blocks)
    write_safetensors(decoded, values)


if __name__ == "__main__":
    main()
