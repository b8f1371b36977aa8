"""Recipes over models of many layers: what is fused must be the same with and without layers that are left out on the way.

layers.py FOLDER FTC EXAMPLES
"""

import json
import math
import struct
import subprocess
import sys
from pathlib import Path

LAYERS = 15
LLAMA = {"architectures": ["LlamaForCausalLM"], "vocab_size": 320, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": LAYERS,
         "num_attention_heads": 6, "num_key_value_heads": 3, "max_position_embeddings": 128, "tie_word_embeddings": True}
GPT2 = {"architectures": ["GPT2LMHeadModel"], "vocab_size": 320, "n_embd": 48, "n_layer": LAYERS, "n_head": 6, "n_positions": 128}
GEMMA3 = {**LLAMA, "architectures": ["Gemma3ForCausalLM"], "head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 16, "rope_parameters": None,
          "layer_types": ["full_attention" if layer % 6 == 5 else "sliding_attention" for layer in range(LAYERS)]}

ALL = "**.layers.*.{self_attn, mlp}.* : "
ADAPTERS = [
    *(ALL + adapter for adapter in (
        "lora(rank: 4)", "lora(rank: 4, dropout: 0.1)", "dora(rank: 4)", "boft(block: 4)", "c3a(block: 12)", "delora(rank: 4)", "lokr(rank: 4)", "oft(block: 12)",
        "vera(rank: 8)", "vblora(rank: 2, length: 12)", "waveft(n: 100)")),
    "**.{q_proj, v_proj} : lora(rank: 4)",
    "**.layers[2..14].**.*_proj : lora(rank: 4)",
    "** : prefix(length: 4)",
    "** : full()",
]
OPTIMIZERS = ["sgd(lr: 0.01)", "lion(lr: 1e-4)", "adafactor(lr: 1e-3)", "galore(lr: 1e-3, rank: 4)"]

RECIPE = """
base  = load("models/{model}")
data  = dataset("data/shakespeare.txt", format: completion)
tuned = adapt base {{ {adapters} }}
run   = train tuned {{ data: data   objective: sft   optimizer: {optimizer}   batch: 2 x 16   steps: 2   {options} }}
"""
GENERATE = 'said  = generate run { prompts: ["ROMEO:"]   tokens: 8 }\n'


def recipes():
    """Texts of recipes."""
    adamw = "adamw(lr: 1e-3)"
    for adapters in ADAPTERS:
        yield RECIPE.format(model="llama", adapters=adapters, optimizer=adamw, options="")
    for optimizer in OPTIMIZERS:
        yield RECIPE.format(model="llama", adapters="**.{q_proj, down_proj} : full()", optimizer=optimizer, options="gradient_clip: none")
    for model in ("gpt2", "gemma3"):
        yield RECIPE.format(model=model, adapters="** : fresh(std: 0.04)", optimizer=adamw, options="")
    lora = RECIPE.format(model="llama", adapters=ADAPTERS[0], optimizer=adamw, options="micro_batch: 1")
    yield lora + 'save run as huggingface("out")\n'
    yield lora + GENERATE


def write_weights(path):
    """The weights of the Llama, of which the compiler reads where they are."""
    shapes = {"model.embed_tokens.weight": [320, 48], "model.norm.weight": [48]}
    for layer in range(LAYERS):
        linears = {"self_attn.q_proj": [48, 48], "self_attn.k_proj": [24, 48], "self_attn.v_proj": [24, 48], "self_attn.o_proj": [48, 48],
                   "mlp.gate_proj": [96, 48], "mlp.up_proj": [96, 48], "mlp.down_proj": [48, 96]}
        norms = {"input_layernorm": [48], "post_attention_layernorm": [48]}
        shapes |= {f"model.layers.{layer}.{name}.weight": shape for name, shape in (linears | norms).items()}
    header, end = {}, 0
    for name, shape in shapes.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + 4 * math.prod(shape)]}
        end += 4 * math.prod(shape)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))


def make_models(folder, examples):
    """Models, one of them with weights, and data."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "shakespeare.txt").write_bytes((examples / "data" / "shakespeare.txt").read_bytes())
    for name, config in (("llama", LLAMA), ("gpt2", GPT2), ("gemma3", GEMMA3)):
        model = folder / "models" / name
        model.mkdir(parents=True)
        (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (model / "tokenizer.json").write_bytes((examples / "models" / "start" / "tokenizer.json").read_bytes())
    write_weights(folder / "models" / "llama" / "model.safetensors")


def main():
    folder, ftc, examples = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    make_models(folder, examples)
    recipe = folder / "recipe.ftr"

    def lower(rung, *options):
        done = subprocess.run([ftc, recipe, f"--emit={rung}", *options], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{recipe.read_text(encoding='utf-8')}\n{done.stderr}")
        return done.stdout

    count = 0
    for text in recipes():
        recipe.write_text(text, encoding="utf-8")
        if lower("fused") != lower("fused", "--disable-pass=tune-fold-layers"):
            sys.exit(f"{text}\nis not the same without tune-fold-layers")
        count += 1
    print(f"{count} recipes are the same with and without layers that are left out")


if __name__ == "__main__":
    main()
