#!/usr/bin/env python3
"""described.py WORK: folders of adapters with their own definitions that `load` refuses."""

import json
import os
import sys

from cases import Case, altered, judge, write, write_json, write_safetensors

SITE = "model.layers.0.self_attn.q_proj"
ADAPTER = {"name": "mine", "source": "mine.ftr", "parameters": {"rank": 2}, "sites": {SITE: {}}}
DESCRIPTION = {"format": "ftc adapter 1", "base_model": "somewhere/model", "adapters": [ADAPTER], "sources": ["mine.ftr"]}
TENSORS = {f"{SITE}.mine.A": [2, 8], f"{SITE}.mine.B": [8, 2]}
MINE = """adapter mine(rank: int, act: function = gelu, period: steps = 3 steps) on linear[out, in] {
  param A: [rank, in] = zeros, B: [out, rank] = zeros
  forward(x) = base(x) + B @ act(A @ x)
}
"""
RECIPE = """tuned = load("adapter")
data = dataset("rows.jsonl", format: tokens)
save logits(tuned, data: data, batch: 2 x 8) as safetensors("logits.safetensors")
"""
CONFIG, WEIGHTS = "adapter/adapter.json", "adapter/adapter.safetensors"


def make(folder, description=None, shapes=None, types=None, source=MINE):
    os.makedirs(os.path.join(folder, "adapter"))
    write_json(os.path.join(folder, CONFIG), DESCRIPTION if description is None else description)
    write_safetensors(os.path.join(folder, WEIGHTS), TENSORS if shapes is None else shapes, types)
    write(os.path.join(folder, "adapter", "mine.ftr"), source)
    write(os.path.join(folder, "outside.ftr"), MINE)
    write(os.path.join(folder, "recipe.ftr"), RECIPE)


def description(name, words, status=3, **values):
    return Case(name, lambda folder: make(folder, altered(DESCRIPTION, **values)), words, status)


def adapter(case, words, status=3, shapes=None, **values):
    value = altered(DESCRIPTION, adapters=[altered(ADAPTER, **values)])
    return Case(case, lambda folder: make(folder, value, shapes), words, status)


def source(name, text, words, status=3):
    return Case(name, lambda folder: make(folder, source=text), words, status)


def weights(name, words, shapes, types=None):
    return Case(name, lambda folder: make(folder, shapes=shapes, types=types), [WEIGHTS, *words])


def linked(folder):
    make(folder)
    os.remove(os.path.join(folder, "adapter", "mine.ftr"))
    os.symlink("../outside.ftr", os.path.join(folder, "adapter", "mine.ftr"))


def raw(name, text, words):
    def prepare(folder):
        make(folder)
        write(os.path.join(folder, CONFIG), text)

    return Case(name, prepare, words)


