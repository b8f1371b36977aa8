#!/usr/bin/env python3
"""Counts the instructions of programs on a tiny model and compares them with those of instructions.json.

    instructions.py [--build build] [--record] WORK [CASE ...]

ftc compiles recipes in the folder WORK for one fixed processor; they run in valgrind, whose processor is fixed too, so that oneDNN and libc choose the same code
on every machine. Counted are the programs of the last step of a training, or of the last token of a generation: what is done once is over by then. `own` are the
instructions of the executable alone, kernels and runtime. With --record the counts are written instead of compared.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent.parent / "bench"))
import common  # noqa: E402

RECORDED = HERE / "instructions.json"
BOUND = 0.03

# Heads as in SmolLM2: 64 wide, three of queries for one of keys.
CONFIG = {**common.SMOLLM2, "vocab_size": 320, "hidden_size": 192, "intermediate_size": 384, "num_attention_heads": 3, "num_key_value_heads": 1,
          "num_hidden_layers": 1}
ROWS, TOKENS = 2, 40

GENERATE = """
base = load("{folder}/model")
rows = dataset("{folder}/prompts.jsonl", format: tokens, shuffle: none)
text = generate base {{ prompts: rows   tokens: 3   prompt_tokens: {tokens} }}
"""


def step_recipe(folder, adapters):
    return common.step_recipe(folder, adapters, ROWS, TOKENS, steps=2)


# Each recipe, and how many programs run in its last step: those that are counted.
CASES = {
    "lora": (lambda folder: step_recipe(folder, common.LORA), 3),
    "full": (lambda folder: step_recipe(folder, "** : full()"), 3),
    "token": (lambda folder: GENERATE.format(folder=folder, tokens=TOKENS), 1),
}


def compiler(build, folder):
    """A command that compiles for one fixed processor, which has the instructions that valgrind knows."""
    ftc = build / "bin" / "ftc"
    if "--cpu" not in subprocess.run([ftc, "--help"], capture_output=True, text=True, check=True).stdout:
        return ftc
    wrapper = pathlib.Path(folder) / "ftc"
    wrapper.write_text(f'#!/bin/sh\nexec "{ftc.resolve()}" --cpu=haswell "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    return wrapper


def read_counts(path):
    """Instructions by object, from a file of callgrind. An object is named where it first occurs; calls repeat what the called function has by itself."""
    names, counts, current, skip = {}, collections.Counter(), None, False
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := re.match(r"c?ob=\((\d+)\)(?: (.*))?", line):
            names.setdefault(match[1], match[2])
            if line.startswith("ob="):
                current = names[match[1]]
        elif line.startswith("calls="):
            skip = True
        elif re.match(r"[+*\-\d]", line):
            if not skip:
                counts[current] += int(line.split()[1])
            skip = False
    return counts


def count(executable, folder, programs):
    """Instructions of the last programs that an executable runs: in all, and those of its own code."""
    out = pathlib.Path(folder) / "callgrind"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    # One file for each program that is run, and an empty one at the end.
    valgrind = ["valgrind", "-q", "--tool=callgrind", "--toggle-collect=ftc_run_program", "--dump-after=ftc_run_program",
                f"--callgrind-out-file={out}/out"]
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": "AVX2", "LD_BIND_NOW": "1"}
    subprocess.run([*valgrind, executable, "--out", f"{folder}/run", "--fresh", "--quiet", "--threads", "1"], check=True, env=environment)
    files = sorted(out.glob("out.*"), key=lambda path: int(path.suffix[1:]))[-programs:]
    counts = sum((read_counts(path) for path in files), collections.Counter())
    return {"all": sum(counts.values()), "own": counts[executable]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=common.ROOT / "build", help="the build folder, which holds bin/ftc")
    parser.add_argument("--record", action="store_true", help="write the counts")
    parser.add_argument("work", help="a folder for files, which is emptied")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{', '.join(CASES)}; all otherwise")
    arguments = parser.parse_args()
    folder = os.path.abspath(arguments.work)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    ftc = compiler(arguments.build, folder)
    common.make_model(ftc, folder, CONFIG, tokenizer="tiny320")
    common.write_tokens(f"{folder}/batches.jsonl", ROWS * 2, TOKENS, CONFIG["vocab_size"])
    common.write_tokens(f"{folder}/prompts.jsonl", 1, TOKENS, CONFIG["vocab_size"], labels=[-100] * TOKENS)
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    too_far = False
    for case in arguments.cases or CASES:
        recipe, programs = CASES[case]
        common.compile_recipe(ftc, folder, case, recipe(folder))
        found = count(f"{folder}/{case}", folder, programs)
        for kind, instructions in found.items():
            change = instructions / recorded[case][kind] - 1 if case in recorded else 0
            too_far |= abs(change) > BOUND
            print(f"{case}, {kind}: {instructions} instructions, {change:+.2%}" + (": too far" if abs(change) > BOUND else ""))
        recorded[case] = found
    if arguments.record:
        RECORDED.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    elif too_far:
        sys.exit("where that is meant, record it: test/Performance/Inputs/instructions.py --record WORK")


if __name__ == "__main__":
    main()
