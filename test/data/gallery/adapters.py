"""Adapters of the gallery. `first` are ftc's first values by name; each method puts hooks into the model and may say what follows a step."""

import math
from types import SimpleNamespace

import torch

from llama import SIZE, START, Llama, gradients_over, sft, train

PROJECTIONS = [name[: -len(".weight")] for name in START if name.endswith(("q_proj.weight", "v_proj.weight"))]


def losses(name, first, steps):
    model = Llama()
    P = Tensors(name, {key: value.clone() for key, value in first.items()})
    result = globals()[name](model, P) or SimpleNamespace()
    frozen = getattr(result, "frozen", ())
    trained = [value for key, value in P.all.items() if value.is_floating_point() and key.rsplit(".", 1)[1] not in frozen]
    return train(model, trained, steps, getattr(result, "loss", sft), getattr(result, "after", None))


class Tensors:
    def __init__(self, name, tensors):
        self.name, self.all = name, tensors

    def at(self, path):
        """Those of a site by their own names; empty where there are none."""
        prefix = f"{path}.{self.name}."
        return {key[len(prefix) :]: value for key, value in self.all.items() if key.startswith(prefix)}

    def shared(self, tensor, site=None):
        """One that several sites share, which is saved at the first of them."""
        (found,) = (value for key, value in self.all.items() if key.endswith(f".{self.name}.{tensor}") and (site is None or f".{site}." in key))
        return found


def on_projections(model, P, f):
    """`f(t, x, W, path)` at the projections of queries and values, `t` the site's own tensors."""
    model.linear = lambda path, x, W: f(P.at(path), x, W, path) if path in PROJECTIONS else x @ W.T


def layer_of(path):
    return int(path.split(".")[2])


def kind_of(path):
    return path.rsplit(".")[-1]


def svd(W):
    """Thin; of each left vector the largest entry is positive."""
    U, S, V = torch.linalg.svd(W, full_matrices=False)
    sign = U[U.abs().argmax(0), torch.arange(len(S))].sign()
    return U * sign, S, V * sign[:, None]


def svdiff(model, P):
    def f(t, x, W, path):
        U, S, V = torch.linalg.svd(W, full_matrices=False)
        return (x @ V.T) * torch.relu(S + t["d"]) @ U.T

    on_projections(model, P, f)


def fact(model, P):
    def f(t, x, W, path):
        U, V = P.shared("U", kind_of(path)), P.shared("V", kind_of(path))
        return x @ (W + 2 * V @ t["C"] @ U).T

    on_projections(model, P, f)


def lorta(model, P):
    def f(t, x, W, path):
        A, B, M = (P.shared(tensor, kind_of(path)) for tensor in "ABM")
        return x @ (W + 2 * torch.einsum("or,r,r,ri->oi", B, M, P.shared("L")[layer_of(path)], A)).T

    on_projections(model, P, f)


def curlora(model, P):
    def f(t, x, W, path):
        columns, rows = torch.topk(-W.norm(dim=0), 4).indices, torch.topk(-W.norm(dim=1), 4).indices
        return x @ (W + W[:, columns] @ t["U"] @ W[rows]).T

    on_projections(model, P, f)


def lora_dash(model, P):
    chosen = {}

    def f(t, x, W, path):
        U, _, V = svd(W)
        c = chosen.get(path, torch.zeros(2, dtype=torch.long))
        return x @ (W + 2 * t["B"] @ t["A"] + (U[:, c] * t["d"]) @ V[c]).T

    def after(step):
        for path in PROJECTIONS if step == 2 else []:
            U, S, V = svd(START[path + ".weight"])
            change = torch.diagonal(U.T @ P.at(path)["B"] @ P.at(path)["A"] @ V.T).abs() / S
            chosen[path] = torch.topk(change, 2).indices

    on_projections(model, P, f)
    return SimpleNamespace(after=after)


def hyperformer(model, P):
    def module(path, x, f):
        y = f(x)
        if kind_of(path) not in ("self_attn", "mlp"):
            return y
        z = P.shared("E")[layer_of(path)]
        down, up = P.shared("HD", kind_of(path)) @ z, P.shared("HU", kind_of(path)) @ z
        return y + torch.nn.functional.gelu(y @ down.T) @ up.T

    model.module = module


def prolora(model, P):
    def repeated(M, parts=2, stride=1):
        return torch.cat([torch.roll(M, -stride * part, 0) for part in range(parts)], 1)

    def f(t, x, W, path):
        return x @ (W + t["B"] @ t["A"] + repeated(t["B0"].T).T @ repeated(t["A0"])).T

    on_projections(model, P, f)


def dept(model, P):
    t = P.at("model.embed_tokens")
    length, most = len(t["P"]), len(t["A"])

    def embed(ids, E):
        e = E[ids] + torch.nn.functional.pad(t["A"] @ t["B"], (0, 0, 0, ids.shape[1] - most))
        return torch.cat([t["P"].expand(len(ids), -1, -1), e], 1)

    model.embed = embed
    model.trunk = lambda run, ids: run(ids)[:, length:]


