"""drawn.py THIRD FOURTH: the tensors of chance-after-a-step.ftr after three and after four steps."""
import json
import struct
import sys


def read(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if "dtype" in entry:
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            code = {"F32": "f", "F64": "d"}[entry["dtype"]]
            tensors[name.rsplit(".", 1)[1]] = [x for x, in struct.iter_unpack("<" + code, data[begin:end])]
    return tensors


third, fourth = map(read, sys.argv[1:])
for tensors in third, fourth:
    assert all(0 <= x < 1 for values in tensors.values() for x in values), "uniform numbers are in [0, 1)"
    assert len(set(tensors["filled"])) == 12, "an entry has a number of its own"
    assert len(set(tensors["seeded"])) == 5, "an entry has a number of its own"
    assert len(set(tensors["whole"])) == 1, "one number for the tensor"
assert third["filled"] != fourth["filled"] and third["whole"] != fourth["whole"], "each step draws anew"
assert third["seeded"] == fourth["seeded"], "a seed gives the same numbers again"
