"""Optimizers of the gallery on some of the model's tensors, trained in place: each makes new tensors of `ps` and their gradients `gs`, with what it
keeps in `S` (`S.t` counts steps from 1, `S.steps` are all, `S.loss` is the loss)."""

import math
from types import SimpleNamespace

import torch

from llama import START, Llama, sft


def losses(name, steps):
    kinds = ("q_proj.weight",) if name == "soap" else ("q_proj.weight", "down_proj.weight", "input_layernorm.weight")
    model = Llama()
    S = SimpleNamespace(t=0, steps=steps, names=[key for key in START if key.endswith(kinds)])
    ps, found = [START[key].clone() for key in S.names], []
    for step in range(steps):
        leaves = [p.detach().clone().requires_grad_(True) for p in ps]
        model.W.update(zip(S.names, leaves))
        loss = sft(model, step)
        S.t, S.loss = step + 1, loss.item()
        ps = globals()[name](S, ps, list(torch.autograd.grad(loss, leaves)))
        found.append(S.loss)
    return found


def kept(S, name, ps):
    """A state for each tensor, from 0."""
    if not hasattr(S, name):
        setattr(S, name, [torch.zeros_like(p) for p in ps])
    return getattr(S, name)


def adam(S, name, p, g, lr=1e-2, weight_decay=0.0, t=None):
    """A step of Adam (AdamW) on one tensor."""
    t = t or S.t
    m, v = S.__dict__.setdefault(name, (torch.zeros_like(p), torch.zeros_like(p)))
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    setattr(S, name, (m, v))
    return p - lr * (m / (1 - 0.9**t) / ((v / (1 - 0.999**t)).sqrt() + 1e-8) + weight_decay * p)


