#!/usr/bin/env python3
"""Measures the tables of docs/performance.md, in turn with PyTorch, on this machine.

    bench/run.py                             # all rows: hours on two cores
    bench/run.py --only 'LoRA, 4 x 512$' --rounds 5
    bench/run.py --quick                     # two layers, short rows, one round: prints the tables, keeps nothing
    bench/run.py --list

Figures are kept in bench/results.json after each row, and docs/performance.md is written from it, so that an interrupted run loses one row and rows that are
not measured keep their older figures. The peers live in a virtual environment in .cache/peers, or in the Python named by FTC_BENCH_PYTHON.
"""

import argparse
import re
import sys
import tempfile

import common
import table
from rows import ROWS, Bench


def measure_row(row, arguments):
    """The row's figures, or why there are none, with what they were measured with."""
    about = {"kind": row.kind, **common.describe_run(arguments.threads), "rounds": arguments.rounds, "layers": row.layers}
    others = common.Others()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        limits = common.Limits(int(arguments.memory * 1e9), arguments.minutes * 60)
        bench = Bench(common.find_ftc(arguments.build), folder, arguments.threads, arguments.rounds, limits)
        try:
            figures = row.measure(bench)
        except common.Failure as failure:
            figures = {"failed": str(failure)}
    return {**about, "others_share": others.share(), **figures}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common.add_options(parser, rounds=3)
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX", help="rows whose name it is found in")
    parser.add_argument("--memory", type=float, default=0.9 * common.free_memory() / 1e9, metavar="GB", help="what takes more is ended")
    parser.add_argument("--minutes", type=float, default=60, help="what takes longer is ended")
    parser.add_argument("--quick", action="store_true", help="small models and one round, to see that everything works; nothing is kept")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only.search(row.name)]
    if not rows:
        parser.error("no row has such a name; --list prints all")
    if arguments.list:
        print(*(row.name for row in rows), sep="\n")
        return
    if arguments.quick:
        rows, arguments.rounds = [row.shorten() for row in rows], 1
    measured = {}
    for row in rows:
        measured[row.name] = measure_row(row, arguments)
        if not arguments.quick:
            table.save_results({**table.load_results(), row.name: measured[row.name]})
            table.write_page()
        print(row.name + ":", *table.cells_of(measured[row.name]), sep="  ", file=sys.stderr, flush=True)
    if arguments.quick:
        print("A trial: at most two layers and 256 tokens a row (growth: eight and 2,048), one round. Not the figures of these rows.\n")
    print(table.make_tables(measured), end="")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
