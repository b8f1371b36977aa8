"""several.py CHAINED WRITTEN: first values of several.ftr's adapters, drawn at random, under the names that they have as adapters of the library and as
those that are written out."""
import json
import random
import struct
import sys

SITES = {
    "self_attn.q_proj": ("between", {"lora.A": [4, 64], "lora.B": [64, 4], "ia3.l": [64], "lora_2.A": [2, 64], "lora_2.B": [64, 2]}),
    "self_attn.v_proj": ("before", {"ia3.l": [32], "lora.A": [4, 64], "lora.B": [32, 4]}),
    "mlp.down_proj": ("after", {"lora.A": [4, 160], "lora.B": [64, 4], "ia3.u": [160]}),
}
WRITTEN = {"lora.A": "A", "lora.B": "B", "ia3.l": "l", "ia3.u": "u", "lora_2.A": "A2", "lora_2.B": "B2"}

random.seed(1)
headers, data = ({}, {}), b""
for layer in range(3):
    for site, (method, tensors) in SITES.items():
        for name, shape in tensors.items():
            size = shape[0] * shape[-1] if len(shape) > 1 else shape[0]
            middle = 1 if "ia3" in name else 0
            values = struct.pack(f"<{size}f", *(random.gauss(middle, 0.1) for _ in range(size)))
            place = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
            headers[0][f"model.layers.{layer}.{site}.{name}"] = place
            headers[1][f"model.layers.{layer}.{site}.{method}.{WRITTEN[name]}"] = place
            data += values
for path, header in zip(sys.argv[1:], headers):
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