def adamole(model, P):
    def f(t, x, W, path):
        bound = 0.25 * torch.sigmoid(x @ t["T"] + t["c"])
        g = torch.relu(torch.softmax(x @ t["R"].T, -1) - bound[..., None])
        g = g / (g.sum(-1, keepdim=True) + 1e-9)
        return x @ W.T + torch.einsum("bte,eor,eri,bti->bto", g, t["B"], t["A"], x)

    on_projections(model, P, f)


def qalora(model, P):
    def f(t, x, W, path):
        return x @ W.T + 2 * (x.unflatten(-1, (-1, 8)).mean(-1) @ t["A"].T) @ t["B"].T

    on_projections(model, P, f)


def peqa(model, P):
    def f(t, x, W, path):
        w = W.unflatten(1, (-1, 8))
        low = w.amin(-1, keepdim=True)
        scale = (w.amax(-1, keepdim=True) - low) / 15
        return x @ (t["s"][..., None] * (torch.round((w - low) / scale) + torch.round(low / scale))).flatten(1).T

    on_projections(model, P, f)
    return SimpleNamespace(frozen=("c",))


def gated_attention(model, P):
    gates = {}

    def module(path, x, f):
        if kind_of(path) == "self_attn":
            gates[path + ".o_proj"] = 2 * torch.sigmoid(x @ P.at(path)["G"].T)
        return f(x)

    model.module = module
    model.linear = lambda path, x, W: (gates[path] * x if path in gates else x) @ W.T


def laurel(model, P):
    def module(path, x, f):
        t = P.at(path)
        return t["a"] * (f(x) - x) + t["b"] * x + (x @ t["A"].T) @ t["B"].T if t else f(x)

    model.module = module


def stella(model, P):
    def after(step):
        for key, value in P.all.items():
            if key.endswith((".U", ".V")):
                left, _, right = torch.linalg.svd(value, full_matrices=False)
                value.copy_(left @ right)

    on_projections(model, P, lambda t, x, W, path: x @ (W + t["U"] @ t["S"] @ t["V"]).T)
    return SimpleNamespace(after=after)


def surm(model, P):
    def f(t, x, W, path):
        rows, columns = W.shape
        return x @ (W + 2 * t["c"][torch.arange(rows)[:, None] - torch.arange(columns) + columns - 1]).T

    on_projections(model, P, f)


def more(model, P):
    def f(t, x, W, path):
        inner = torch.einsum("kri,btki->btrk", t["L"], x.unflatten(-1, (4, -1)))
        return x @ W.T + torch.einsum("rok,btrk->btro", t["R"], inner).flatten(-2)

    on_projections(model, P, f)


def l2sp(model, P):
    names = [path + ".weight" for path in PROJECTIONS]
    for name in names:
        P.all[name] = START[name].clone()
    model.W.update({name: P.all[name] for name in names})

    def loss(model, step):
        return sft(model, step) + 0.25 * sum(((model.W[name] - START[name]) ** 2).sum() for name in names)

    return SimpleNamespace(loss=loss, frozen=("W0",))


def rosa(model, P):
    G = gradients_over([path + ".weight" for path in PROJECTIONS])

    def f(t, x, W, path):
        places = G[path + ".weight"].abs().flatten().topk(16).indices
        S = torch.zeros(W.numel()).index_add(0, places, t["s"]).view(W.shape)
        return x @ (W + S + t["B"] @ t["A"]).T

    on_projections(model, P, f)


def dctft(model, P):
    def wave(k, size):
        return torch.sqrt(torch.where(k == 0, 1.0, 2.0) / size) * torch.cos(math.pi * (torch.arange(size)[:, None] + 0.5) * k / size)

    def f(t, x, W, path):
        return x @ (W + 2 * (wave(t["i"], W.shape[0]) * t["c"]) @ wave(t["j"], W.shape[1]).T).T

    on_projections(model, P, f)


def propulsion(model, P):
    on_projections(model, P, lambda t, x, W, path: x @ W.T * t["z"] ** 15)


def ssmax(model, P):
    def attend(core, path, q, k, v, seen):
        t = P.at(path + ".attention")
        n = torch.arange(1, q.shape[1] + 1).double()
        scale = t["s"][..., None] * n.log() + t["b"][..., None]
        scores = torch.einsum("btkgd,bukd->bkgtu", q, k) / math.sqrt(SIZE) * scale[..., None]
        return torch.einsum("bkgtu,bukd->btkgd", torch.softmax(scores.masked_fill(~seen, -math.inf), -1), v)

    model.attend = attend


def gora(model, P):
    G = gradients_over([path + ".weight" for path in PROJECTIONS])
    importance = {path: (START[path + ".weight"] * G[path + ".weight"]).abs().mean() for path in PROJECTIONS}
    mean = sum(importance.values()) / len(importance)

    def f(t, x, W, path):
        own = int((4 * importance[path] / mean).round().clamp(1, 8))
        return x @ (W + 16 / math.sqrt(own) * t["B"][:, :own] @ t["A"][:own]).T

    on_projections(model, P, f)


def value_residual(model, P):
    t, first = P.at("model"), {}

    def linear(path, x, W):
        y = x @ W.T
        if kind_of(path) != "v_proj":
            return y
        if layer_of(path) == 0:
            first["v"] = y
        return t["a"][layer_of(path)] * y + t["b"][layer_of(path)] * first["v"]

    model.linear = linear
