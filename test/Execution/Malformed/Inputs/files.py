#!/usr/bin/env python3
"""files.py WORK: model files that are missing, that do not fit, or that are no model files, as `ftc check` sees them."""

import json
import os
import struct
import sys

from cases import Case, judge, make_model, tensors, write

WEIGHTS = os.path.join("model", "model.safetensors")
INDEX = os.path.join("model", "model.safetensors.index.json")


def renamed(old, new):
    shapes = tensors()
    shapes[new] = shapes.pop(old)
    return shapes


def reshaped(name, shape):
    return {**tensors(), name: shape}


def without(name):
    shapes = tensors()
    del shapes[name]
    return shapes


def weights(name, shapes, words, types=None):
    return Case(f"tensors {name}", lambda folder: make_model(os.path.join(folder, "model"), shapes=shapes, types=types), words)


def content(name, data, words, path=WEIGHTS):
    return Case(f"file {name}", lambda folder: write(os.path.join(folder, path), data), words)


def header(name, value, words, data=b"\0" * 64):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return content(name, struct.pack("<Q", len(text)) + text + data, ["model.safetensors", *words])


def sharded(name, index, words):
    def prepare(folder):
        os.rename(os.path.join(folder, WEIGHTS), os.path.join(folder, "model", "part.safetensors"))
        write(os.path.join(folder, INDEX), index if isinstance(index, str) else json.dumps(index))

    return Case(f"index {name}", prepare, ["index.json|part.safetensors|shard", *words])


def gguf(name, data, words):
    def prepare(folder):
        write(os.path.join(folder, "model.gguf"), data)
        recipe = os.path.join(folder, "recipe.ftr")
        with open(recipe, encoding="utf-8") as file:
            text = file.read()
        write(recipe, text.replace('load("model")', 'load("model.gguf")'))

    return Case(f"gguf {name}", prepare, ["model.gguf|architecture|recipe.ftr:1", *words])


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def metadata(*pairs, tensor_count=0):
    """A GGUF file without tensors; pairs: key, type, bytes of the value."""
    data = b"GGUF" + struct.pack("<IQQ", 3, tensor_count, len(pairs))
    for key, kind, value in pairs:
        data += string(key) + struct.pack("<I", kind) + value
    return data + bytes(-len(data) % 32)


def model_at(path, words, name):
    def prepare(folder):
        recipe = os.path.join(folder, "recipe.ftr")
        with open(recipe, encoding="utf-8") as file:
            text = file.read()
        write(recipe, text.replace('load("model")', f"load({json.dumps(path)})"))

    return Case(f"path {name}", prepare, words)


def replace_by_folder(folder):
    os.remove(os.path.join(folder, WEIGHTS))
    os.mkdir(os.path.join(folder, WEIGHTS))


