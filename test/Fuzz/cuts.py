#!/usr/bin/env python3
"""Random trainings without a bound and under one that should cut their batch: losses, norms of gradients and trained tensors must be the same
bits. Prints how many were cut; a difference is a line, a folder with both recipes, and exit status 1."""

import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
MODELS = ["llama", "llama-bf16", "mistral", "qwen2", "qwen3", "gemma3", "phi3", "olmo2", "gpt2"]
SITES = ["**.{self_attn, mlp}.*", "**.{q_proj, v_proj}", "**.*_proj", "**.mlp.*", "**.layers[0].**"]
ADAPTERS = ["lora(rank: {rank}, alpha: {alpha})", "lora(rank: {rank}, dropout: 0.2)", "pissa(rank: {rank})", "dora(rank: {rank})", "ia3()", "full()",
            "hra(rank: 8)", "loha(rank: {rank})", "lokr(rank: {rank})", "vera(rank: {rank})", "bottleneck(size: {rank})", "oft(block: 8)",
            "adalora(rank: {rank})", "delora(rank: {rank})", "miss(rank: 8)"]
RECIPE = """
base  = load("{data}/models/{model}")
data  = dataset("{data}/adapters/batches.jsonl", format: tokens)
tuned = adapt base {{ {sites} : {adapter}   {norms} }}
run   = train tuned {{ data: data   objective: {objective}   optimizer: {optimizer}   batch: {rows} x {tokens}   {packing}   steps: 3   MEMORY }}
save run as safetensors(FILE)
"""
PROCESS = "process itself, at most"


def draw(seed):
    chance = random.Random(seed)
    adapter = chance.choice(ADAPTERS).format(rank=chance.choice([1, 2, 3, 4, 7, 8, 9, 16, 17]), alpha=chance.choice([1, 3, 8, 12]))
    text = RECIPE.format(data=DATA, model=chance.choice(MODELS), sites=chance.choice(SITES), adapter=adapter,
                         norms="**.{norm, input_layernorm} : ln_tuning()" if chance.random() < 0.3 else "",
                         objective=chance.choice(["sft", "sft(smoothing: 0.1)"]), optimizer=chance.choice(["adamw(lr: 1e-3)", "sgd(lr: 0.1)"]),
                         rows=chance.choice([2, 4, 6, 8, 9, 12, 16, 32]), tokens=chance.choice([16, 33, 48, 64, 96, 100, 128]),
                         packing=chance.choice(["packing: none", ""]))
    return text, chance.choice([0.3, 0.5, 0.7]), [chance.choice([1, 2, 3]) for _ in range(2)]


class Training:
    def __init__(self, ftc, folder):
        self.ftc, self.folder = ftc, folder

    def call(self, *command):
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def plan(self, name, text):
        """What is planned; nothing where the recipe is refused."""
        (self.folder / f"{name}.ftr").write_text(text.replace("FILE", f'"{name}.safetensors"'), encoding="utf-8")
        done = self.call(self.ftc, "plan", "--json", f"{name}.ftr")
        assert done.returncode in (0, 1, 4), done.stderr
        return json.loads(done.stdout) if done.returncode == 0 else None

    def run(self, name, threads):
        done = self.call(self.ftc, f"{name}.ftr", "-o", name)
        assert done.returncode == 0, done.stderr
        done = self.call(f"./{name}", "--fresh", "--quiet", "--out", f"{name}.out", "--threads", str(threads))
        if done.returncode != 0:
            return done.returncode
        lines = map(json.loads, (self.folder / f"{name}.out/metrics.jsonl").read_text(encoding="utf-8").splitlines())
        return [(line["loss"], line["grad_norm"]) for line in lines if "step" in line], (self.folder / f"{name}.safetensors").read_bytes()


def attempt(ftc, seed, folder):
    """What became of a seed: refused, whole (not cut), same or different."""
    text, share, threads = draw(seed)
    training = Training(ftc, folder)
    whole = training.plan("whole", text.replace("MEMORY", ""))
    if not whole:
        return "refused"
    budget = whole[PROCESS] + whole["peak"] - int(whole["activations"] * (1 - share))
    bounded = training.plan("bounded", text.replace("MEMORY", f"memory: {budget // 1000} KB"))
    if not bounded:
        return "refused"
    if bounded["sequences at once"] == whole["sequences at once"]:
        return "whole"
    return "same" if training.run("whole", threads[0]) == training.run("bounded", threads[1]) else "different"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0:20", help="FROM:TO")
    parser.add_argument("--ftc", default=shutil.which("ftc"))
    arguments = parser.parse_args()
    counts = {}
    for seed in range(*map(int, arguments.seeds.split(":"))):
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"cut-{seed}-"))
        outcome = attempt(arguments.ftc, seed, folder)
        counts[outcome] = counts.get(outcome, 0) + 1
        if outcome == "different":
            print(f"seed {seed}: other numbers, see {folder}", flush=True)
        else:
            shutil.rmtree(folder)
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    return 1 if "different" in counts else 0


if __name__ == "__main__":
    sys.exit(main())
