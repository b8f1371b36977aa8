"""change.py FILE TENSOR: another first byte of a tensor in a file of safetensors."""
import json
import struct
import sys

data = bytearray(open(sys.argv[1], "rb").read())
size = struct.unpack("<Q", data[:8])[0]
data[8 + size + json.loads(data[8:8 + size])[sys.argv[2]]["data_offsets"][0]] ^= 1
open(sys.argv[1], "wb").write(data)
