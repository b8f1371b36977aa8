"""Small models with random weights of every family of the standard library, for recipes.py."""

import json
import random
import struct
from array import array
from dataclasses import dataclass, field
from pathlib import Path

WIDTHS = [1, 2, 3, 5, 7, 8, 13, 16, 17, 24, 31, 32, 33, 48, 64, 65, 96, 127, 160]
MANY_LAYERS = 14  # of which some are left out on the way
VOCABULARIES = [3, 17, 32, 33, 64, 101, 256, 320, 1031]
LLAMA_NORMS = ["input_layernorm", "post_attention_layernorm"]
GEMMA_NORMS = LLAMA_NORMS + ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
OLMO_NORMS = ["post_attention_layernorm", "post_feedforward_layernorm"]


def encode(values: list, dtype: str):
    """The bytes of numbers in a type of safetensors; bf16 is rounded towards zero."""
    if dtype == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    words = array("f", values).tobytes()
    return words if dtype == "F32" else b"".join(words[i + 2 : i + 4] for i in range(0, len(words), 4))


@dataclass
class Model:
    """A configuration and the shapes of its tensors, by their names in the checkpoint."""

    config: dict
    shapes: dict = field(default_factory=dict)
    embedding: str = "embed_tokens"
    layers: str = "layers"
    mlp: str = "mlp"
    transposed: bool = False  # whether weights of layers are [in, out]

    @property
    def tied(self):
        return self.config["tie_word_embeddings"]

    @property
    def has_many_layers(self):
        return MANY_LAYERS in (self.config.get("num_hidden_layers"), self.config.get("n_layer"))

    def linears(self):
        """Paths of linear modules, each with its [out, in]."""
        found = {}
        for name, shape in self.shapes.items():
            path = name.removesuffix(".weight")
            if path != name and len(shape) == 2 and path.split(".")[-1] not in ("embed_tokens", "wte", "wpe"):
                found[path] = shape[::-1] if self.transposed and path != "lm_head" else shape
        return found

    def norms(self):
        """Paths of the modules whose weight is a vector."""
        return [name.removesuffix(".weight") for name, shape in self.shapes.items() if name.endswith(".weight") and len(shape) == 1]

    def write(self, folder: Path, rng: random.Random):
        """Writes config.json and model.safetensors."""
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(self.config, indent=1), encoding="utf-8")
        header, data = {}, b""
        dtype = rng.choice(["F32", "F32", "BF16", "F16"])
        for name, shape in self.shapes.items():
            values = encode([self.draw_entry(name, shape, rng) for _ in range(count(shape))], dtype)
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
            data += values
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)

    def draw_entry(self, name: str, shape: list, rng: random.Random):
        """Scales that keep the residual stream near 1."""
        if len(shape) == 1:
            centre = name.endswith(".weight") and "Gemma3" not in self.config["architectures"][0]
            return centre + rng.gauss(0, 0.2)
        is_embedding = name.split(".")[-2] in ("embed_tokens", "wte", "wpe")
        return rng.gauss(0, 0.3 if is_embedding else shape[0 if self.transposed else 1] ** -0.5)


def count(shape):
    """The number of a tensor's entries."""
    return shape[0] * count(shape[1:]) if shape else 1


def draw_rope(d: int, rng: random.Random):
    """The object rope_parameters for heads of size d, or none."""
    further = {
        "default": {},
        "linear": {"factor": 4.0},
        "dynamic": {"factor": 2.0},  # divides by d / 2 - 1
        "yarn": {"factor": 4.0, "original_max_position_embeddings": 64},
        "llama3": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32},
    }
    kind = rng.choice([None, None, *(kind for kind in further if kind != "dynamic" or d > 2)])
    return kind and {"rope_type": kind, "rope_theta": 1e4, **further[kind]}


def draw_layers(rng: random.Random):
    """Mostly few."""
    return MANY_LAYERS if rng.random() < 0.05 else rng.choice([1, 1, 2, 3])


def draw_gpt2(rng: random.Random):
    """Weights stored [in, out], learned positions, biases everywhere."""
    heads, d, layers = rng.choice([1, 1, 2, 3, 4]), rng.choice([1, 2, 5, 8, 13, 16, 17]), draw_layers(rng)
    hidden, inner, vocab = heads * d, rng.choice(WIDTHS), rng.choice(VOCABULARIES)
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": vocab, "n_embd": hidden, "n_layer": layers}
    config |= {"n_head": heads, "n_inner": inner, "n_positions": 1024, "activation_function": rng.choice(["gelu_new", "relu", "gelu"])}
    config |= {"tie_word_embeddings": rng.random() < 0.6, "scale_attn_by_inverse_layer_idx": rng.random() < 0.3}
    model = Model(config, embedding="wte", layers="h", transposed=True)
    shapes = model.shapes
    shapes |= {"transformer.wte.weight": [vocab, hidden], "transformer.wpe.weight": [1024, hidden]}
    for i in range(layers):
        at = f"transformer.h.{i}"
        linears = {"attn.c_attn": (hidden, 3 * hidden), "attn.c_proj": (hidden, hidden)}
        linears |= {"mlp.c_fc": (hidden, inner), "mlp.c_proj": (inner, hidden)}
        for name, sizes in linears.items():
            shapes |= {f"{at}.{name}.weight": list(sizes), f"{at}.{name}.bias": [sizes[1]]}
        for name in ("ln_1", "ln_2"):
            shapes |= {f"{at}.{name}.weight": [hidden], f"{at}.{name}.bias": [hidden]}
    shapes |= {"transformer.ln_f.weight": [hidden], "transformer.ln_f.bias": [hidden]}
    if not model.tied:
        shapes["lm_head.weight"] = [vocab, hidden]
    return model


