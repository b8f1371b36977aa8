"""shapes.py SHOWN REAL: every line of SHOWN that reports about the work (no command, no text of a model or of the data) has the form of a line of REAL:
it differs in numbers, folders and times only."""

import re
import sys


def shapes(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if re.match(r"run  step|before: |after: |saved ", line)]
    found = {}
    for line in lines:
        shape = re.sub(r"[0-9]+ (h|min|s)( [0-9]+ (min|s))? left", "T left", re.sub(r"(saved ).*[/-]", r"\1", line))
        found[re.sub(r"[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?", "N", shape)] = line
    return found


shown, real = (shapes(path) for path in sys.argv[1:])
missing = [line for shape, line in shown.items() if shape not in real]
print(*missing, f"{len(shown)} forms of lines, {len(missing)} of them are not printed", sep="\n")
sys.exit(1 if missing or len(shown) < 5 else 0)
