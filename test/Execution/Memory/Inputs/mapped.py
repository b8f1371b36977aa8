"""mapped.py FTC: evaluates and trains a model whose file the weights are pages of, and the same one with a longer header."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

import small_llama

ftc = sys.argv[1]
EVALUATE = """
base = load("model")
data = dataset("ROWS", format: tokens, tokenizer: none)
loss = evaluate base { data: data   objective: sft   batch: 2 x 32   packing: none }
"""
TRAIN = """
base  = load("model")
data  = dataset("ROWS", format: tokens, tokenizer: none)
tuned = adapt base { **.{self_attn, mlp}.* : lora(rank: 4, alpha: 8) }
run   = train tuned { data: data   objective: sft   optimizer: adamw(lr: 1e-3)   batch: 2 x 32   packing: none }
save run as safetensors("saved.safetensors")
"""
MODEL = "model/model.safetensors"


def compiled(name, text):
    pathlib.Path(f"{name}.ftr").write_text(text, encoding="utf-8")
    subprocess.run([ftc, f"{name}.ftr", "-o", name], check=True)


def loss(model):
    subprocess.run(["./short", "--fresh", "--quiet", "--out", "out", "--set", f"base={model}"], check=True)
    return json.loads(pathlib.Path("out/metrics.jsonl").read_text(encoding="utf-8"))["loss"]


def trained(model):
    """What is saved, and the losses."""
    return small_llama.run(["./train", "--set", f"base={model}"], "saved.safetensors")


def begin(name, model):
    """A process that has been at its batches for a while: its files are read, and nothing tells of what is evaluated until its end."""
    process = subprocess.Popen([f"./{name}", "--fresh", "--quiet", "--out", "long.out", "--set", f"base={model}"], stderr=subprocess.PIPE, text=True)
    deadline = time.time() + 60
    while not mappings(process):
        assert process.poll() is None and time.time() < deadline, "it has not begun"
        time.sleep(0.05)
    time.sleep(1)
    return process


def mappings(process):
    """The process's mappings of the model's file: addresses, rights, ..."""
    lines = pathlib.Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if "model.safetensors" in line]


def shown_bytes(process):
    """Bytes of the writable ones, which are the arena's."""
    return sum(int(part[0].split("-")[1], 16) - int(part[0].split("-")[0], 16) for part in mappings(process) if part[1].startswith("rw"))


def mapped_bytes(name, model):
    """The same while batches are worked at."""
    shutil.rmtree("long.out", ignore_errors=True)
    process = begin(name, model)
    shown = shown_bytes(process)
    assert process.poll() is None, "it ended"
    process.kill()
    process.communicate()
    return shown


small_llama.make(ftc, 320, 8, 32)
pathlib.Path("many.jsonl").write_text(pathlib.Path("rows.jsonl").read_text(encoding="utf-8") * 10000, encoding="utf-8")
compiled("short", EVALUATE.replace("ROWS", "rows.jsonl"))
# The first step takes minutes.
compiled("long", TRAIN.replace("ROWS", "many.jsonl").replace("batch: 2 x 32", "batch: 40000 x 32   micro_batch: 2"))
compiled("training", TRAIN.replace("ROWS", "many.jsonl"))
compiled("evaluation", EVALUATE.replace("ROWS", "many.jsonl"))
compiled("train", TRAIN.replace("ROWS", "rows.jsonl").replace("packing: none", "packing: none   steps: 12"))

# The same tensors behind a header that is 24 bytes longer.
content = pathlib.Path(MODEL).read_bytes()
length = struct.unpack("<Q", content[:8])[0]
pathlib.Path("other").mkdir()
pathlib.Path("other/config.json").write_bytes(pathlib.Path("model/config.json").read_bytes())
pathlib.Path("other/model.safetensors").write_bytes(struct.pack("<Q", length + 24) + content[8:8 + length] + b" " * 24 + content[8 + length:])

assert loss("model") == loss("other")
# Two layers: 4 x 256 x 256 and 3 x 512 x 256 numbers each, the embedding and the head, less than two pages of each tensor.
matrices = 2 * 4 * (4 * 256 * 256 + 3 * 512 * 256) + 2 * 4 * 320 * 256
shown = mapped_bytes("long", "model")
assert matrices - 16 * 2 * 4096 <= shown <= matrices, (shown, matrices)
assert mapped_bytes("long", "other") == 0
# The file is left after the first step of a training and the first batch of an evaluation, with the same weights.
for name in "training", "evaluation":
    process, deadline = begin(name, "model"), time.time() + 60
    while shown_bytes(process):
        assert process.poll() is None and time.time() < deadline, f"the weights of the {name} are still pages of their file"
        time.sleep(0.05)
    process.kill()
    process.communicate()
assert trained("model") == trained("other")

# A file that loses its end while it is read.
shutil.copytree("model", "cut")
shutil.rmtree("long.out")
process = begin("long", "cut")
os.truncate("cut/model.safetensors", 4096)
_, text = process.communicate(timeout=60)
assert process.returncode == 3 and "error: a file was made shorter while it was being read" in text, (process.returncode, text)
