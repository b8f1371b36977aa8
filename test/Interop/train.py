#!/usr/bin/env python3
"""train.py DATA [NAME...]: twenty steps on DATA/adapters/batches.jsonl in float64, whose losses tests of test/Execution/Golden compare with; DATA/adapters/NAME
also gets the adapter that a training begins with. NAME is
  full-MODEL           all weights of a model of DATA/models (full-families.ftr)
  lora-MODEL           an adapter of PEFT whose tensors all were moved away from where they begin (lora-families.ftr)
  biases-MODEL         the same with all biases of the model (biases.ftr)
  bottleneck-parallel  bottlenecks beside the feed-forward parts, in plain torch (bottleneck-parallel.ftr)
  psoft                PSOFT as it begins, whose losses do not depend on the signs of singular vectors (psoft.ftr)
  shifted-attention    the golden adapter of lora; attention is within groups, a mask for each head (shifted-attention.ftr)
  softcapping          all weights of gemma3 whose attention and logits are capped, and the logits afterwards (softcapping.ftr)
Needs torch, transformers, peft (0.21.2)."""

import json
import os
import sys

import peft
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.gemma3 import modeling_gemma3

data, *names = sys.argv[1:]
MODELS = ["qwen3", "phi3", "gpt2", "olmo2", "gemma3", "llama3-rope"]
names = names or [
    *(f"full-{model}" for model in MODELS),  # full-qwen2 and full-mistral were there before, with logits
    *(f"lora-{model}" for model in ["qwen2", "mistral", *MODELS]),
    "biases-gpt2",
    "bottleneck-parallel",
    "psoft",
    "shifted-attention",
    "softcapping",
]
with open(os.path.join(data, "adapters", "batches.jsonl"), encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]
with open(os.path.join(data, "models", "golden.jsonl"), encoding="utf-8") as file:
    held = [json.loads(line)["input_ids"] for line in file]
FLOAT32 = torch.float32
LORA = {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": r".*\.(c_attn|c_fc|[a-z_]*_proj)", "task_type": "CAUSAL_LM"}


def load(name, **config):
    return AutoModelForCausalLM.from_pretrained(os.path.join(data, "models", name), dtype=torch.float32, **config)


class Beside(torch.nn.Module):
    """A bottleneck beside a module."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.D, self.U = inner, *(torch.nn.Parameter(torch.randn(shape) * 0.1) for shape in ((16, 64), (64, 16)))

    def forward(self, x):
        return self.inner(x) + torch.nn.functional.gelu(x @ self.D.T) @ self.U.T


def put_beside(model):
    torch.manual_seed(0)
    model.requires_grad_(False)
    for layer in model.model.layers:
        layer.mlp = Beside(layer.mlp)
    return model


def shifted(module, query, key, value, mask, scaling, size=8, **rest):
    """Attention within groups of eight tokens, the second half of the heads within groups that begin four tokens later."""
    heads, tokens = query.shape[1:3]
    key, value = (x.repeat_interleave(heads // x.shape[1], dim=1) for x in (key, value))
    at = torch.arange(tokens)
    group = torch.stack([at // size] * (heads // 2) + [(at - size // 2) % tokens // size] * (heads // 2))
    seen = (group[:, :, None] == group[:, None, :]) & (at[None, :] <= at[:, None])
    scores = (query @ key.transpose(2, 3) * scaling).masked_fill(~seen, -torch.inf)
    return (scores.softmax(dim=-1) @ value).transpose(1, 2), None


ALL_ATTENTION_FUNCTIONS.register("shifted", shifted)
# The module of gemma3 knows the cap of its attention, and says it to nobody (transformers 5.24).
eager = modeling_gemma3.eager_attention_forward
modeling_gemma3.eager_attention_forward = lambda module, *arguments, **options: eager(
    module, *arguments, softcap=module.attn_logit_softcapping, **options
)


def initial(name, folder, **config):
    torch.manual_seed(0)
    model = peft.get_peft_model(load(name), peft.LoraConfig(**LORA, **config))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.add_(torch.randn_like(parameter) * 0.02)
    model.peft_config["default"].base_model_name_or_path = name
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    return model


def begin(name):
    """What a training begins with, in float32."""
    kind, _, model = name.partition("-")
    folder = os.path.join(data, "adapters", name)
    os.makedirs(folder, exist_ok=True)
    if kind == "full":
        return load(model)
    if kind == "lora":
        return initial(model, os.path.join(folder, "initial"))
    if kind == "biases":
        return initial(model, os.path.join(folder, "initial"), bias="all")
    if kind == "bottleneck":
        made = put_beside(load("llama"))
        tensors = {f"{n.rpartition('.')[0]}.bottleneck.{n[-1]}": p for n, p in made.named_parameters() if p.requires_grad}
        save_file(tensors, os.path.join(folder, "initial.safetensors"))
        return made
    if kind == "psoft":
        return peft.get_peft_model(load("llama"), peft.PsoftConfig(r=6, psoft_alpha=12, target_modules="all-linear", task_type="CAUSAL_LM"))
    if kind == "softcapping":
        return load("gemma3", attn_logit_softcapping=2.0, final_logit_softcapping=3.0)
    return peft.PeftModel.from_pretrained(load("llama"), os.path.join(data, "adapters", "lora", "initial"), is_trainable=True)


def twin(name, model):
    """The same in float64."""
    attention = "shifted" if name == "shifted-attention" else "eager"
    made = AutoModelForCausalLM.from_config(model.config, dtype=torch.float64, attn_implementation=attention)
    if isinstance(model, peft.PeftModel):
        made = peft.get_peft_model(made, model.peft_config["default"])
    elif name == "bottleneck-parallel":
        made = put_beside(made)
    made.load_state_dict(model.state_dict())
    for module in made.modules():  # singular vectors are no part of the state
        if isinstance(module, peft.tuners.psoft.layer.PsoftLayer):
            module._build_psoft_ab_cache_buffers("default", "psoft_init")
    assert all(tensor.dtype == torch.float64 for tensor in [*made.parameters(), *made.buffers()] if tensor.is_floating_point())
    return made


def losses(model):
    for module in model.train().modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=5e-3, weight_decay=0.01)
    for begin in range(0, 80, 4):
        batch = rows[begin : begin + 4]
        ids, labels = (torch.tensor([row[key] for row in batch]) for key in ("input_ids", "labels"))
        logits = model(input_ids=ids, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        yield loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


torch.set_num_threads(1)
made = {name: begin(name) for name in names}
# Norms and rotary embeddings ask for 32 bits, whatever the model has: here they get 64.
torch.set_default_dtype(torch.float64)
torch.float = torch.float32 = torch.float64
torch.Tensor.float = torch.Tensor.double
for name, model in made.items():
    trained = twin(name, model)
    found = list(losses(trained))
    with open(os.path.join(data, "adapters", name, "losses.json"), "w", encoding="utf-8") as file:
        json.dump({"float64": found}, file, indent=1)
        file.write("\n")
    if name == "softcapping":
        logits = trained.eval()(input_ids=torch.tensor(held)[:1]).logits.detach()
        torch.float32 = FLOAT32
        folder = os.path.join(data, "adapters", name)
        save_file({"logits": logits.to(FLOAT32).contiguous()}, os.path.join(folder, "logits.safetensors"))
        torch.float32 = torch.float64
