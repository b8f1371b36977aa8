#!/usr/bin/env python3
"""Writes the tables of docs/performance.md from bench/results.json; with --check, only says whether they are up to date."""

import json
import statistics
import sys

import common
from rows import ROWS

RESULTS = common.ROOT / "bench" / "results.json"
PAGE = common.ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench/table.py writes from here -->\n", "<!-- to here -->\n"

DISTURBED = 0.25  # where others took so much of the processors, times are not compared

HEADS = {
    "training": ["step", "PyTorch, tokens/s", "ftc, tokens/s", "ratio", "share of the FMA wall", "peak memory", "first step", "recipe to executable"],
    "generation": ["", "PyTorch, tokens/s", "ftc, tokens/s", "ratio", "share of the bandwidth", "peak memory", "prompt", "same text"],
    "growth": ["", "rows x tokens", "layers", "recipe to executable", "plan", "step", "tokens/s", "peak memory"],
}


def load_results():
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def save_results(results):
    """In the order of the rows; rows that no longer exist are dropped."""
    kept = {row.name: results[row.name] for row in ROWS if row.name in results}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def is_disturbed(result):
    return result["others_share"] >= DISTURBED


def pair(result, key, form, unit="", ratio=False):
    """`PyTorch's / ours` of one figure, and on demand ours by theirs."""
    sides = [result[name].get(key) for name in ("peer", "ftc")]
    text = " / ".join("-" if side is None else form(side) for side in sides) + unit
    return f"{text} ({sides[1] / sides[0]:.2f}x)" if ratio and None not in sides else text


def speed(side):
    return f"failed: {side['failed']}" if "failed" in side else f"{side['tokens_per_second']:.{0 if side['tokens_per_second'] > 50 else 1}f}"


def ratio(result):
    ratios = result["ratios"]
    if not ratios or is_disturbed(result):
        return "disturbed" if ratios else ""
    spread = f" ({min(ratios):.2f} to {max(ratios):.2f})" if len(ratios) > 1 else ""
    return f"{statistics.median(ratios):.2f}x{spread}"


def gigabytes(count):
    return f"{count / 1e9:.2f}"


def seconds(value):
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def share(value):
    return f"{value:.2f}"


def cells_of(result):
    """The cells between the name of a row and its run."""
    if "failed" in result:
        return [f"failed: {result['failed']}"] + [""] * (len(HEADS[result["kind"]]) - 2)
    if result["kind"] == "growth":
        rate = result["rows"] * result["tokens"] / result["step_seconds"]
        return [f"{result['rows']} x {result['tokens']}", str(result["layers"]), *(f"{seconds(result[key])} s" for key in (
            "recipe_to_executable", "plan_seconds", "step_seconds")), f"{rate:.0f}", f"{gigabytes(result['peak_bytes'])} GB"]
    calm = not is_disturbed(result)
    begin = [speed(result["peer"]), speed(result["ftc"]), ratio(result)]
    memory = pair(result, "peak_bytes", gigabytes, " GB", ratio=True)
    if result["kind"] == "generation":
        same = "yes" if result["same_text"] else "no"
        return [*begin, pair(result, "share_of_bound", share), memory, pair(result, "prompt_seconds", seconds, " s", ratio=calm),
                "" if any("failed" in result[side] for side in ("peer", "ftc")) else same]
    return [*begin, pair(result, "share_of_wall", share), memory, pair(result, "first_step_seconds", seconds, " s", ratio=calm),
            f"{seconds(result['recipe_to_executable'])} s"]


def circumstances(result):
    """What a figure was measured with, but for the day."""
    layers = "" if result["kind"] == "growth" else f"{result['layers']} layers; "
    peer = f"; {result['peer']['version']}" if "version" in result.get("peer", {}) else ""
    return f"{layers}{result['machine']}; ftc {result['ftc_revision']}; rounds: {result['rounds']}{peer}"


def make_tables(results):
    """The figures as Markdown."""
    runs, lines = [], []
    for kind, head in HEADS.items():
        shown = {row.name: results[row.name] for row in ROWS if row.kind == kind and row.name in results}
        if not shown:
            continue
        lines += ["", "| " + " | ".join([*head, "run"]) + " |", "|---" * (len(head) + 1) + "|"]
        for name, result in shown.items():
            run = circumstances(result)
            if run not in runs:
                runs.append(run)
            busy = f", busy {result['others_share']:.0%}" if result["others_share"] >= 0.02 else ""
            cells = [cell.replace("|", "\\|") for cell in cells_of(result)]
            lines.append("| " + " | ".join([name, *cells, f"{result['date']} ({runs.index(run) + 1}){busy}"]) + " |")
    lines += [""] + [f"({number}) {run}  " for number, run in enumerate(runs, 1)]
    return "\n".join(lines[1:]) + "\n"


def make_page(page, results):
    """The page with its tables replaced."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return before + BEGIN + "\n" + make_tables(results) + "\n" + END + after


def write_page():
    PAGE.write_text(make_page(PAGE.read_text(encoding="utf-8"), load_results()), encoding="utf-8")


def main():
    if sys.argv[1:] == ["--check"]:
        page = PAGE.read_text(encoding="utf-8")
        sys.exit(0 if make_page(page, load_results()) == page else f"{PAGE} is not what bench/table.py makes of {RESULTS}")
    write_page()


if __name__ == "__main__":
    main()
