"""A small llama with random weights, and rows for it, in the folder at hand."""

import json
import pathlib
import subprocess

MAKE = """
base = load("config")
start = adapt base { **.{embed_tokens, self_attn, mlp, lm_head}.** : fresh(std: 0.04)  **.{input_layernorm, post_attention_layernorm, norm} : fresh(mean: 1, std: 0) }
save start as huggingface("model", dtype: f32)
"""


def make(ftc, words, rows, tokens):
    """Writes model/, of two layers of width 256, and rows.jsonl."""
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
              "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": words, "rms_norm_eps": 1e-5, "tie_word_embeddings": False}
    pathlib.Path("config").mkdir()
    pathlib.Path("config/config.json").write_text(json.dumps(config), encoding="utf-8")
    lines = [json.dumps({"input_ids": [(7 * row + 3 * i) % words for i in range(tokens)]}) + "\n" for row in range(rows)]
    pathlib.Path("rows.jsonl").write_text("".join(lines), encoding="utf-8")
    pathlib.Path("make.ftr").write_text(MAKE, encoding="utf-8")
    subprocess.run([ftc, "make.ftr", "-o", "make"], check=True)
    subprocess.run(["./make", "--quiet"], check=True)


def run(command, saved):
    """What a training saves, and its losses."""
    subprocess.run([*command, "--fresh", "--quiet", "--out", "out"], check=True)
    lines = map(json.loads, pathlib.Path("out/metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return pathlib.Path(saved).read_bytes(), [line["loss"] for line in lines if "loss" in line]