Q = "model.layers.0.self_attn.q_proj.weight"
ONE = {"a": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}}
CASES = [
    Case("no config.json", lambda folder: os.remove(os.path.join(folder, "model", "config.json")), ["config.json"]),
    Case("weights are a folder", replace_by_folder, ["model"]),
    model_at("nowhere", ["nowhere"], "nowhere"),
    model_at("rows.jsonl", ["rows.jsonl"], "rows"),
    model_at("recipe.ftr", ["recipe.ftr"], "recipe"),
    model_at("model/config.json", ["config.json"], "configuration"),
    model_at("/dev/null", ["/dev/null"], "device"),
    model_at("x" * 5000, ["xxxx"], "too long"),
    weights("missing one", without(Q), [Q, "lacks"]),
    weights("missing norm", without("model.norm.weight"), ["model.norm.weight"]),
    weights("missing head", without("lm_head.weight"), ["lm_head.weight"]),
    weights("one too many", {**tensors(), "model.layers.0.self_attn.extra.weight": [8]}, ["extra.weight"]),
    weights("a bias too many", {**tensors(), "model.layers.0.self_attn.q_proj.bias": [8]}, ["q_proj.bias"]),
    weights("a layer too many", {**tensors(), "model.layers.2.mlp.up_proj.weight": [16, 8]}, ["model.layers.2"]),
    weights("another name", renamed(Q, "model.layers.0.self_attn.query.weight"), [Q, "query"]),
    weights("wrong shape", reshaped(Q, [8, 9]), [Q, r"\[8, 9\]"]),
    weights("transposed", reshaped("model.layers.1.mlp.up_proj.weight", [8, 16]), ["up_proj", r"\[8, 16\]"]),
    weights("flat", reshaped(Q, [64]), [Q, r"\[64\]"]),
    weights("three dimensions", reshaped(Q, [1, 8, 8]), [Q, r"\[1, 8, 8\]"]),
    weights("a scalar", reshaped("model.norm.weight", []), ["model.norm.weight"]),
    weights("no element", reshaped("model.norm.weight", [0]), ["model.norm.weight"]),
    weights("integers", tensors(), [Q], types={Q: "I64"}),
    weights("truth values", tensors(), [Q], types={Q: "BOOL"}),
    content("empty", b"", ["model.safetensors"]),
    content("seven bytes", b"\1\0\0\0\0\0\0", ["model.safetensors"]),
    content("header beyond the end", struct.pack("<Q", 1 << 20) + b"{}", ["model.safetensors"]),
    content("header of 2^63 bytes", struct.pack("<Q", 1 << 63) + b"{}", ["model.safetensors"]),
    content("text", b"this is not a tensor file, is it?", ["model.safetensors"]),
    content("pickle", b"PK\x03\x04" + bytes(60), ["model.safetensors"]),
    header("header a list", [], ["does not start with"]),
    header("header no JSON", b"{a: 1}  ", []),
    header("offsets backwards", {"a": {**ONE["a"], "data_offsets": [64, 0]}}, ["a"]),
    header("offsets beyond the end", {"a": {**ONE["a"], "shape": [32], "data_offsets": [0, 128]}}, []),
    header("offsets negative", {"a": {**ONE["a"], "data_offsets": [-64, 0]}}, ["a"]),
    header("offsets of 2^64", {"a": {**ONE["a"], "data_offsets": [0, 1 << 64]}}, []),
    header("offsets that overlap", {**ONE, "b": ONE["a"]}, []),
    header("a gap", {"a": {"dtype": "F32", "shape": [8], "data_offsets": [32, 64]}}, []),
    header("bytes left over", ONE, [], data=b"\0" * 128),
    header("a shape that overflows", {"a": {**ONE["a"], "shape": [1 << 33, 1 << 33]}}, ["a"]),
    header("a shape with text", {"a": {**ONE["a"], "shape": ["16"]}}, ["a"]),
    header("no dtype", {"a": {"shape": [16], "data_offsets": [0, 64]}}, ["a", "dtype"]),
    header("unknown dtype", {"a": {**ONE["a"], "dtype": "F33"}}, ["F33"]),
    header("a name twice", b'{"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]},"a":{"dtype":"F32","shape":[8],"data_offsets":[32,64]}}', ["a"]),
    sharded("no JSON", "{", []),
    sharded("a list", [], []),
    sharded("without weight_map", {"metadata": {}}, ["weight_map"]),
    sharded("weight_map a list", {"weight_map": []}, ["weight_map"]),
    sharded("a shard that is a number", {"weight_map": {"lm_head.weight": 1}}, []),
    sharded("a shard that is not there", {"weight_map": {"lm_head.weight": "other.safetensors"}}, ["other.safetensors"]),
    sharded("a shard outside", {"weight_map": {"lm_head.weight": "../../outside.safetensors"}}, ["outside"]),
    sharded("an absolute shard", {"weight_map": {"lm_head.weight": "/etc/passwd"}}, ["/etc/passwd"]),
    sharded("a tensor that the shard lacks", {"weight_map": {**{name: "part.safetensors" for name in tensors()}, "more": "part.safetensors"}}, ["more"]),
    gguf("empty", b"", []),
    gguf("other magic", b"GGML" + bytes(60), []),
    gguf("version 1", b"GGUF" + struct.pack("<IQQ", 1, 0, 0) + bytes(8), []),
    gguf("cut", b"GGUF" + struct.pack("<IQQ", 3, 5, 5), []),
    gguf("2^60 tensors", b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0) + bytes(8), []),
    gguf("2^60 keys", b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60) + bytes(8), []),
    gguf("without architecture", metadata(), []),
    gguf("architecture a number", metadata(("general.architecture", 4, struct.pack("<I", 7))), []),
    gguf("architecture unknown", metadata(("general.architecture", 8, string("spiral"))), ["spiral"]),
    gguf("architecture alone", metadata(("general.architecture", 8, string("llama"))), []),
    gguf("unknown type of value", metadata(("general.architecture", 99, bytes(8))), []),
    gguf("nested arrays", metadata(("a", 9, struct.pack("<IQ", 9, 1) * 4000 + struct.pack("<IQ", 4, 0))), []),
    gguf("array of 2^62", metadata(("a", 9, struct.pack("<IQ", 4, 1 << 62))), []),
    gguf("a key twice", metadata(("a", 4, bytes(4)), ("a", 4, bytes(4))), ["a"]),
    gguf("a key of many parts", metadata((".".join("a" * 30000), 4, bytes(4)), ("general.architecture", 8, string("spiral"))), []),
]  # fmt: skip

judge(sys.argv[1], CASES)
