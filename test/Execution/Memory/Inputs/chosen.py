"""chosen.py FTC: with `micro_batch: auto` a recipe is the one with the micro-batch that was chosen, at each rung below
tune, in its plan and in what it trains."""

import pathlib
import subprocess
import sys

ftc = sys.argv[1]
template = pathlib.Path("train.ftr").read_text(encoding="utf-8")


def output(*command):
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done.stdout


def results(name, micro):
    path = pathlib.Path(f"{name}.ftr")
    options = f"micro_batch: {micro}   memory: 72 MB"
    path.write_text(template.replace("MEMORY", options).replace("OUT", f'"{name}.safetensors"'), encoding="utf-8")
    # The step keeps a hash of what was written.
    programs = [line for line in output(ftc, path, "--emit=precision").splitlines() if "tune.step" not in line]
    plan = output(ftc, "plan", path).replace(f"{name}.safetensors", "").split()
    output(ftc, path, "-o", name)
    output(f"./{name}", "--quiet", "--out", f"{name}.out")
    return programs, plan, pathlib.Path(f"{name}.safetensors").read_bytes()


chosen, given = results("chosen", "auto"), results("given", "16")
assert chosen == given, [a == b for a, b in zip(chosen, given)]
assert "again" not in chosen[1], chosen[1]  # nothing is computed again