def adabelief(S, ps, gs):
    m, s, made = kept(S, "m", ps), kept(S, "s", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        m[i] = 0.9 * m[i] + 0.1 * g
        s[i] = 0.999 * s[i] + 0.001 * (g - m[i]) ** 2 + 1e-16
        made.append(p - 1e-2 * (m[i] / (1 - 0.9**S.t)) / ((s[i] / (1 - 0.999**S.t)).sqrt() + 1e-16))
    return made


def adamp(S, ps, gs):
    m, v, made = kept(S, "m", ps), kept(S, "v", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        m[i], v[i] = 0.9 * m[i] + 0.1 * g, 0.999 * v[i] + 0.001 * g * g
        u = m[i] / (1 - 0.9**S.t) / ((v[i] / (1 - 0.999**S.t)).sqrt() + 1e-8)
        if abs((p * g).sum()) / (p.norm() * g.norm() + 1e-8) < 2 / math.sqrt(p.numel()):
            w = p / (p.norm() + 1e-8)
            u = u - w * (w * u).sum()
        made.append(p - 1e-2 * u)
    return made


def adamuon(S, ps, gs):
    M, V, made = kept(S, "M", ps), kept(S, "V", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        if p.dim() == 1:
            made.append(adam(S, f"rest{i}", p, g, weight_decay=0.01))
            continue
        M[i] = 0.95 * M[i] + g
        left, _, right = torch.linalg.svd(M[i].sign(), full_matrices=False)
        o = left @ right
        V[i] = 0.95 * V[i] + 0.05 * o * o
        u = o / (V[i].sqrt() + 1e-8)
        made.append(p - 1e-2 * 0.2 * math.sqrt(p.numel()) / u.norm() * u)
    return made


def moments(S, ps, gs, beta1=0.9, beta2=0.999):
    """Adam's moments, each divided by what its weights add up to."""
    m, v, made = kept(S, "m", ps), kept(S, "v", ps), []
    for i, g in enumerate(gs):
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * g * g
        made.append((m[i] / (1 - beta1**S.t), v[i] / (1 - beta2**S.t)))
    return made


def adam_atan2(S, ps, gs):
    return [p - 1e-2 * 4 / math.pi * torch.atan2(m, v.sqrt()) for p, (m, v) in zip(ps, moments(S, ps, gs))]


def adamax(S, ps, gs):
    m, u, made = kept(S, "m", ps), kept(S, "u", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        m[i] = 0.9 * m[i] + 0.1 * g
        u[i] = torch.maximum(0.999 * u[i], g.abs() + 1e-8)
        made.append(p - 1e-2 / (1 - 0.9**S.t) * m[i] / u[i])
    return made


def madgrad(S, ps, gs):
    s, nu, made = kept(S, "s", ps), kept(S, "nu", ps), []
    if S.t == 1:
        S.x0 = [p.detach().clone() for p in ps]
    l = 1e-2 * S.t**0.5
    for i, (p, g) in enumerate(zip(ps, gs)):
        s[i] = s[i] + l * g
        nu[i] = nu[i] + l * g * g
        made.append(0.9 * p + 0.1 * (S.x0[i] - s[i] / (nu[i] ** (1 / 3) + 1e-6)))
    return made


def nadam(S, ps, gs):
    mu = lambda t: 0.9 * (1 - 0.5 * 0.96 ** (t * 4e-3))
    S.made = (S.made if S.t > 1 else 1) * mu(S.t)
    m, v, made = kept(S, "m", ps), kept(S, "v", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        ahead = (1 - mu(S.t)) / (1 - S.made) * g + mu(S.t + 1) / (1 - S.made * mu(S.t + 1)) * m[i]
        made.append(p - 1e-2 * ahead / ((v[i] / (1 - 0.999**S.t)).sqrt() + 1e-8))
    return made


def qhadam(S, ps, gs):
    return [p - 1e-2 * (0.3 * g + 0.7 * m) / (v.sqrt() + 1e-8) for p, g, (m, v) in zip(ps, gs, moments(S, ps, gs, beta1=0.995))]


def signum(S, ps, gs):
    m = kept(S, "m", ps)
    m[:] = [0.9 * m + 0.1 * g for m, g in zip(m, gs)]
    return [p - 1e-2 * m.sign() for p, m in zip(ps, m)]


def stable_adamw(S, ps, gs):
    b1, b2 = ((b**S.t - b) / (b**S.t - 1) for b in (0.9, 0.99))
    m, v, made = kept(S, "m", ps), kept(S, "v", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        m[i] = b1 * m[i] + (1 - b1) * g
        v[i] = b2 * v[i] + (1 - b2) * g * g
        rms = (g * g / v[i].clamp(min=1e-12)).mean().sqrt()
        made.append(p - 1e-2 / rms.clamp(min=1) * m[i] / (v[i].sqrt() + 1e-6))
    return made


def yogi(S, ps, gs):
    m, v, made = kept(S, "m", ps), kept(S, "v", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = v[i] - 0.001 * (v[i] - g * g).sign() * g * g
        made.append(p - 1e-2 * (m[i] / (1 - 0.9**S.t)) / ((v[i] / (1 - 0.999**S.t)).sqrt() + 1e-3))
    return made


def adopt(S, ps, gs):
    m, v, made = kept(S, "m", ps), kept(S, "v", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        if S.t == 1:
            v[i] = g * g
            made.append(p)
            continue
        most = S.t**0.25
        m[i] = 0.9 * m[i] + 0.1 * (g / v[i].sqrt().clamp(min=1e-6)).clamp(-most, most)
        v[i] = 0.9999 * v[i] + 0.0001 * g * g
        made.append(p - 1e-2 * m[i])
    return made


def badam(S, ps, gs):
    m, v, made = kept(S, "m", ps), kept(S, "v", ps), []
    since, active = (S.t - 1) % 2 + 1, (S.t - 1) // 2 % 3
    for i, (p, g) in enumerate(zip(ps, gs)):
        if since == 1:
            m[i], v[i] = 0 * m[i], 0 * v[i]
        if int(S.names[i].split(".")[2]) != active:
            made.append(p)
            continue
        m[i], v[i] = 0.9 * m[i] + 0.1 * g, 0.999 * v[i] + 0.001 * g * g
        made.append(p - 1e-2 * (m[i] / (1 - 0.9**since)) / ((v[i] / (1 - 0.999**since)).sqrt() + 1e-8))
    return made


def dog(S, ps, gs):
    if S.t == 1:
        S.first, S.distance, S.squares = ps, 0.01, 0.0
    S.distance = max(S.distance, math.sqrt(sum(((p - q) ** 2).sum() for p, q in zip(ps, S.first))))
    S.squares += sum((g * g).sum() for g in gs)
    return [p - S.distance / math.sqrt(S.squares + 1e-8) * g for p, g in zip(ps, gs)]


def grokfast(S, ps, gs):
    h = kept(S, "h", ps)
    for i, g in enumerate(gs):
        h[i] = 0.98 * h[i] + 0.02 * g
    return [p - 1e-2 * (g + 2 * slow) for p, g, slow in zip(ps, gs, h)]


def lars(S, ps, gs):
    m, made = kept(S, "m", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        m[i] = 0.9 * m[i] + 0.05 * p.norm() / (g.norm() + 1e-4 * p.norm()) * (g + 1e-4 * p)
        made.append(p - m[i])
    return made


def ldadam(S, ps, gs):
    made = []
    for i, (p, g) in enumerate(zip(ps, gs)):
        if p.dim() == 1:
            made.append(adam(S, f"rest{i}", p, g))
            continue
        U, M, V, E = S.__dict__.get(f"of{i}") or (torch.eye(p.shape[0], 4), torch.zeros(4, p.shape[1]), torch.zeros(4, p.shape[1]), 0 * p)
        a = g + E
        Q, R = torch.linalg.qr(0.908 * U + (1 - 0.908) * (a @ (a.T @ U)))
        Q = Q * torch.diagonal(R).sign()
        low, turn = Q.T @ a, Q.T @ U
        V = 0.999 * ((turn**2) @ (V - M**2) + (turn @ M) ** 2).abs() + 0.001 * low**2
        M = 0.9 * turn @ M + 0.1 * low
        setattr(S, f"of{i}", (Q, M, V, a - Q @ low))
        made.append(p - 1e-2 * Q @ (M / (1 - 0.9**S.t) / ((V / (1 - 0.999**S.t)).sqrt() + 1e-8)))
    return made


def polyak(S, ps, gs):
    rate = min(S.loss / (2 * sum((g * g).sum() for g in gs).item() + 1e-12), 0.05)
    return [p - rate * g for p, g in zip(ps, gs)]


def scion(S, ps, gs):
    M, made = kept(S, "m", ps), []
    for i, (p, g) in enumerate(zip(ps, gs)):
        M[i] = 0.9 * M[i] + 0.1 * g
        if p.dim() == 1:
            made.append(p - 1e-2 * M[i].sign())
            continue
        left, _, right = torch.linalg.svd(M[i], full_matrices=False)
        made.append(p - 1e-2 * math.sqrt(p.shape[0] / p.shape[1]) * left @ right)
    return made


def soap(S, ps, gs):
    """With an `eps` of 1e-2: what has no curvature is noise over noise otherwise."""
    made = []
    for i, (p, g) in enumerate(zip(ps, gs)):
        rows, columns = p.shape
        L, R, QL, QR, M, V = S.__dict__.get(f"of{i}") or (
            torch.zeros(rows, rows), torch.zeros(columns, columns), torch.eye(rows), torch.eye(columns), 0 * p, 0 * p)
        L, R, M = 0.95 * L + 0.05 * g @ g.T, 0.95 * R + 0.05 * g.T @ g, 0.95 * M + 0.05 * g
        V = 0.95 * V + 0.05 * (QL.T @ g @ QR) ** 2
        u = (QL.T @ M @ QR) / (1 - 0.95**S.t) / ((V / (1 - 0.95**S.t)).sqrt() + 1e-2)
        made.append(p - 1e-2 * (QL @ u @ QR.T + 0.01 * p))
        if S.t % 2 == 0:
            QL, upper = torch.linalg.qr(L @ QL)
            QL = QL * torch.diagonal(upper).sign()
            QR, upper = torch.linalg.qr(R @ QR)
            QR = QR * torch.diagonal(upper).sign()
        setattr(S, f"of{i}", (L, R, QL, QR, M, V))
    return made


def spam(S, ps, gs):
    m, v, made, since = kept(S, "m", ps), kept(S, "v", ps), [], (S.t - 1) % 3 + 1
    for i, (p, g) in enumerate(zip(ps, gs)):
        u = torch.where((v[i] > 0) & (g * g > 2 * v[i]), g.sign() * (2 * v[i]).sqrt(), g)
        if since == 1:
            m[i], v[i] = 0 * m[i], 0 * v[i]
        m[i], v[i] = 0.9 * m[i] + 0.1 * u, 0.999 * v[i] + 0.001 * u * u
        made.append(p - 1e-2 * (m[i] / (1 - 0.9**since)) / ((v[i] / (1 - 0.999**since)).sqrt() + 1e-8))
    return made


def plateau(S, ps, gs):
    """PyTorch's own schedule around Adam, told the loss when a step is done."""
    if S.t == 1:
        S.leaves = [p.clone().requires_grad_(True) for p in ps]
        S.optimizer = torch.optim.Adam(S.leaves, lr=1e-2)
        S.schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(S.optimizer, factor=0.25, patience=1, threshold=1e-4)
    for leaf, g in zip(S.leaves, gs):
        leaf.grad = g
    S.optimizer.step()
    S.schedule.step(S.loss)
    return [leaf.detach() for leaf in S.leaves]
