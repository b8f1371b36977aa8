"""eye.py FILE: the tensors that eye.ftr saves."""

import json
import struct
import sys

content = open(sys.argv[1], "rb").read()
length = struct.unpack("<Q", content[:8])[0]
header = json.loads(content[8 : 8 + length])
seen = {}
for name, entry in header.items():
    if name == "__metadata__":
        continue
    rows, columns = entry["shape"]
    begin, end = entry["data_offsets"]
    kind = {"F64": "d", "F32": "f"}[entry["dtype"]]
    values = struct.unpack(f"<{rows * columns}{kind}", content[8 + length + begin : 8 + length + end])
    short = name.rsplit(".", 1)[-1]
    one = 2 if short == "high" else 1
    assert list(values) == [one if i == j else 0 for i in range(rows) for j in range(columns)], name
    seen[short] = (rows, columns)
assert seen == {"wide": (4, 64), "high": (64, 4), "square": (4, 4)}, seen