def draw_decoder(family: str, rng: random.Random):
    """A relative of Llama."""
    kv, group, d = rng.choice([1, 1, 2, 3]), rng.choice([1, 1, 2, 3]), rng.choice([2, 4, 6, 8, 16, 16, 34])
    heads, layers, vocab, inner = kv * group, draw_layers(rng), rng.choice(VOCABULARIES), rng.choice(WIDTHS)
    has_own_width = family in ("Llama", "Mistral", "Qwen3", "Gemma3") and rng.random() < 0.5 or family in ("Qwen3", "Gemma3")
    hidden = rng.choice(WIDTHS) if has_own_width else heads * d
    config = {"architectures": [f"{family}ForCausalLM"], "vocab_size": vocab, "hidden_size": hidden, "intermediate_size": inner}
    config |= {"num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv, "max_position_embeddings": 1024}
    config |= {"tie_word_embeddings": rng.random() < 0.4, "rope_parameters": draw_rope(d, rng)}
    config["hidden_activation" if family == "Gemma3" else "hidden_act"] = rng.choice(["silu", "gelu_pytorch_tanh", "relu"])
    if has_own_width:
        config["head_dim"] = d
    biased = family in ("Llama", "Qwen3", "Gemma3", "Olmo2") and rng.random() < 0.3
    if biased:
        config["attention_bias"] = True
    mlp_biased = family == "Llama" and rng.random() < 0.3
    if mlp_biased:
        config["mlp_bias"] = True
    window = rng.choice([1, 2, 5, 16])
    if family in ("Mistral", "Phi3"):
        config["sliding_window"] = rng.choice([None, window])
    elif family in ("Qwen2", "Qwen3"):
        config |= {"use_sliding_window": rng.random() < 0.5, "sliding_window": window, "max_window_layers": rng.randrange(layers + 1)}
    elif family == "Gemma3":
        kinds = [rng.choice(["sliding_attention", "full_attention"]) for _ in range(layers)]
        config |= {"sliding_window": window, "query_pre_attn_scalar": d, "layer_types": kinds, "rope_parameters": None}
        config |= {"final_logit_softcapping": rng.choice([None, 30.0]), "attn_logit_softcapping": rng.choice([None, 20.0])}
    model = Model(config)
    q, k = heads * d, kv * d
    shapes = model.shapes
    shapes["model.embed_tokens.weight"] = [vocab, hidden]
    for i in range(layers):
        at = f"model.layers.{i}"
        if family == "Phi3":
            linears = {"self_attn.qkv_proj": [q + 2 * k, hidden], "self_attn.o_proj": [hidden, q]}
            linears |= {"mlp.gate_up_proj": [2 * inner, hidden], "mlp.down_proj": [hidden, inner]}
        else:
            linears = {"self_attn.q_proj": [q, hidden], "self_attn.o_proj": [hidden, q]}
            linears |= {"self_attn.k_proj": [k, hidden], "self_attn.v_proj": [k, hidden]}
            linears |= {"mlp.gate_proj": [inner, hidden], "mlp.up_proj": [inner, hidden], "mlp.down_proj": [hidden, inner]}
        for name, shape in linears.items():
            shapes[f"{at}.{name}.weight"] = shape
            has_bias = mlp_biased if "mlp" in name else biased or (family == "Qwen2" and "o_proj" not in name)
            if has_bias:
                shapes[f"{at}.{name}.bias"] = shape[:1]
        for name in {"Gemma3": GEMMA_NORMS, "Olmo2": OLMO_NORMS}.get(family, LLAMA_NORMS):
            shapes[f"{at}.{name}.weight"] = [hidden]
        if family in ("Qwen3", "Gemma3", "Olmo2"):
            shapes[f"{at}.self_attn.q_norm.weight"] = [q if family == "Olmo2" else d]
            shapes[f"{at}.self_attn.k_norm.weight"] = [k if family == "Olmo2" else d]
    shapes["model.norm.weight"] = [hidden]
    if not model.tied:
        shapes["lm_head.weight"] = [vocab, hidden]
    return model


def draw_model(rng: random.Random):
    """A model of any family."""
    family = rng.choice(["Llama", "Llama", "Mistral", "Qwen2", "Qwen3", "Gemma3", "Phi3", "Olmo2", "GPT2"])
    return draw_gpt2(rng) if family == "GPT2" else draw_decoder(family, rng)