CASES = [
    description("as it should be", [], status=0),
    description("a key that nobody knows", [], status=0, future=1),
    description("another format", [CONFIG, "'format'", "ftc adapter 2"], format="ftc adapter 2"),
    description("no format", [CONFIG, "'format'"], format=...),
    description("format is a number", [CONFIG, "'format'"], format=1),
    description("base outside", ["FTR0486"], base_model="../../model/../.."),
    description("base is absent", ["names no base model"], base_model=...),
    description("no adapters", [CONFIG, "'adapters'"], adapters=[]),
    description("adapters are an object", [CONFIG, "'adapters'"], adapters={}),
    description("adapter is a number", [CONFIG, "'name'"], adapters=[3]),
    description("no sources", [CONFIG, "'sources'"], sources=...),
    description("source above the folder", [CONFIG, "no .ftr file of this folder"], sources=["../outside.ftr"]),
    description("source by its whole path", [CONFIG, "no .ftr file of this folder"], sources=["/etc/passwd"]),
    description("source that is not there", [CONFIG, "no .ftr file of this folder"], sources=["other.ftr"]),
    description("source is a folder", [CONFIG, "no .ftr file of this folder"], sources=["..ftr"]),
    description("source of another kind", [CONFIG, "no .ftr file of this folder"], sources=["adapter.json"]),
    description("source with a zero", [CONFIG, "no .ftr file of this folder"], sources=["mine.ftr\0.ftr"]),
    description("source is a number", [CONFIG, "'sources'"], sources=[1]),
    description("many sources", [CONFIG, "at most 64"], sources=["mine.ftr"] * 65),
    Case("source is a link", linked, [CONFIG, "no .ftr file of this folder"]),
    adapter("definition that is not there", [CONFIG, "'yours'"], name="yours"),
    adapter("definition of the library", [CONFIG, "'lora'"], name="lora"),
    adapter("source that is not listed", [CONFIG, "'other.ftr'"], source="other.ftr"),
    adapter("no parameters", [CONFIG, "'parameters'"], parameters=...),
    adapter("parameter that is unknown", ["'size'", CONFIG], parameters={"rank": 2, "size": 1}),
    adapter("parameter that lacks", ["'rank'", CONFIG], parameters={}),
    adapter("parameter is a string", ["an integer", CONFIG], parameters={"rank": "2"}),
    adapter("parameter is huge", [WEIGHTS, "another shape"], parameters={"rank": 1 << 40}),
    adapter("parameter is negative", ["rank", CONFIG], parameters={"rank": -1}),
    adapter("function of the library", [], status=0, parameters={"rank": 2, "act": {"name": "relu"}}),
    adapter("function with a length", [], status=0, parameters={"rank": 2, "period": {"number": 3, "unit": "steps"}}),
    adapter("function that is not there", [CONFIG, "'system'"], parameters={"rank": 2, "act": {"name": "system"}}),
    adapter("function without a name", [CONFIG, "'name'"], parameters={"rank": 2, "act": {}}),
    adapter("unit that is not there", [CONFIG, "unit"], parameters={"rank": 2, "period": {"number": 3, "unit": "years"}}),
    adapter("arguments of a function", [CONFIG, "'relu'"], parameters={"rank": 2, "act": {"name": "relu", "arguments": {"x": 1}}}),
    adapter("no sites", [CONFIG, "'sites'"], sites=...),
    adapter("site that is not there", [CONFIG, "no place", "layers.9"], sites={"model.layers.9.self_attn.q_proj": {}}),
    adapter("site of another kind", [CONFIG, "no place"], sites={"model.embed_tokens": {}}),
    adapter("site with a number", [CONFIG, "'sites'"], sites={SITE: 3}),
    adapter("site of another rank", [WEIGHTS, "another shape"], sites={SITE: {"rank": 3}}),
    adapter("no site at all", [WEIGHTS, "no place"], sites={}),
    source("definition that is no text of the language", "adapter mine(", [CONFIG, "cannot be used"]),
    source("definition with an import", 'import "../outside.ftr"\n' + MINE, ["FTR0494", CONFIG]),
    source("definition that is empty", "", [CONFIG, "'mine'"]),
    source("definition of bytes", b"\xff\xfe\0", [CONFIG, "cannot be used"]),
    source("two definitions of one name", MINE + MINE, [CONFIG, "cannot be used"]),
    raw("description is a list", json.dumps([DESCRIPTION]), ["adapter.json", "object"]),
    raw("description is no JSON", "{", ["adapter.json"]),
    raw("description is deep", '{"a":' * 70 + "1" + "}" * 70, ["adapter.json"]),
    weights("tensor lacks", ["lacks the tensor", "mine.A"], {f"{SITE}.mine.B": [8, 2]}),
    weights("tensor too many", ["no place", "extra"], {**TENSORS, "extra": [2]}),
    weights("tensor of another shape", ["another shape"], {**TENSORS, f"{SITE}.mine.A": [8, 2]}),
    weights("tensor of whole numbers", ["real numbers"], TENSORS, {f"{SITE}.mine.A": "I64"}),
]  # fmt: skip

if __name__ == "__main__":
    judge(sys.argv[1], CASES)
