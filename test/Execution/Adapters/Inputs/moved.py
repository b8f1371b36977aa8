"""moved.py FILE LEAST MOST: of the rows of the tensor whose name ends in `A` and that has eight, how many are not 0: between LEAST and MOST."""
import json
import struct
import sys

data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + size])
found = 0
for name, tensor in header.items():
    if not name.endswith("A") or tensor.get("shape", [0])[0] != 8:
        continue
    assert tensor["dtype"] in ("F32", "F64"), tensor["dtype"]
    begin, end = (8 + size + offset for offset in tensor["data_offsets"])
    row = (end - begin) // 8
    moved = sum(any(data[begin + row * i:begin + row * (i + 1)]) for i in range(8))
    assert int(sys.argv[2]) <= moved <= int(sys.argv[3]), f"{name}: {moved} rows moved"
    found += 1
assert found == 1, f"{found} tensors"
