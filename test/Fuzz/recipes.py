#!/usr/bin/env python3
"""Random recipes: the reference target and the cpu target must agree, whatever is asked.

recipes.py [--seeds 0:40] [--hours H] [--jobs N] [--shrink] [--keep FOLDER] [--verbose]

A seed draws a model, adapters, an objective, data, an optimizer and the options of a training; README.md says what must hold.
Prints a line for each seed that fails, whose recipe is kept, or that is refused at another place than in the recipe; at the end `N passed, N refused, N failed`; exits 1 if one failed.
"""

import argparse
import copy
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from drawing import Recipe, draw_recipe

LOSS_BOUND, LEAST_LOSS = 1e-5, 0.1  # relative, to a smaller loss as if it were this one: sums of f32 that cancel
TENSOR_BOUND = 1e-4  # relative to the tensor's largest entry, or to this share of the file's largest one:
NOISE_SHARE = 1e-3  # gradients that are 0 but for rounding say nothing
SPREAD = 2  # and, where that is more, as many times what rounding each of the reference's results (--perturb) does to it
SAMPLES = 8  # ways of rounding that are tried before a difference counts
TIMEOUT = 200  # seconds, for one command


class Refused(Exception):
    """The compiler or the executable says what is wrong with the recipe."""


class Failed(Exception):
    """What must hold does not."""


@dataclass
class Outcome:
    """What one executable has left."""

    losses: list
    files: dict = field(default_factory=dict)  # name -> bytes


def run(command, folder):
    """Exit status and messages of a command."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(command)}: not done after {TIMEOUT} s") from error
    return done.returncode, done.stdout, done.stderr


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line or "bug" in line), lines[-1] if lines else "no message")


def build(folder, name, recipe, *options):
    """Compiles `recipe` to an executable; a refusal shows the place."""
    status, _, errors = run(["ftc", recipe, "-o", name, *options], folder)
    if status in (1, 4) and "^" in errors:
        raise Refused(last_line(errors))
    if status:
        raise Failed(f"ftc {recipe} {' '.join(options)}: exit status {status}: {last_line(errors)}")


def execute(folder, name, threads=1):
    """Runs an executable; input that it refuses, or numbers that go wrong, are no result."""
    out = f"{name}.{threads}"
    command = [f"./{name}", "--fresh", "--quiet", "--threads", str(threads), "--out", f"{out}.run", "--outputs", f"{out}.out"]
    status, _, errors = run(command, folder)
    if status in (3, 5):
        raise Refused(last_line(errors))
    if status:
        raise Failed(f"{name} --threads {threads}: exit status {status}: {last_line(errors)}")
    lines = map(json.loads, (folder / f"{out}.run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    losses = [math.nan if line["loss"] is None else line["loss"] for line in lines if "loss" in line]
    files = {path.name: path.read_bytes() for path in sorted((folder / f"{out}.out").iterdir())}
    return Outcome(losses, files)


def outcome_of(folder, name):
    """What an executable leaves, or why it stops."""
    try:
        return execute(folder, name), None
    except Refused as error:
        return None, error


def tensors(data):
    """Names and values of the floating-point tensors of a safetensors file."""
    (size,) = struct.unpack("<Q", data[:8])
    found = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        code = {"F32": "f", "F64": "d"}.get(entry.get("dtype"))
        if code:
            begin, end = entry["data_offsets"]
            found[name] = entry["shape"], array(code, data[8 + size + begin : 8 + size + end])
    return found


def largest(values):
    """The largest absolute value; NaN if there is one."""
    values = [abs(value) for value in values]
    return math.nan if any(map(math.isnan, values)) else max(values, default=0.0)


def distance(a, b):
    return largest(x - y for x, y in zip(a, b))


class Judge:
    """The reference's outcome, and those of the reference with every result rounded at random, made when they are needed."""

    def __init__(self, folder):
        self.folder = folder
        build(folder, "reference", "recipe.ftr", "--target=reference")
        self.truth, self.stopped = outcome_of(folder, "reference")
        self.rounded = []

    def sample(self, number):
        """The outcome of one way of rounding; none if it stops."""
        if number == len(self.rounded):
            build(self.folder, f"rounded{number}", "recipe.ftr", "--target=reference", f"--perturb={number}")
            self.rounded.append(outcome_of(self.folder, f"rounded{number}")[0])
        return self.rounded[number]

    def require(self, what, found):
        """Fails if an outcome differs from the reference's by more than rounding explains."""
        wrong, known = difference(found, self.truth, []), []
        for number in range(SAMPLES):
            if not wrong:
                return
            known += filter(None, [self.sample(number)])
            wrong = difference(found, self.truth, known)
        if wrong:
            raise Failed(f"{what}: {wrong}")

    def require_same_end(self, stopped):
        """Fails if one target stops, the other does not, and rounding does not decide that."""
        ends = {bool(stopped), bool(self.stopped)}
        if len(ends) > 1 and all(bool(self.sample(number)) == bool(stopped) for number in range(SAMPLES)):
            raise Failed(f"one target stops, the other does not: {stopped or self.stopped}")


