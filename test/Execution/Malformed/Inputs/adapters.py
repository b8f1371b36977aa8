#!/usr/bin/env python3
"""adapters.py WORK: PEFT directories that `load` refuses."""

import json
import os
import struct
import sys

from cases import Case, altered, judge, write, write_json, write_safetensors

ADAPTER_CONFIG = {
    "base_model_name_or_path": "somewhere/model", "bias": "none", "fan_in_fan_out": False, "inference_mode": True,
    "lora_alpha": 4, "lora_dropout": 0.0, "modules_to_save": None, "peft_type": "LORA", "r": 2, "rank_pattern": {},
    "alpha_pattern": {}, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM", "use_dora": False,
    "use_rslora": False,
}  # fmt: skip

RECIPE = """{base}tuned = load("adapter"{option})
save merge(tuned) as safetensors("merged.safetensors")
"""
CONFIG = "adapter/adapter_config.json"
WEIGHTS = "adapter/adapter_model.safetensors"


def tensors():
    shapes = {}
    for layer in range(2):
        for name, rows in (("q_proj", 8), ("v_proj", 4)):
            prefix = f"base_model.model.model.layers.{layer}.self_attn.{name}."
            shapes |= {prefix + "lora_A.weight": [2, 8], prefix + "lora_B.weight": [rows, 2]}
    return shapes


def make(folder, config=None, shapes=None, types=None, base=True):
    os.makedirs(os.path.join(folder, "adapter"))
    write_json(os.path.join(folder, CONFIG), ADAPTER_CONFIG if config is None else config)
    write_safetensors(os.path.join(folder, WEIGHTS), tensors() if shapes is None else shapes, types)
    text = RECIPE.format(base='base = load("model")\n' if base else "", option=", base: base" if base else "")
    write(os.path.join(folder, "recipe.ftr"), text)


def configuration(name, words, status=3, base=True, shapes=None, **values):
    return Case(f"config {name}", lambda folder: make(folder, altered(ADAPTER_CONFIG, **values), shapes, base=base), words, status)


def content(name, path, data, words):
    def prepare(folder):
        make(folder)
        write(os.path.join(folder, path), data)

    return Case(f"file {name}", prepare, words)


def weights(name, words, shapes, types=None):
    return Case(f"tensors {name}", lambda folder: make(folder, shapes=shapes, types=types), [WEIGHTS, *words])


def without(path):
    def prepare(folder):
        make(folder)
        os.remove(os.path.join(folder, path))

    return prepare


FIRST = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
SECOND = {name: shape for name, shape in tensors().items() if ".layers.1." in name}
DEEP = '{"a":' * 70 + "1" + "}" * 70

