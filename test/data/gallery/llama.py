"""The tiny model of test/data/models/llama in float64, its batches, and training. Variants replace what hooks do."""

import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

DATA = Path(__file__).resolve().parent.parent
HIDDEN, HEADS, KV, SIZE, LAYERS, EPS, VOCAB = 64, 4, 2, 16, 3, 1e-5, 320


def weights(name):
    found = {key: value.double() for key, value in load_file(DATA / "models" / name / "model.safetensors").items()}
    found.setdefault("lm_head.weight", found["model.embed_tokens.weight"])
    return found


START = weights("llama")


class Llama:
    """Hooks: linear(path, x, W), module(path, x, f), attend(core, path, q, k, v, seen), embed(ids, E), trunk(f, ids). While it is trained: `t`
    (from 1) and `steps`."""

    def __init__(self, tensors=None):
        self.W = dict(START if tensors is None else tensors)
        self.linear = lambda path, x, W: x @ W.T
        self.module = lambda path, x, f: f(x)
        self.attend = lambda core, path, q, k, v, seen: core(q, k, v, seen)
        self.embed = lambda ids, E: E[ids]
        self.trunk = lambda f, ids: f(ids)

    def project(self, path, x):
        return self.linear(path, x, self.W[path + ".weight"])

    def norm(self, path, x):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS) * self.W[path + ".weight"]

    @staticmethod
    def turn(x):
        """Rotary embedding of [rows, tokens, heads, size]."""
        angle = torch.arange(x.shape[1])[:, None] * 10000.0 ** (-torch.arange(0, SIZE, 2) / SIZE)[None]
        c, s = torch.cos(angle)[:, None], torch.sin(angle)[:, None]
        a, b = x[..., : SIZE // 2], x[..., SIZE // 2 :]
        return torch.cat([a * c - b * s, b * c + a * s], -1)

    @staticmethod
    def core(q, k, v, seen):
        scores = torch.einsum("btkgd,bukd->bkgtu", q, k) / math.sqrt(SIZE)
        return torch.einsum("bkgtu,bukd->btkgd", torch.softmax(scores.masked_fill(~seen, -math.inf), -1), v)

    def attention(self, path, x):
        rows, tokens, _ = x.shape
        q = self.turn(self.project(path + ".q_proj", x).view(rows, tokens, HEADS, SIZE)).view(rows, tokens, KV, HEADS // KV, SIZE)
        k = self.turn(self.project(path + ".k_proj", x).view(rows, tokens, KV, SIZE))
        v = self.project(path + ".v_proj", x).view(rows, tokens, KV, SIZE)
        seen = torch.tril(torch.ones(tokens, tokens, dtype=torch.bool))
        return self.project(path + ".o_proj", self.attend(self.core, path, q, k, v, seen).reshape(rows, tokens, HIDDEN))

    def mlp(self, path, x):
        gate = torch.nn.functional.silu(self.project(path + ".gate_proj", x))
        return self.project(path + ".down_proj", gate * self.project(path + ".up_proj", x))

    def layer(self, path, x):
        attention, mlp = path + ".self_attn", path + ".mlp"
        y = x + self.module(attention, self.norm(path + ".input_layernorm", x), lambda z: self.attention(attention, z))
        return y + self.module(mlp, self.norm(path + ".post_attention_layernorm", y), lambda z: self.mlp(mlp, z))

    def hidden(self, ids):
        def run(ids):
            h = self.embed(ids, self.W["model.embed_tokens.weight"])
            for number in range(LAYERS):
                path = f"model.layers.{number}"
                h = self.module(path, h, lambda z: self.layer(path, z))
            return self.norm("model.norm", h)

        return self.trunk(run, ids)

    def logits(self, ids):
        return self.project("lm_head", self.hidden(ids))


TOKENS = [json.loads(line) for line in open(DATA / "adapters" / "batches.jsonl")]


def pick(values, at):
    return values.gather(-1, at[..., None])[..., 0]


def batch(rows):
    """ids, targets and weights of rows of tokens."""
    ids, labels = (torch.tensor([row[key] for row in rows]) for key in ("input_ids", "labels"))
    targets = torch.cat([labels[:, 1:], torch.full_like(labels[:, :1], -100)], 1)
    return ids, targets.clamp(min=0), (targets >= 0).double()


def sft(model, step):
    ids, targets, w = batch(TOKENS[4 * step : 4 * step + 4])
    return -(w * pick(torch.log_softmax(model.logits(ids), -1), targets)).sum() / w.sum()


def gradients_over(names, count=8):
    """Gradients by weights of the loss over the first rows, which `calibrate` finds."""
    model = Llama()
    for name in names:
        model.W[name] = START[name].clone().requires_grad_(True)
    ids, targets, w = batch(TOKENS[:count])
    loss = -(w * pick(torch.log_softmax(model.logits(ids), -1), targets)).sum() / w.sum()
    return dict(zip(names, torch.autograd.grad(loss, [model.W[name] for name in names])))


def train(model, parameters, steps, loss=sft, after=None):
    """The losses of AdamW with rate 5e-3; `after(step)` changes tensors when a step is done."""
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(parameters, lr=5e-3, weight_decay=0)
    losses = []
    model.steps = steps
    for step in range(steps):
        model.t = step + 1
        optimizer.zero_grad()
        value = loss(model, step)
        value.backward()
        optimizer.step()
        if after:
            with torch.no_grad():
                after(step + 1)
        losses.append(value.item())
    return losses
