#!/usr/bin/env python3
"""make.py FTC [NAME...]: writes losses.json again, or the losses of some definitions in it; see README.md."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import adapters
import objectives
import optimizers
from llama import DATA
from safetensors.torch import load_file


def first_tensors(ftc, folder, name, work):
    script = DATA.parent / "Standard" / "Inputs" / "trained.sh"
    subprocess.run(["bash", script, ftc, "-", DATA.parent.parent / "examples", DATA, work, folder, name], check=True, capture_output=True)
    every = Path(work) / f"{name}.adapter" / "adapter.safetensors"
    found = load_file(every if every.exists() else f"{work}/{name}.start.safetensors")
    return {key: value.double() if value.is_floating_point() else value for key, value in found.items()}


def main():
    ftc, wanted = sys.argv[1], sys.argv[2:]
    here = Path(__file__).resolve().parent
    path = here / "losses.json"
    losses = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as work:
        for line in (here / "cases.txt").read_text().splitlines():
            folder, name, *_, steps = [part.strip() for part in line.split("|")]
            if wanted and name not in wanted:
                continue
            if folder == "optimizers":
                losses[name] = optimizers.losses(name, int(steps))
            else:
                module = adapters if folder == "adapters" else objectives
                losses[name] = module.losses(name, first_tensors(ftc, folder, name, work), int(steps))
    path.write_text("{\n" + ",\n".join(f'"{name}": {json.dumps(losses[name])}' for name in sorted(losses)) + "\n}\n")


main()