CASES = [
    configuration("as it should be", [], status=0),
    configuration("other dropout", [], status=0, lora_dropout=0.5),
    configuration("patterns for no site", [], status=0, rank_pattern={"k_proj": 3}),
    configuration("a key that is not read", ["warning", "made_up", CONFIG], status=0, made_up=3),
    configuration("targets by pattern", [], status=0, target_modules=r".*\.[qv]_proj"),
    configuration("base beside the recipe", [], status=0, base=False),
    configuration("base outside", ["FTR0486", "'../model/../../models'", "base:"], base=False, base_model_name_or_path="../model/../../models"),
    configuration("base elsewhere", ["FTR0486", "'/nowhere/at/all'"], base=False, base_model_name_or_path="/nowhere/at/all"),
    configuration("no base", ["names no base model"], base=False, base_model_name_or_path=None),
    configuration("no type", [CONFIG, "peft_type"], peft_type=...),
    configuration("type is a number", [CONFIG, "peft_type"], peft_type=3),
    configuration("unknown type", ["FTR0484", "'peft LORRA'", "LORA"], peft_type="LORRA"),
    configuration("constant of another value", ["FTR0484", CONFIG, "'dora' needs 'use_dora' to be true, not"], use_dora=[1, 2]),
    configuration("no rank", [CONFIG, "lacks the key 'r'"], r=...),
    configuration("no alpha", [CONFIG, "lacks the key 'lora_alpha'"], lora_alpha=None),
    configuration("rank is a string", [CONFIG, "an integer"], r="two"),
    configuration("rank is a fraction", [CONFIG, "an integer"], r=2.5),
    configuration("rank is zero", [CONFIG, "no entries"], r=0),
    configuration("rank is negative", [CONFIG, "rank"], r=-2),
    configuration("rank is 2^62", ["adapter_model", "another shape"], r=1 << 62),
    configuration("rank of the tensors is another", ["adapter_model", FIRST.split(".")[-3], r"\[3, 8\]"], r=3),
    configuration("dropout is true", [CONFIG, "a number"], lora_dropout=True),
    configuration("pattern of ranks is a list", [CONFIG, "'rank_pattern'"], rank_pattern=[3]),
    configuration("pattern is no pattern", [CONFIG, "'rank_pattern'", "regular expression"], rank_pattern={"(": 3}),
    configuration("pattern that never ends", [CONFIG, "gave up"], rank_pattern={"(?:[a-z_.0-9]|[a-z.0-9_])+[^a-z_.0-9]": 3}),
    configuration("pattern with a string", [CONFIG, "an integer"], rank_pattern={"q_proj": "x"}),
    configuration("targets nothing", [CONFIG, "finds no module"], target_modules=["nothing"]),
    configuration("targets an empty list", [CONFIG, "finds no module"], target_modules=[]),
    configuration("targets a number", [CONFIG, "'target_modules'"], target_modules=3),
    configuration("targets numbers", [CONFIG, "'target_modules'"], target_modules=[3]),
    configuration("targets a block", [CONFIG, "model.layers.0.self_attn", "cannot stand"], target_modules=["self_attn"]),
    configuration("targets by a bad pattern", ["regular expression"], target_modules="(q_proj"),
    configuration("all but all", [CONFIG, "finds no module"], exclude_modules=["q_proj", "v_proj"]),
    configuration("all linear, with other tensors", ["adapter_model", "lacks the tensor"], target_modules="all-linear"),
    configuration("one layer of two", ["adapter_model", "layers.0", "no place"], layers_to_transform=[1]),
    configuration("one layer of two, others left out", [], status=0, shapes=SECOND, layers_to_transform=1),
    configuration("a layer of a named list", [], status=0, shapes=SECOND, layers_to_transform=[1], layers_pattern=["blocks", "layers"]),
    configuration("a layer of no list", [CONFIG, "finds no module"], layers_to_transform=[1], layers_pattern="blocks"),
    configuration("name of a list is a number", [CONFIG, "'layers_pattern'"], layers_to_transform=[1], layers_pattern=[1]),
    configuration("layer is a string", [CONFIG, "'layers_to_transform'"], layers_to_transform="one"),
    configuration("constant that changes the base", ["FTR0484"], init_lora_weights="loftq"),
    configuration("constant among several", [], status=0, init_lora_weights="gaussian"),
    configuration("a blank for another", [], status=0, use_dora=None, layer_replication=[]),
    configuration("modules that are not there", [CONFIG, "finds no place"], modules_to_save=["nothing"]),
    configuration("modules are a number", [CONFIG, "'modules_to_save'"], modules_to_save=3),
    configuration("modules without their tensors", ["lacks the tensor", "lm_head.weight"], modules_to_save=["lm_head"]),
    configuration("modules with their tensors", [], status=0, modules_to_save=["lm_head"],
                  shapes={**tensors(), "base_model.model.lm_head.weight": [16, 8]}),
    configuration("tokens", [], status=0, trainable_token_indices=[3, 15],
                  shapes={**tensors(), "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta": [2, 8]}),
    configuration("tokens by name", ["lacks the tensor", "token_adapter"], trainable_token_indices={"embed_tokens": [1]}),
    configuration("tokens of no module", [CONFIG, "finds no place"], trainable_token_indices={"nothing": [1]}),
    configuration("tokens are strings", [CONFIG], trainable_token_indices=["a"]),
    configuration("tokens are a number", [CONFIG], trainable_token_indices=3),
    configuration("an embedding with its base", [], status=0, target_modules=["lm_head"], shapes={
        "base_model.model.lm_head.lora_A.weight": [2, 8], "base_model.model.lm_head.lora_B.weight": [16, 2],
        "base_model.model.lm_head.base_layer.weight": [16, 8]}),
    configuration("an embedding with another base", ["base_layer", "another shape"], target_modules=["lm_head"], shapes={
        "base_model.model.lm_head.lora_A.weight": [2, 8], "base_model.model.lm_head.lora_B.weight": [16, 2],
        "base_model.model.lm_head.base_layer.weight": [17, 8]}),
    configuration("trained biases of a model that has none", [], status=0, bias="all"),
    configuration("trained biases of no module", [CONFIG, "'bias'", "<method>_only"], bias="some"),
    configuration("trained biases are a number", [CONFIG, "'bias'", "got 3"], bias=3),
    content("configuration is a list", CONFIG, json.dumps([ADAPTER_CONFIG]), ["adapter_config.json", "object"]),
    content("configuration is no JSON", CONFIG, "{", ["adapter_config.json"]),
    content("configuration is empty", CONFIG, "", ["adapter_config.json"]),
    content("configuration is deep", CONFIG, DEEP, ["adapter_config.json"]),
    content("configuration is binary", CONFIG, b"\xff\xfe\0\0", ["adapter_config.json"]),
    content("configuration has a key twice", CONFIG, '{"r": 1, "r": 2}', ["adapter_config.json"]),
    content("weights are empty", WEIGHTS, b"", ["adapter_model.safetensors"]),
    content("weights are cut", WEIGHTS, struct.pack("<Q", 1 << 40) + b"{}", ["adapter_model.safetensors"]),
    Case("no weights", without(WEIGHTS), ["adapter_model.safetensors"]),
    Case("no configuration", without(CONFIG), ["adapter_config.json"]),
    weights("one lacks", ["lacks the tensor", FIRST], {name: shape for name, shape in tensors().items() if name != FIRST}),
    weights("one too many", ["no place", "extra"], {**tensors(), "extra": [2]}),
    weights("one of another shape", [FIRST, "another shape"], {**tensors(), FIRST: [8, 2]}),
    weights("one of whole numbers", [FIRST, "real numbers"], tensors(), {FIRST: "I64"}),
]  # fmt: skip

if __name__ == "__main__":
    judge(sys.argv[1], CASES)
