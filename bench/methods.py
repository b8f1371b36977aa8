#!/usr/bin/env python3
"""Times a training step with each adapter of the standard library beside one with `lora`, alternating, on this machine.

    bench/methods.py [--rounds 3] [--rows 1] [--tokens 512] [--layers 30] [--only NAME ...]

Needs nothing but ftc: the model of SmolLM2-135M's shape is begun from nothing by a recipe, the tokens are random. Prints a table and writes
all figures to bench/methods.json. The ratio is the median over the rounds of a method's step by the step of `lora` run just before it; the
FLOPs are those of `ftc plan`, so that a ratio of time above that of the FLOPs is what the compiler loses.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

import bench

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536,
          "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192, "rope_theta": 100000.0, "rms_norm_eps": 1e-5,
          "tie_word_embeddings": True}

MODEL = """
base  = load("{folder}/config")
start = adapt base {{
  **.{{embed_tokens, self_attn, mlp}}.** : fresh(std: 0.04)
  **.{{input_layernorm, post_attention_layernorm, norm}} : fresh(mean: 1, std: 0)
}}
save start as huggingface("{folder}/model")
"""

RECIPE = """
base  = load("{folder}/model")
data  = dataset("{folder}/batches.jsonl", format: tokens, shuffle: none)
tuned = adapt base {{ {lines} }}
run   = train tuned {{
  data: data   objective: sft   optimizer: adamw(lr: 1e-4)   schedule: constant
  batch: {rows} x {tokens}   packing: none   steps: {steps}   gradient_clip: none
}}
save run as safetensors("{folder}/{name}.safetensors")
"""

ALL = "**.layers.*.{self_attn, mlp}.* : "
METHODS = {
    "lora": ALL + "lora(rank: 16, alpha: 32)",
    "lora, rank-stabilised": ALL + "lora(rank: 16, alpha: 32, stabilised: true)",
    "dora": ALL + "dora(rank: 16, alpha: 32)",
    "pissa": ALL + "pissa(rank: 16)",
    "olora": ALL + "olora(rank: 16)",
    "vera": ALL + "vera(rank: 256)",
    "ia3": "**.{k_proj, v_proj} : ia3()  **.down_proj : ia3(feedforward: true)",
    "loha": ALL + "loha(rank: 8, alpha: 16)",
    "lokr": ALL + "lokr(rank: 16, alpha: 32)",
    "oft": ALL + "oft(block: 32)",
    "boft": ALL + "boft(block: 4)",
    "hra": ALL + "hra(rank: 8)",
    "fourierft": ALL + "fourierft(n: 1000)",
    "miss": ALL + "miss(rank: 64)",
    "c3a": ALL + "c3a(block: 64)",
    "vblora": ALL + "vblora(rank: 4, length: 64)",
    "road": ALL + "road(group: 64)",
    "shira": ALL + "shira(rank: 16)",
    "delora": ALL + "delora(rank: 16)",
    "gralora": ALL + "gralora(rank: 16)",
    "adalora": ALL + "adalora(rank: 16, target: 8)",
    "relora": ALL + "relora(rank: 16, alpha: 32, period: 500)",
    "ln_tuning": "**.*norm* : ln_tuning()",
    "bottleneck": "**.{o_proj, mlp} : bottleneck(size: 64)",
    "prompt": "**.embed_tokens : prompt(length: 16)",
    "p_tuning": "**.embed_tokens : p_tuning(length: 16)",
    "prefix": "** : prefix(length: 16)",
    "lora, shifted attention": ALL + "lora(rank: 16, alpha: 32)  **.attention : shifted_attention(size: 128)",
}


def step_seconds(executable, folder, threads):
    """Wall seconds of each step but the first."""
    bench.measure([executable, "--out", f"{folder}/run", "--fresh", "--quiet", "--threads", threads])
    with open(f"{folder}/run/metrics.jsonl", encoding="utf-8") as file:
        return [line["seconds"] for line in map(json.loads, file) if "step" in line][1:]


def make_inputs(folder, arguments):
    os.makedirs(f"{folder}/config")
    config = {**CONFIG, "num_hidden_layers": arguments.layers}
    pathlib.Path(f"{folder}/config/config.json").write_text(json.dumps(config), encoding="utf-8")
    pathlib.Path(f"{folder}/model.ftr").write_text(MODEL.format(folder=folder), encoding="utf-8")
    bench.measure([arguments.ftc, f"{folder}/model.ftr", "-o", f"{folder}/make"])
    bench.measure([f"{folder}/make", "--out", f"{folder}/made", "--quiet"])
    numbers = random.Random(0)
    with open(f"{folder}/batches.jsonl", "w", encoding="utf-8") as file:
        for _ in range(arguments.rows * arguments.steps):
            file.write(json.dumps({"input_ids": [numbers.randrange(3, 49152) for _ in range(arguments.tokens)]}) + "\n")


def compile_method(name, folder, arguments):
    """The executable of a method, and its FLOPs a token."""
    stem = "".join(letter if letter.isalnum() else "-" for letter in name)
    recipe, executable = f"{folder}/{stem}.ftr", f"{folder}/{stem}"
    text = RECIPE.format(folder=folder, lines=METHODS[name], rows=arguments.rows, tokens=arguments.tokens, steps=arguments.steps, name=stem)
    pathlib.Path(recipe).write_text(text, encoding="utf-8")
    bench.measure([arguments.ftc, recipe, "-o", executable])
    return executable, json.loads(bench.measure([arguments.ftc, "plan", "--json", recipe])[0])["FLOPs a token"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often a method and lora are run in turn")
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--steps", type=int, default=4, help="steps a run; the first is not counted")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", nargs="*", choices=list(METHODS), help="these methods alone")
    parser.add_argument("--ftc", default=str(bench.ROOT / "build" / "bin" / "ftc"))
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        make_inputs(folder, arguments)
        lora, flops = compile_method("lora", folder, arguments)
        for name in arguments.only or METHODS:
            executable, own = compile_method(name, folder, arguments)
            ratios = []
            for _ in range(arguments.rounds):
                base = statistics.median(step_seconds(lora, folder, arguments.threads))
                ratios.append(statistics.median(step_seconds(executable, folder, arguments.threads)) / base)
            rows.append({"method": name, "ratio": statistics.median(ratios), "ratios": ratios, "flops_ratio": own / flops})
            print(f"{name}: {rows[-1]['ratio']:.2f} of lora's step, {own / flops:.2f} of its FLOPs", file=sys.stderr)
    revision = subprocess.run(["git", "-C", bench.ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    report = {"date": datetime.date.today().isoformat(), "machine": bench.describe_machine(arguments.threads), "rows": arguments.rows,
              "tokens": arguments.tokens, "layers": arguments.layers, "ftc": revision.stdout.strip(), "methods": rows}
    (bench.ROOT / "bench" / "methods.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"{arguments.rows} x {arguments.tokens} tokens, {arguments.layers} layers, f32; {report['machine']}; {report['date']}\n")
    print("| method | step, of lora's | FLOPs, of lora's |\n|---|---|---|")
    for row in rows:
        print(f"| {row['method']} | {row['ratio']:.2f} | {row['flops_ratio']:.2f} |")


if __name__ == "__main__":
    main()
