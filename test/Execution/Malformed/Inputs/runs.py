#!/usr/bin/env python3
"""runs.py WORK: what an executable refuses: data, models and adapters other than those it was compiled for, bad options, unwritable places."""

import json
import os
import shutil
import struct
import subprocess
import sys

from cases import RECIPE, Case, judge, make_folder, make_model, tensors, write, write_safetensors

WORK = os.path.abspath(sys.argv[1])
GOOD = os.path.join(WORK, "good")
TRAIN, RESTORE = os.path.join(GOOD, "train"), os.path.join(GOOD, "restore")
ROW = '{"input_ids": [3, 4, 5]}\n'
ADAPTER = os.path.join("adapter", "adapter_model.safetensors")
LEAVES = ("/run/",)


def compile_recipes():
    """Two executables: one trains, one begins with the adapter that the first has saved."""
    make_folder(GOOD)
    restore = RECIPE.replace("run   = train tuned", 'start = restore(tuned, "adapter")\nrun   = train start').replace('"out"', '"out2"')
    write(os.path.join(GOOD, "restore.ftr"), restore)
    subprocess.run(["ftc", "recipe.ftr", "-o", TRAIN], cwd=GOOD, check=True)
    subprocess.run([TRAIN, "--out", "run", "--quiet"], cwd=GOOD, check=True)
    os.rename(os.path.join(GOOD, "out"), os.path.join(GOOD, "adapter"))
    subprocess.run(["ftc", "restore.ftr", "-o", RESTORE], cwd=GOOD, check=True)


def run(*options, executable=TRAIN):
    return [executable, "--out", "run", "--quiet", *options]


def rows(name, content, words):
    def prepare(folder):
        write(os.path.join(folder, "rows.jsonl"), content)

    return Case(f"rows {name}", prepare, words, 3, run("--set", "data=rows.jsonl"), LEAVES)


def model(name, prepare, words, status=3):
    return Case(f"model {name}", lambda folder: prepare(os.path.join(folder, "model")), words, status, run("--set", "base=model"), LEAVES)


def adapter(name, change, words):
    """change(path of the adapter's folder, shapes of its tensors)"""

    def prepare(folder):
        copy = os.path.join(folder, "adapter")
        shutil.copytree(os.path.join(GOOD, "adapter"), copy)
        with open(os.path.join(folder, ADAPTER), "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        change(copy, {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"})

    return Case(f"adapter {name}", prepare, words, 3, run("--set", "start=adapter", executable=RESTORE), LEAVES)


def saved(change):
    """A change of an adapter: its tensors, with shapes that `change` returns."""
    return lambda folder, shapes: write_safetensors(os.path.join(folder, "adapter_model.safetensors"), change(shapes))


def option(name, status, words, *options):
    return Case(f"option {name}", lambda folder: None, words, status, [TRAIN, *options], LEAVES)


def nothing(_):
    pass


def nan_weights(folder):
    path = os.path.join(folder, "model.safetensors")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[-64:] = struct.pack("<16f", *[float("nan")] * 16)
    write(path, bytes(data))


def with_shape(name, shape):
    return lambda folder: make_model(folder, shapes={**tensors(), name: shape})


def lacking(shapes):
    return dict(list(shapes.items())[1:])


def grown(shapes):
    first = next(iter(shapes))
    return {**shapes, first: [*shapes[first][:-1], shapes[first][-1] + 1]}