def difference(found, truth, rounded):
    """What is wrong with an outcome, given others of the same but for rounding; nothing if it is within the bounds."""
    if len(found.losses) != len(truth.losses) or found.files.keys() != truth.files.keys():
        return "not the same results"
    for number, (ours, expected) in enumerate(zip(found.losses, truth.losses)):
        spread = largest(sample.losses[number] - expected for sample in rounded)
        if not abs(ours - expected) <= max(LOSS_BOUND * max(abs(expected), LEAST_LOSS), SPREAD * spread):
            return f"loss {number + 1} is {ours}, expected {expected}, rounding explains {spread:.2e}"
    for file, data in truth.files.items():
        expected, ours = tensors(data), tensors(found.files[file])
        if expected.keys() != ours.keys() or any(expected[name][0] != ours[name][0] for name in expected):
            return f"{file} has other tensors"
        others = [tensors(sample.files[file]) for sample in rounded]
        scale = NOISE_SHARE * largest(largest(values) for _, values in expected.values())
        for name, (_, values) in expected.items():
            worst = distance(values, ours[name][1])
            spread = largest(distance(values, other[name][1]) for other in others)
            if not worst <= max(TENSOR_BOUND * max(largest(values), scale), SPREAD * spread):
                return f"{name} in {file} differs by {worst:.2e}, its largest is {largest(values):.2e}, rounding explains {spread:.2e}"
    return ""


def require_equal(what, found, truth):
    """Fails if the results of two executables are not the same bits."""
    if found.losses != truth.losses:
        raise Failed(f"{what}: losses {found.losses}, expected {truth.losses}")
    for file, data in truth.files.items():
        if found.files.get(file) != data:
            raise Failed(f"{what}: {file} is not the same")


def bound_of(folder, recipe):
    """Bytes that the recipe may need: between the least that is accepted and what it takes without a bound; none if they are one."""
    status, out, errors = run(["ftc", "plan", "--json", "recipe.ftr"], folder)
    if status:
        raise Failed(f"ftc plan: exit status {status}: {last_line(errors)}")
    plan = json.loads(out)
    process = plan["process itself, at most"]
    write(folder / "least.ftr", recipe.text(process + 1000))
    status, _, errors = run(["ftc", "plan", "--json", "least.ftr"], folder)
    if status != 4 or "needs at least" not in errors:
        raise Failed(f"ftc plan under the least bound: exit status {status}: {last_line(errors)}")
    number, unit = errors.split("needs at least ")[1].split(",")[0].split()
    least = int(float(number) * {"MB": 1e6, "GB": 1e9}[unit]) + 10000
    whole = process + plan["peak"]
    return None if least >= whole else least + int(recipe.bound_share * (whole - least))


def check_bound(recipe, folder, bound, whole, judge):
    """Under a bound the results are the same bits, unless it may cut the batch."""
    name = f"memory: {bound} B"

    def bounded(target, text, what):
        write(folder / f"{target}.ftr", text)
        try:
            build(folder, target, f"{target}.ftr", "--target=cpu")
        except Refused as error:
            raise Failed(f"{what}: {error}") from error
        return execute(folder, target, recipe.threads)

    require_equal(name, bounded("bounded", recipe.text(bound), name), whole)
    if "micro_batch" not in recipe.options:
        text = recipe.text(bound).replace("memory:", "micro_batch: auto   memory:", 1)
        judge.require(f"{name}, cut", bounded("cut", text, f"{name}, cut"))


