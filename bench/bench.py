#!/usr/bin/env python3
"""Times a LoRA step of SmolLM2-135M's shape in ftc against PyTorch + PEFT, alternating, on this machine.

    bench/bench.py [--rounds 3] [--tokens 512] [--rows 4] [--compile]

Makes a virtual environment with the peers in .cache/peers (or uses the Python named by FTC_BENCH_PYTHON), writes a model of
random weights and random tokens, then runs peer and ftc in turn. Prints the medians, the ratio, the peak resident memory, the
time from process start to the end of the first step and from recipe to executable, and writes them to bench/results.json.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ["torch==2.15.0", "transformers", "peft"]

MAKE_MODEL = """
import json, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                     num_key_value_heads=3, max_position_embeddings=8192, rope_theta=100000.0, rms_norm_eps=1e-5,
                     tie_word_embeddings=True, initializer_range=0.04)
LlamaForCausalLM(config).save_pretrained(sys.argv[1])
rows, tokens = int(sys.argv[3]), int(sys.argv[4])
with open(sys.argv[2], "w") as file:
    for row in torch.randint(3, 49152, (rows, tokens)).tolist():
        file.write(json.dumps({"input_ids": row}) + "\\n")
"""

RECIPE = """
base  = load("{model}")
data  = dataset("{batches}", format: tokens, shuffle: none)
tuned = adapt base {{ **.layers.*.{{self_attn, mlp}}.* : lora(rank: 16, alpha: 32) }}
run   = train tuned {{
  data: data   objective: sft   optimizer: adamw(lr: 1e-4)   schedule: constant
  batch: {rows} x {tokens}   packing: none   steps: {steps}   gradient_clip: none
}}
save run as safetensors("{out}/trained.safetensors")
"""


def peer_python():
    """The Python of an environment that holds the peers."""
    if "FTC_BENCH_PYTHON" in os.environ:
        return os.environ["FTC_BENCH_PYTHON"]
    folder = ROOT / ".cache" / "peers"
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing {' '.join(PEERS)} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    return str(python)


def measure(command):
    """Runs a command; its output, wall seconds and peak resident bytes."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return output, time.monotonic() - begin, usage.ru_maxrss * 1024


def run_peer(command, side):
    output, _, peak = measure(command)
    result = json.loads(output.strip().splitlines()[-1])
    side["first"].append(result["first_step"])
    side["peak"].append(peak)
    side["seconds"] += result["seconds"][1:]
    return result


def run_ftc(executable, folder, side):
    begin = time.time()
    _, wall, peak = measure([executable, "--out", f"{folder}/run", "--fresh", "--quiet"])
    with open(f"{folder}/run/metrics.jsonl", encoding="utf-8") as file:
        steps = [line for line in map(json.loads, file) if "step" in line]
    seconds = [line["seconds"] for line in steps]
    side["first"].append(os.path.getmtime(f"{folder}/run/metrics.jsonl") - begin - sum(seconds[1:]))
    side["peak"].append(peak)
    side["seconds"] += seconds[1:]
    return {"seconds": seconds, "losses": [line["loss"] for line in steps], "wall": wall}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--steps", type=int, default=4, help="steps a round; the first is not counted in the medians")
    parser.add_argument("--compile", action="store_true", help="torch.compile instead of eager")
    parser.add_argument("--ftc", default=str(ROOT / "build" / "bin" / "ftc"))
    arguments = parser.parse_args()
    rows, tokens, steps = arguments.rows, arguments.tokens, arguments.steps
    python = peer_python()

    with tempfile.TemporaryDirectory() as folder:
        model, batches = f"{folder}/model", f"{folder}/batches.jsonl"
        subprocess.run([python, "-c", MAKE_MODEL, model, batches, str(rows * steps), str(tokens)], check=True)
        recipe, executable = f"{folder}/bench.ftr", f"{folder}/bench"
        text = RECIPE.format(model=model, batches=batches, out=folder, rows=rows, tokens=tokens, steps=steps)
        pathlib.Path(recipe).write_text(text, encoding="utf-8")
        compiling = [measure([arguments.ftc, recipe, "-o", executable])[1] for _ in range(arguments.rounds)]

        peer = [python, str(ROOT / "bench" / "peer.py"), model, batches, "--rows", str(rows), "--steps", str(steps)]
        peer += ["--compile"] if arguments.compile else []
        sides = {name: {"seconds": [], "first": [], "peak": []} for name in ("peer", "ftc")}
        ratios = []
        for _ in range(arguments.rounds):
            theirs = run_peer(peer, sides["peer"])
            ours = run_ftc(executable, folder, sides["ftc"])
            ratios.append(statistics.median(theirs["seconds"][1:]) / statistics.median(ours["seconds"][1:]))

    # The adapters begin at random A, so only the first loss (B = 0) is the same on both sides.
    difference = abs(theirs["losses"][0] - ours["losses"][0]) / theirs["losses"][0]
    if difference > 1e-4:
        sys.exit(f"the first losses differ by {difference:.1e}: {theirs['losses'][0]} and {ours['losses'][0]}")
    report = {"date": datetime.date.today().isoformat(), "rows": rows, "tokens": tokens, "torch": theirs["torch"],
              "speed_ratio": statistics.median(ratios), "recipe_to_executable": statistics.median(compiling)}
    for name, side in sides.items():
        report[name] = {"tokens_per_second": rows * tokens / statistics.median(side["seconds"]),
                        "peak_bytes": max(side["peak"]), "first_step_seconds": statistics.median(side["first"])}
    text = json.dumps(report, indent=1)
    (ROOT / "bench" / "results.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
