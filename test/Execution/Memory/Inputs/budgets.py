"""budgets.py FTC: runs the recipe with everything kept, without a bound, and with several that it fits only by computing
results again, and plans it under every bound between the least that is said to fit and none."""

import json
import os
import pathlib
import re
import subprocess
import sys

ftc = sys.argv[1]
template = pathlib.Path("train.ftr").read_text(encoding="utf-8")


def plan(recipe, *flags):
    return json.loads(subprocess.run([ftc, "plan", "--json", recipe, *flags], check=True, capture_output=True).stdout)


def compiled(name, memory, *flags):
    path = pathlib.Path(f"{name}.ftr")
    path.write_text(template.replace("MEMORY", memory).replace("OUT", f'"{name}.safetensors"'), encoding="utf-8")
    subprocess.run([ftc, path, "-o", name, *flags], check=True)
    return plan(path, *flags)


def run(name, threads):
    """The losses, the trained tensors, and the largest resident set in bytes."""
    process = subprocess.Popen([f"./{name}", "--fresh", "--quiet", "--out", f"{name}.out", "--threads", str(threads)])
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, status
    lines = map(json.loads, pathlib.Path(f"{name}.out/metrics.jsonl").read_text(encoding="utf-8").splitlines())
    losses = [line["loss"] for line in lines if "step" in line]
    return losses, pathlib.Path(f"{name}.safetensors").read_bytes(), usage.ru_maxrss * 1024


process = "process itself, at most"
again = "computed again in run.micro"
whole = compiled("whole", "", "--disable-pass=tune-insert-recompute")
assert again not in whole, whole
truth = run("whole", 1)
assert len(truth[0]) == 2, truth[0]
free = whole["peak"] + whole[process]
for number, share in enumerate([0.95, 0.8, 0.65]):
    budget = int(whole[process] + share * whole["peak"])
    bounded = compiled(f"bounded{number}", f"memory: {budget // 1000} KB")
    assert bounded["peak"] + bounded[process] <= budget < free, (bounded, budget)
    assert bounded[again] > 0, bounded
    for threads in (1, 2):
        losses, trained, resident = run(f"bounded{number}", threads)
        assert losses == truth[0], (share, threads)
        assert trained == truth[1], (share, threads)
        assert resident <= budget, (share, threads, resident, budget)

# Without a bound, what takes next to no time.
cheap = compiled("cheap", "")
assert 0 < cheap[again] <= 0.02 and cheap["peak"] < whole["peak"], cheap
for threads in (1, 2):
    losses, trained, resident = run("cheap", threads)
    assert (losses, trained) == truth[:2], threads
    assert resident <= cheap["peak"] + cheap[process], (threads, resident)

path = pathlib.Path("any.ftr")
path.write_text(template.replace("MEMORY", "memory: 33 MB").replace("OUT", '"any"'), encoding="utf-8")
refused = subprocess.run([ftc, "plan", path], capture_output=True, text=True)
least = int(re.search(r"fits: memory: (\d+) MB", refused.stderr).group(1))
assert 1000 * 1000 * least < free
for megabytes in range(least, free // (1000 * 1000) + 1):
    path.write_text(template.replace("MEMORY", f"memory: {megabytes} MB").replace("OUT", '"any"'), encoding="utf-8")
    bounded = plan(path)
    assert bounded["peak"] + bounded[process] <= 1000 * 1000 * megabytes, (bounded, megabytes)