def check_layers(folder):
    """Layers that are left out on the way change no byte."""
    build(folder, "layers", "recipe.ftr", "--target=cpu", "--disable-pass=tune-fold-layers")
    if (folder / "layers").read_bytes() != (folder / "cpu").read_bytes():
        raise Failed("the executable is not the same without tune-fold-layers")


def write(path, text):
    path.write_text(text, encoding="utf-8")


def check(recipe, folder):
    """Writes the recipe with its files, runs it in all ways and compares."""
    folder.mkdir(parents=True)
    recipe.write(folder)
    write(folder / "recipe.ftr", recipe.text())
    judge = Judge(folder)
    build(folder, "cpu", "recipe.ftr", "--target=cpu")
    if recipe.model.has_many_layers:
        check_layers(folder)
    whole, stopped = outcome_of(folder, "cpu")
    judge.require_same_end(stopped)
    if stopped or judge.stopped:
        raise stopped or judge.stopped
    judge.require("cpu", whole)
    if recipe.threads > 1:
        require_equal(f"{recipe.threads} threads", execute(folder, "cpu", recipe.threads), whole)
    bound = bound_of(folder, recipe) if recipe.bound_share is not None else None
    if bound is not None:
        check_bound(recipe, folder, bound, whole, judge)
    if recipe.disabled:
        build(folder, "less", "recipe.ftr", "--target=cpu", *(f"--disable-pass={flag}" for flag in recipe.disabled))
        judge.require(f"without {', '.join(recipe.disabled)}", execute(folder, "less", recipe.threads))


def attempt(recipe, folder):
    """`passed`, `refused` or `failed`, and why. The folder stays if it failed."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        check(recipe, folder)
        result = "passed", ""
    except Refused as error:
        result = "refused", str(error)
    except Failed as error:
        return "failed", str(error)
    shutil.rmtree(folder, ignore_errors=True)
    return result


def shrink(recipe: Recipe, folder):
    """The recipe without all parts that the failure does not need."""
    smaller = True
    while smaller:
        smaller = False
        for number in range(len(recipe.parts())):
            less = copy.deepcopy(recipe)
            less.parts()[number]()
            if attempt(less, folder)[0] == "failed":
                recipe, smaller = less, True
                break
    attempt(recipe, folder)
    return recipe


def try_seed(seed, arguments):
    """The outcome of a seed; prints a line if it fails."""
    folder = Path(arguments.keep) / f"seed-{seed}"
    recipe = draw_recipe(seed)
    outcome, reason = attempt(recipe, folder)
    if outcome == "failed":
        print(f"seed {seed}: {reason}\n  {folder}", flush=True)
        if arguments.shrink:
            shrink(recipe, Path(f"{folder}.smaller"))
    elif arguments.verbose or outcome == "refused" and not reason.startswith("recipe.ftr:"):
        print(f"seed {seed}: {outcome} {reason}", flush=True)
    return outcome


def seeds(arguments):
    """The range that is asked for, or numbers from its first one until the time is over."""
    first, last = (int(part) for part in arguments.seeds.split(":"))
    if arguments.hours is None:
        yield from range(first, last)
        return
    end = time.monotonic() + 3600 * arguments.hours
    while time.monotonic() < end:
        yield first
        first += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0:40", help="FIRST:END")
    parser.add_argument("--hours", type=float, help="run on from FIRST for so long")
    parser.add_argument("--jobs", type=int, default=1, help="seeds at a time")
    parser.add_argument("--shrink", action="store_true", help="leave beside a failed recipe one without the parts that do not matter")
    parser.add_argument("--keep", default=os.path.join(tempfile.gettempdir(), "ftc-recipes"), help="where failed recipes stay")
    parser.add_argument("--verbose", action="store_true", help="a line for every seed")
    arguments = parser.parse_args()
    counts = {"passed": 0, "refused": 0, "failed": 0}
    numbers, lock = seeds(arguments), threading.Lock()

    def work():
        while True:
            with lock:
                seed = next(numbers, None)
            if seed is None:
                return
            outcome = try_seed(seed, arguments)
            with lock:
                counts[outcome] += 1

    with ThreadPoolExecutor(arguments.jobs) as pool:
        for worker in [pool.submit(work) for _ in range(arguments.jobs)]:
            worker.result()
    print(", ".join(f"{number} {outcome}" for outcome, number in counts.items()))
    sys.exit(counts["failed"] > 0)


if __name__ == "__main__":
    main()
