"""What every case of malformed input shares: a tiny model, a folder for each case, and the judgement."""

import concurrent.futures
import copy
import json
import os
import re
import shutil
import struct
import subprocess
import sys

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "attention_bias": False, "bos_token_id": 1, "eos_token_id": 2, "head_dim": 4,
    "hidden_act": "silu", "hidden_size": 8, "intermediate_size": 16, "max_position_embeddings": 64, "mlp_bias": False,
    "model_type": "llama", "num_attention_heads": 2, "num_hidden_layers": 2, "num_key_value_heads": 1,
    "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "tie_word_embeddings": False, "vocab_size": 16,
}  # fmt: skip

RECIPE = """base  = load("model")
data  = dataset("rows.jsonl", format: tokens, shuffle: none)
tuned = adapt base { **.{q_proj, v_proj} : lora(rank: 2, alpha: 4) }
run   = train tuned {
  data: data   objective: sft   optimizer: adamw(lr: 1e-3)
  batch: 2 x 8   packing: none   steps: 2   gradient_clip: none   seed: 1
}
save run as peft("out")
"""

ROWS = [{"input_ids": [3, 4, 5, 6, 7], "labels": [-100, 4, 5, 6, 7]}, {"input_ids": [8, 9, 10, 11]}]

# What only a bug writes.
BUG = re.compile(
    rb"bug of|Assertion|LLVM ERROR|PLEASE submit|UNREACHABLE|unreachable|Stack dump|terminate called|AddressSanitizer"
    rb"|runtime error:|Segmentation|std::|basic_string|' op |error: unknown: "
)


def tensors():
    """Names and shapes of the model's tensors."""
    shapes = {"model.embed_tokens.weight": [16, 8], "model.norm.weight": [8], "lm_head.weight": [16, 8]}
    for layer in range(2):
        prefix = f"model.layers.{layer}."
        for name, shape in {
            "self_attn.q_proj": [8, 8], "self_attn.k_proj": [4, 8], "self_attn.v_proj": [4, 8], "self_attn.o_proj": [8, 8],
            "mlp.gate_proj": [16, 8], "mlp.up_proj": [16, 8], "mlp.down_proj": [8, 16],
            "input_layernorm": [8], "post_attention_layernorm": [8],
        }.items():  # fmt: skip
            shapes[f"{prefix}{name}.weight"] = shape
    return shapes


def write(path, content):
    with open(path, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_json(path, value):
    write(path, json.dumps(value))


def write_safetensors(path, shapes, types=None):
    """Zeros of the given shapes; types: others than F32 by name."""
    size = {"F32": 4, "F16": 2, "I64": 8, "BOOL": 1}
    header, end = {}, 0
    for name, shape in shapes.items():
        kind, count = (types or {}).get(name, "F32"), 1
        for extent in shape:
            count *= extent
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + count * size[kind]]}
        end += count * size[kind]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    write(path, struct.pack("<Q", len(text)) + text + bytes(end))


def make_model(folder, config=None, shapes=None, types=None):
    os.makedirs(folder, exist_ok=True)
    write_json(os.path.join(folder, "config.json"), CONFIG if config is None else config)
    write_safetensors(os.path.join(folder, "model.safetensors"), tensors() if shapes is None else shapes, types)


def make_folder(folder):
    shutil.rmtree(folder, ignore_errors=True)
    make_model(os.path.join(folder, "model"))
    write(os.path.join(folder, "recipe.ftr"), RECIPE)
    write(os.path.join(folder, "rows.jsonl"), "".join(json.dumps(row) + "\n" for row in ROWS))


def altered(config, **values):
    """The configuration with other values; `...` leaves the key out."""
    config = copy.deepcopy(config)
    for key, value in values.items():
        if value is ...:
            del config[key]
        else:
            config[key] = value
    return config


def changed(**values):
    """The model's configuration, altered."""
    return altered(CONFIG, **values)


def files_in(folder):
    return sorted(os.path.join(path, name) for path, _, names in os.walk(folder) for name in names)


class Case:
    """prepare(folder) spoils a good folder; `command` then ends with `status` and writes all of `words` (regular expressions) to stderr."""

    def __init__(self, name, prepare, words, status=3, command=("ftc", "check", "recipe.ftr"), leaves=()):
        self.name, self.prepare, self.words, self.status = name, prepare, words, status
        self.command, self.leaves = list(command), leaves

    def run(self, work):
        """The mistakes of the program under test, as text."""
        folder = os.path.join(work, re.sub(r"[^A-Za-z0-9]+", "-", self.name))
        make_folder(folder)
        self.prepare(folder)
        before = files_in(folder)
        try:
            done = subprocess.run(self.command, cwd=folder, capture_output=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            return ["is still running after 300 s"]
        finally:
            after = [path for path in files_in(folder) if path not in before]
        mistakes = []
        if done.returncode != self.status:
            mistakes.append(f"exit status {done.returncode}, expected {self.status}")
        if BUG.search(done.stderr):
            mistakes.append("a message that only a bug writes")
        text = done.stderr.decode(errors="replace")
        mistakes += [f"no '{word}' in the message" for word in self.words if not re.search(word, text)]
        mistakes += [f"left {path}" for path in after if not any(leave in path for leave in self.leaves)]
        return [*mistakes, text[:1500]] if mistakes else []


def judge(work, cases):
    """Runs all cases; exits with 1 if one goes wrong."""
    os.makedirs(work, exist_ok=True)
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), "two cases have one name"
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: case.run(work), cases))
    wrong = 0
    for case, mistakes in zip(cases, results):
        if mistakes:
            wrong += 1
            print(f"--- {case.name}: {' '.join(case.command)}", *mistakes, sep="\n")
    print(f"{len(cases) - wrong} of {len(cases)} cases are refused as they should be")
    sys.exit(1 if wrong else 0)
