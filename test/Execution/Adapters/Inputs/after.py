"""after.py ADAPTER: what the blocks of after.ftr have left at each of its three sites after six updates."""
import json
import struct
import sys

data = open(sys.argv[1] + "/adapter.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
found = {}
for name, entry in json.loads(data[8:8 + size]).items():
    if name != "__metadata__":
        begin = 8 + size + entry["data_offsets"][0]
        (value,) = struct.unpack("<f" if entry["dtype"] == "F32" else "<d", data[begin:8 + size + entry["data_offsets"][1]])
        found.setdefault(name.rsplit(".", 1)[1], []).append(value)
assert found.keys() == {"once", "twice", "last", "rated"}, found
assert found["once"] == [33] * 3 and found["twice"] == [2] * 3 and found["last"] == [0] * 3, found
assert all(abs(value - 1 / 5) < 1e-6 for value in found["rated"]), found
