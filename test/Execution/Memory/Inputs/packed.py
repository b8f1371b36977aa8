"""packed.py FTC [OPTIONS OF FTC]: trains with room for none, some and all of the weights in panels."""

import json
import pathlib
import re
import subprocess
import sys

import small_llama

ftc, options = sys.argv[1], sys.argv[2:]
TRAIN = """
base  = load("model")
data  = dataset("rows.jsonl", format: tokens, tokenizer: none)
tuned = adapt base { **.{self_attn, mlp}.* : lora(rank: 4, alpha: 8) }
run   = train tuned { data: data   objective: sft   optimizer: adamw(lr: 1e-3)   batch: 8 x 128   packing: none   steps: 3   MEMORY }
save run as safetensors("saved.safetensors")
"""
# Bytes of the head and of the two layers' matrices.
HEAD, LAYERS = 4 * 4096 * 256, 2 * 4 * (4 * 256 * 256 + 3 * 512 * 256)


def plan(memory, *flags):
    """The bytes that a training needs, and the tensors that it has in panels."""
    pathlib.Path("train.ftr").write_text(TRAIN.replace("MEMORY", f"memory: {-(-memory // 1000)} KB" if memory else ""), encoding="utf-8")
    subprocess.run([ftc, "train.ftr", "--emit=placed", "-o", "placed.mlir", *options, *flags], check=True)
    text = pathlib.Path("placed.mlir").read_text(encoding="utf-8")
    summary = json.loads(subprocess.run([ftc, "plan", "train.ftr", "--json", *options, *flags], check=True, capture_output=True, text=True).stdout)
    return summary["peak"], set(re.findall(r"tune\.tensor weight @(\S+\.(?:rows|columns)) ", text)), text


def run(*flags):
    """What is saved, and the losses."""
    subprocess.run([ftc, "train.ftr", "-o", "train", *options, *flags], check=True)
    return small_llama.run(["./train"], "saved.safetensors")


small_llama.make(ftc, 4096, 24, 128)

# Panels have as many columns as the processor's tiles.
for cpu in ([], ["--cpu=haswell"]):
    need, panels, _ = plan(None, "--disable-pass=tune-insert-recompute", *cpu)
    assert not panels
    process = 32_000_000
    expected = run(*cpu)

    bound = need + process + HEAD + 4096
    peak, panels, text = plan(bound, *cpu)
    assert peak + process <= bound and {name.rsplit(".", 1)[1] for name in panels if "lm_head" in name} == {"rows", "columns"}, panels
    assert run(*cpu) == expected

    bound = need + process + HEAD + LAYERS + 4096
    peak, panels, text = plan(bound, *cpu)
    assert peak + process <= bound and len(panels) == 2 * (2 * 7 + 1) - 3, sorted(panels)  # nothing below the lowest q, k and v has a gradient
    assert not re.search(r"@base\.\S*(proj|lm_head)\.weight ", text), "the weights are kept as they were, too"
    assert run(*cpu) == expected

    peak, panels, _ = plan(bound, "--disable-pass=tune-pack-weights", *cpu)
    assert peak == need and not panels
    assert run("--disable-pass=tune-pack-weights", *cpu) == expected
