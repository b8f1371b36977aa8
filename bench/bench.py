#!/usr/bin/env python3
"""Times a LoRA step of SmolLM2-135M's shape in ftc against PyTorch + PEFT, alternating, on this machine.

    bench/bench.py [--rounds 3] [--rows 4] [--tokens 512] [--layers 30] [--compile]

Makes a virtual environment with the peers in .cache/peers (or uses the Python named by FTC_BENCH_PYTHON), writes a model of
random weights and random tokens, then runs peer and ftc in turn, each after a look at what the machine can do at that moment
(bench/machine.cpp). Prints a table and writes all figures to bench/results.json; bench/README.md says what they mean.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
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
config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=int(sys.argv[5]),
                     num_attention_heads=9, num_key_value_heads=3, max_position_embeddings=8192, rope_theta=100000.0,
                     rms_norm_eps=1e-5, tie_word_embeddings=True, initializer_range=0.04)
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
    """Runs a command; its output, wall seconds and peak resident bytes. Its stderr is shown if it fails."""
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=errors, text=True)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            errors.seek(0)
            sys.exit(f"failed: {' '.join(map(str, command))}\n{errors.read()}")
    return output, time.monotonic() - begin, usage.ru_maxrss * 1024


def make_machine(folder):
    """Compiles bench/machine.cpp; returns a function that measures the machine on so many threads."""
    binary = f"{folder}/machine"
    source = str(ROOT / "bench" / "machine.cpp")
    compiler = os.environ.get("CXX", "c++")
    measure([compiler, "-O2", "-march=native", "-ffp-contract=fast", "-pthread", source, "-o", binary])
    return lambda threads: json.loads(measure([binary, threads])[0])


def run_peer(command, side):
    output, _, peak = measure(command)
    result = json.loads(output.strip().splitlines()[-1])
    side["first"].append(result["first_step"])
    side["peak"].append(peak)
    side["seconds"] += result["seconds"][1:]
    return result


def run_ftc(executable, folder, threads, side):
    begin = time.time()
    _, _, peak = measure([executable, "--out", f"{folder}/run", "--fresh", "--quiet", "--threads", threads])
    with open(f"{folder}/run/metrics.jsonl", encoding="utf-8") as file:
        steps = [line for line in map(json.loads, file) if "step" in line]
    seconds = [line["seconds"] for line in steps]
    side["first"].append(os.path.getmtime(f"{folder}/run/metrics.jsonl") - begin - sum(seconds[1:]))
    side["peak"].append(peak)
    side["seconds"] += seconds[1:]
    return {"seconds": seconds, "losses": [line["loss"] for line in steps]}


def describe_machine(threads):
    """The processor's name and what of it is used."""
    name = platform.processor()
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            name = line.split(":", 1)[1].strip()
            break
    return f"{name}, {threads} threads"


def make_table(report):
    """The figures as Markdown."""
    peer, ftc, peer_name = report["peer"], report["ftc"], report["versions"]["peer"]
    rows = [("tokens/s", *(f"{side['tokens_per_second']:.0f}" for side in (peer, ftc)), f"{report['speed_ratio']:.2f}x"),
            ("share of the FMA wall", *(f"{side['share_of_wall']:.2f}" for side in (peer, ftc)), ""),
            ("peak memory", *(f"{side['peak_bytes'] / 1e9:.2f} GB" for side in (peer, ftc)),
             f"{ftc['peak_bytes'] / peer['peak_bytes']:.2f}x"),
            ("process start to end of first step", *(f"{side['first_step_seconds']:.1f} s" for side in (peer, ftc)),
             f"{ftc['first_step_seconds'] / peer['first_step_seconds']:.2f}x"),
            ("recipe to executable", "", f"{report['recipe_to_executable']:.1f} s", "")]
    lines = [f"{report['rows']} x {report['tokens']} tokens, {report['layers']} layers, f32; {report['machine']}; {report['date']}",
             "", f"| | {peer_name} | ftc | ratio |", "|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often peer and ftc are run in turn")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--steps", type=int, default=3, help="steps a run; the first is not counted in the medians")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--compile", action="store_true", help="torch.compile instead of eager")
    parser.add_argument("--ftc", default=str(ROOT / "build" / "bin" / "ftc"))
    arguments = parser.parse_args()
    rows, tokens, steps, threads = arguments.rows, arguments.tokens, arguments.steps, arguments.threads
    python = peer_python()

    with tempfile.TemporaryDirectory() as folder:
        machine = make_machine(folder)
        model, batches = f"{folder}/model", f"{folder}/batches.jsonl"
        measure([python, "-c", MAKE_MODEL, model, batches, rows * steps, tokens, arguments.layers])
        recipe, executable = f"{folder}/bench.ftr", f"{folder}/bench"
        text = RECIPE.format(model=model, batches=batches, out=folder, rows=rows, tokens=tokens, steps=steps)
        pathlib.Path(recipe).write_text(text, encoding="utf-8")
        compiling = [measure([arguments.ftc, recipe, "-o", executable])[1] for _ in range(arguments.rounds)]
        flops = json.loads(measure([arguments.ftc, "plan", "--json", recipe])[0])["FLOPs a token"]

        peer = [python, ROOT / "bench" / "peer.py", model, batches, "--rows", rows, "--steps", steps, "--threads", threads]
        peer += ["--compile"] if arguments.compile else []
        sides = {name: {"seconds": [], "first": [], "peak": []} for name in ("peer", "ftc")}
        ratios, speeds = [], []
        for number in range(arguments.rounds):
            speeds.append(machine(threads))
            theirs = run_peer(peer, sides["peer"])
            speeds.append(machine(threads))
            ours = run_ftc(executable, folder, threads, sides["ftc"])
            ratios.append(statistics.median(theirs["seconds"][1:]) / statistics.median(ours["seconds"][1:]))
            print(f"round {number + 1}: ratio {ratios[-1]:.2f}", file=sys.stderr)

    # The adapters begin at random A, so only the first loss (B = 0) is the same on both sides.
    difference = abs(theirs["losses"][0] - ours["losses"][0]) / theirs["losses"][0]
    if difference > 1e-4:
        sys.exit(f"the first losses differ by {difference:.1e}: {theirs['losses'][0]} and {ours['losses'][0]}")
    wall = statistics.median(speed["gflops"] for speed in speeds) * 1e9 / flops
    revision = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    report = {"date": datetime.date.today().isoformat(), "machine": describe_machine(threads), "rows": rows, "tokens": tokens,
              "layers": arguments.layers, "versions": {"ftc": revision.stdout.strip(), "peer": theirs["version"]},
              "speed_ratio": statistics.median(ratios), "ratios": ratios, "recipe_to_executable": statistics.median(compiling),
              "flops_per_token": flops, "wall_tokens_per_second": wall, "machine_speeds": speeds}
    for name, side in sides.items():
        speed = rows * tokens / statistics.median(side["seconds"])
        report[name] = {"tokens_per_second": speed, "share_of_wall": speed / wall, "peak_bytes": max(side["peak"]),
                        "first_step_seconds": statistics.median(side["first"]), "seconds": side["seconds"]}
    (ROOT / "bench" / "results.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(make_table(report))


if __name__ == "__main__":
    main()
