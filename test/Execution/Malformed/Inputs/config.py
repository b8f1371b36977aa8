#!/usr/bin/env python3
"""config.py WORK: configurations that are no configuration of the model, or no JSON."""

import os
import sys

from cases import Case, changed, judge, write, write_json


def configuration(name, words, status=3, **values):
    def prepare(folder):
        write_json(os.path.join(folder, "model", "config.json"), changed(**values))

    return Case(f"config {name}", prepare, words, status)


def text(name, content, words):
    def prepare(folder):
        write(os.path.join(folder, "model", "config.json"), content)

    return Case(f"json {name}", prepare, words)


def with_key(key, value):
    """The configuration with a key whose value is written as it is."""
    return '{"architectures": ["LlamaForCausalLM"], "%s": %s}' % (key, value)


# The message is about the configuration, or about a tensor of the model that it does not fit.
FILE = r"config\.json|of model |model lacks"
INTEGERS = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size", "head_dim"]
CASES = []
for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"):
    CASES.append(configuration(f"without {key}", ["config.json", key], **{key: ...}))
for key in INTEGERS:
    for name, value in {"text": "8", "fraction": 8.5, "list": [8], "object": {"a": 8}, "zero": 0, "negative": -8,
                        "2^62": 1 << 62, "2^31": 1 << 31, "1e30": 1e30, "true": True}.items():  # fmt: skip
        CASES.append(configuration(f"{key} {name}", [FILE], **{key: value}))
CASES += [
    configuration("heads that kv heads do not divide", ["config.json", "3 / 2"], num_attention_heads=3, num_key_value_heads=2),
    configuration("odd head_dim", [FILE], head_dim=3),
    configuration("layers 100000", ["config.json", "100000"], num_hidden_layers=100000),
    configuration("without architectures", ["config.json", "architecture"], architectures=...),
    configuration("architectures empty", ["config.json", "architecture"], architectures=[]),
    configuration("architectures number", ["config.json", "architecture"], architectures=[1]),
    configuration("architectures unknown", ["config.json", "Llama4ForCausalLM"], architectures=["Llama4ForCausalLM"]),
    configuration("architectures path", ["config.json"], architectures=["../../llama"]),
    configuration("hidden_act unknown", ["config.json", "sillu"], hidden_act="sillu"),
    configuration("hidden_act number", ["config.json", "hidden_act"], hidden_act=1),
    configuration("rms_norm_eps text", ["config.json", "rms_norm_eps"], rms_norm_eps="small"),
    configuration("rms_norm_eps list", ["config.json", "rms_norm_eps"], rms_norm_eps=[1e-5]),
    configuration("rope_theta text", ["config.json", "rope_theta", "big"], rope_theta="big"),
    configuration("rope_parameters text", ["config.json", "rope_theta"], rope_parameters="default"),
    configuration("rope_parameters list", ["config.json", "rope_theta"], rope_parameters=[1]),
    configuration("rope_type unknown", ["config.json", "rope_type"], rope_parameters={"rope_type": "spiral", "rope_theta": 1e4}),
    configuration("rope_scaling unknown", ["config.json", "rope_type"], rope_scaling={"rope_type": "spiral"}),
    configuration("rope_scaling without factor", ["factor"], 1, rope_scaling={"rope_type": "llama3"}),
    configuration("rope_scaling factor text", ["factor"], 1, rope_scaling={"rope_type": "linear", "factor": "x"}),
    configuration("tie_word_embeddings text", ["config.json", "tie_word_embeddings"], tie_word_embeddings="yes"),
    configuration("attention_bias text", ["config.json", "attention_bias"], attention_bias="yes"),
    text("empty", "", ["config.json"]),
    text("blank", " \n\t", ["config.json"]),
    text("list", "[]", ["config.json", "object"]),
    text("text", '"llama"', ["config.json", "object"]),
    text("cut", '{"architectures": ["Llama', ["config.json"]),
    text("after the end", "{} {}", ["config.json"]),
    text("no quotes", "{architectures: 1}", ["config.json"]),
    text("comma at the end", with_key("a", "1,"), ["config.json"]),
    text("comment", '{"a": 1 /* b */}', ["config.json"]),
    text("same key twice", '{"architectures": ["LlamaForCausalLM"], "hidden_size": 8, "hidden_size": 9}', ["config.json", "hidden_size"]),
    text("nested too deep", "[" * 200000 + "]" * 200000, ["config.json"]),
    text("objects nested too deep", '{"a":' * 100000 + "1" + "}" * 100000, ["config.json"]),
    text("value nested too deep", with_key("rope_scaling", "[" * 5000 + "]" * 5000), ["config.json"]),
    text("no UTF-8", b'{"architectures": ["\xff\xfe"]}', ["config.json"]),
    text("half a surrogate", with_key("hidden_act", '"\\ud800"'), ["config.json"]),
    text("control character", with_key("hidden_act", '"a\x01b"'), ["config.json"]),
    text("zero byte", b'{"architectures"\x00: []}', ["config.json"]),
    text("infinity", with_key("rope_theta", "1e999"), ["config.json"]),
    text("NaN", with_key("rope_theta", "NaN"), ["config.json"]),
    text("leading zero", with_key("hidden_size", "08"), ["config.json"]),
    text("huge integer", with_key("hidden_size", "9" * 400), ["config.json"]),
    text("bytes", bytes(range(256)), ["config.json"]),
]

judge(sys.argv[1], CASES)