HEAD = "lm_head.weight"
CASES = [
    rows("empty", "", ["rows.jsonl"]),
    rows("blank lines", "\n\n", ["rows.jsonl"]),
    rows("no JSON", "input_ids: 3\n", ["rows.jsonl:1"]),
    rows("cut", ROW + '{"input_ids": [3, 4', ["rows.jsonl:2"]),
    rows("a list", "[3, 4]\n", ["rows.jsonl"]),
    rows("a number", ROW + "3\n", ["rows.jsonl:2"]),
    rows("without input_ids", ROW + ROW + '{"text": "a"}\n', ["rows.jsonl:3", "input_ids"]),
    rows("input_ids text", '{"input_ids": "3 4"}\n', ["rows.jsonl:1", "input_ids"]),
    rows("an id of text", '{"input_ids": [3, "4"]}\n', ["rows.jsonl:1", "input_ids"]),
    rows("a fraction", '{"input_ids": [3, 4.5]}\n', ["rows.jsonl:1", "input_ids"]),
    rows("a negative id", '{"input_ids": [3, -4]}\n', ["rows.jsonl:1", "input_ids"]),
    rows("an id beyond the vocabulary", ROW + '{"input_ids": [3, 16]}\n', ["rows.jsonl:2", "16"]),
    rows("an id of 2^40", '{"input_ids": [3, %d]}\n' % (1 << 40), ["rows.jsonl:1"]),
    rows("an id of 2^64", '{"input_ids": [3, %d]}\n' % (1 << 64), ["rows.jsonl:1"]),
    rows("labels too short", '{"input_ids": [3, 4, 5], "labels": [3, 4]}\n', ["rows.jsonl:1", "labels"]),
    rows("labels text", '{"input_ids": [3, 4], "labels": "x"}\n', ["rows.jsonl:1", "labels"]),
    rows("a label below -100", '{"input_ids": [3, 4], "labels": [3, -101]}\n', ["rows.jsonl:1", "labels"]),
    rows("nested too deep", '{"input_ids": ' + "[" * 50000 + "]" * 50000 + "}\n", ["rows.jsonl:1"]),
    rows("no UTF-8", b'{"input_ids": [3], "note": "\xff"}\n', ["rows.jsonl:1"]),
    rows("zero bytes", bytes(100), ["rows.jsonl:1"]),
    rows("a field twice", '{"input_ids": [3], "input_ids": [4]}\n', ["rows.jsonl:1", "input_ids"]),
    Case("rows missing", nothing, ["nowhere.jsonl"], 3, run("--set", "data=nowhere.jsonl"), LEAVES),
    Case("rows a folder", nothing, ["model"], 3, run("--set", "data=model"), LEAVES),
    model("missing", shutil.rmtree, ["model"]),
    model("without weights", lambda folder: os.remove(os.path.join(folder, "model.safetensors")), ["model"]),
    model("another shape", with_shape(HEAD, [17, 8]), [HEAD]),
    model("transposed", with_shape(HEAD, [8, 16]), [HEAD]),
    model("other tensors", lambda folder: make_model(folder, shapes={"x": [4]}), ["model"]),
    model("empty", lambda folder: write(os.path.join(folder, "model.safetensors"), b""), ["model.safetensors"]),
    model("cut", lambda folder: os.truncate(os.path.join(folder, "model.safetensors"), 2000), ["model.safetensors"]),
    model("NaN", nan_weights, ["step 1|NaN|not finite"], 5),
    adapter("missing", lambda folder, shapes: shutil.rmtree(folder), ["adapter"]),
    adapter("without tensors", lambda folder, shapes: os.remove(os.path.join(folder, "adapter_model.safetensors")), ["adapter"]),
    adapter("empty", lambda folder, shapes: write(os.path.join(folder, "adapter_model.safetensors"), b""), ["adapter_model.safetensors"]),
    adapter("cut", lambda folder, shapes: os.truncate(os.path.join(folder, "adapter_model.safetensors"), 600), ["adapter_model.safetensors"]),
    adapter("lacks a tensor", saved(lacking), ["adapter", "lora"]),
    adapter("another rank", saved(grown), ["adapter", "lora"]),
    adapter("one more", saved(lambda shapes: {**shapes, "more": [2]}), ["adapter", "more"]),
    option("threads 0", 2, ["threads"], "--threads", "0"),
    option("threads text", 2, ["threads"], "--threads", "many"),
    option("stop after 0", 2, ["stop-after"], "--stop-after", "0"),
    option("unknown", 2, ["bogus"], "--bogus"),
    option("set of nothing", 2, ["nope"], "--out", "run", "--set", "nope=model"),
    option("set without a path", 2, ["base"], "--out", "run", "--set", "base"),
    option("out a file", 6, ["rows.jsonl"], "--out", "rows.jsonl"),
    option("out below a file", 6, ["rows.jsonl"], "--out", "rows.jsonl/run"),
    option("out where nothing can be", 6, ["/proc"], "--out", "/proc/nowhere/run"),
    Case("ftc cannot write", nothing, ["/proc/nowhere"], 6, ["ftc", "recipe.ftr", "-o", "/proc/nowhere/x"]),
    Case("ftc writes to a folder", nothing, ["model"], 6, ["ftc", "recipe.ftr", "-o", "model"]),
]  # fmt: skip

compile_recipes()
judge(WORK, CASES)
