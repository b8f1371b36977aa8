"""mapped.py FTC: trains on a model whose file the weights are pages of, and on the same one with a longer header."""

import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

import small_llama

ftc = sys.argv[1]
TRAIN = """
base  = load("model")
data  = dataset("rows.jsonl", format: tokens, tokenizer: none)
tuned = adapt base { **.{self_attn, mlp}.* : lora(rank: 4, alpha: 8) }
run   = train tuned { data: data   objective: sft   optimizer: adamw(lr: 1e-3)   batch: 2 x 32   packing: none   steps: STEPS }
save run as safetensors("SAVED")
"""
MODEL = "model/model.safetensors"


def compiled(name, text):
    pathlib.Path(f"{name}.ftr").write_text(text, encoding="utf-8")
    subprocess.run([ftc, f"{name}.ftr", "-o", name], check=True)


def run(model):
    """What is saved, and the losses."""
    return small_llama.run(["./train", "--set", f"base={model}"], "saved.safetensors")


def begin(model):
    """A long training that has made its first step."""
    process = subprocess.Popen(["./long", "--fresh", "--quiet", "--out", "long.out", "--set", f"base={model}"], stderr=subprocess.PIPE, text=True)
    metrics, deadline = pathlib.Path("long.out/metrics.jsonl"), time.time() + 60
    while not (metrics.exists() and metrics.stat().st_size > 0):
        assert process.poll() is None and time.time() < deadline, "the training has not begun"
        time.sleep(0.01)
    return process


def mapped_bytes(model):
    """Bytes of the writable mappings of the model's file, which are the arena's, during a training."""
    shutil.rmtree("long.out", ignore_errors=True)
    process = begin(model)
    parts = [line.split() for line in pathlib.Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8").splitlines() if "model.safetensors" in line]
    process.kill()
    process.communicate()
    return sum(int(part[0].split("-")[1], 16) - int(part[0].split("-")[0], 16) for part in parts if part[1].startswith("rw"))


small_llama.make(ftc, 320, 8, 32)
compiled("train", TRAIN.replace("STEPS", "3").replace("SAVED", "saved.safetensors"))
compiled("long", TRAIN.replace("STEPS", "100000").replace("SAVED", "long.safetensors"))

# The same tensors behind a header that is 24 bytes longer.
content = pathlib.Path(MODEL).read_bytes()
length = struct.unpack("<Q", content[:8])[0]
pathlib.Path("other").mkdir()
pathlib.Path("other/config.json").write_bytes(pathlib.Path("model/config.json").read_bytes())
pathlib.Path("other/model.safetensors").write_bytes(struct.pack("<Q", length + 24) + content[8:8 + length] + b" " * 24 + content[8 + length:])

assert run("model") == run("other")
# Two layers: 4 x 256 x 256 and 3 x 512 x 256 numbers each, less than two pages of each tensor.
adapted = 2 * 4 * (4 * 256 * 256 + 3 * 512 * 256)
shown = mapped_bytes("model")
assert adapted - 14 * 2 * 4096 <= shown <= adapted + 2 * 4 * 320 * 256, (shown, adapted)
assert mapped_bytes("other") == 0

# A file that loses its end while it is read.
shutil.copytree("model", "cut")
shutil.rmtree("long.out")
process = begin("cut")
os.truncate("cut/model.safetensors", 4096)
_, text = process.communicate(timeout=60)
assert process.returncode == 3 and "error: a file was made shorter while it was being read" in text, (process.returncode, text)
