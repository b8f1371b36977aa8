"""Objectives of the gallery, which train LoRA of rank 4 at the projections of queries and values."""

import json
import math

import torch

from llama import DATA, TOKENS, VOCAB, Llama, batch, pick, train, weights

log_sigmoid = torch.nn.functional.logsigmoid
BASE, TEACHER = Llama(), Llama(weights("llama-tied"))
WIDTH = 32  # places of a row


def losses(name, first, steps):
    model = Llama()
    own = {key: value.clone() for key, value in first.items()}

    def linear(path, x, W):
        A, B = own.get(path + ".lora.A"), own.get(path + ".lora.B")
        return x @ W.T if A is None else x @ W.T + (x @ A.T) @ B.T

    model.linear = linear
    loss = globals()[name]()
    return train(model, list(own.values()) + getattr(loss, "tensors", []), steps, loss)


def rows(kind, step, mixes=False):
    """Of seven rows a batch has four; the rest of an epoch is a batch too, but where batches stay whole."""
    inputs = DATA.parent / "Execution" / "Objectives" / "Inputs"
    file = (DATA / "gallery" if kind == "classification" else inputs) / f"{kind}.jsonl"
    every = [json.loads(line) for line in open(file)]
    at = 0 if mixes or step % 2 == 0 else 4
    return every[at : at + 4]


def text(prompts, answers):
    """ids, targets, weights of answers, and which places hold a token."""
    ids, targets = torch.zeros(len(answers), WIDTH, dtype=torch.long), torch.zeros(len(answers), WIDTH, dtype=torch.long)
    w, there = torch.zeros(len(answers), WIDTH), torch.zeros(len(answers), WIDTH)
    for i, (prompt, answer) in enumerate(zip(prompts, answers)):
        both = (prompt + answer)[:WIDTH]
        ids[i, : len(both)] = torch.tensor(both)
        targets[i, : len(both) - 1] = torch.tensor(both[1:])
        there[i, : len(both)] = 1
        w[i, max(len(prompt) - 1, 0) : len(both) - 1] = 1
    return ids, targets, w, there


def logp(model, y):
    return y[2] * pick(torch.log_softmax(model.logits(y[0]), -1), y[1])


def gain(model, y):
    with torch.no_grad():
        before = logp(BASE, y)
    return (logp(model, y) - before).sum(1)


def preference(step, mixes=False):
    some = rows("preference", step, mixes)
    prompts = [row["prompt"] for row in some]
    return text(prompts, [row["chosen"] for row in some]), text(prompts, [row["rejected"] for row in some])


def on_tokens(each):
    """The weighted mean of `each(targets, w, logits, teacher's logits, model)`."""

    def loss(model, step):
        ids, targets, w = batch(TOKENS[4 * step : 4 * step + 4])
        with torch.no_grad():
            teacher = TEACHER.logits(ids)
        return (w * each(targets, w, model.logits(ids), teacher, model)).sum() / w.sum()

    return loss


def gem():
    return on_tokens(lambda t, w, z, teacher, model: (torch.softmax(z / 0.7, -1).detach() * z).sum(-1) - pick(z, t))


def gce():
    return on_tokens(lambda t, w, z, teacher, model: (1 - pick(torch.softmax(z, -1), t) ** 0.7) / 0.7)


def mile():
    def each(t, w, z, teacher, model):
        l = torch.log_softmax(z, -1)
        return -(1 - (l.exp() * l).sum(-1)).detach() * pick(l, t)

    return on_tokens(each)


def skew_kl():
    def each(t, w, z, teacher, model):
        p, q = torch.softmax(teacher, -1), torch.softmax(z, -1)
        return (p * (p / (0.1 * p + 0.9 * q)).log()).sum(-1)

    return on_tokens(each)


def uld():
    def each(t, w, z, teacher, model):
        apart = (torch.softmax(z, -1).sort(-1).values - torch.softmax(teacher, -1).sort(-1).values).abs().sum(-1)
        return 1.5 * apart - pick(torch.log_softmax(z, -1), t)

    return on_tokens(each)


def taid():
    def each(t, w, z, teacher, model):
        share = 0.4 + 0.6 * model.t / model.steps
        middle = torch.log_softmax((1 - share) * z.detach() + share * teacher, -1)
        return (middle.exp() * (middle - torch.log_softmax(z, -1))).sum(-1)

    return on_tokens(each)


def dkd():
    def each(t, w, z, teacher, model):
        p, q = pick(torch.softmax(teacher, -1), t), pick(torch.softmax(z, -1), t)
        target = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
        label = torch.nn.functional.one_hot(t, VOCAB).bool()
        a, b = (torch.log_softmax(x.masked_fill(label, -1e9), -1) for x in (teacher, z))
        rest = (a.exp() * (a - b)).masked_fill(label, 0).sum(-1)
        return target + 8 * rest - pick(torch.log_softmax(z, -1), t)

    return on_tokens(each)


def rho1():
    def loss(model, step):
        ids, targets, w = batch(TOKENS[4 * step : 4 * step + 4])
        l = pick(torch.log_softmax(model.logits(ids), -1), targets)
        with torch.no_grad():
            excess = torch.where(w > 0, pick(torch.log_softmax(TEACHER.logits(ids), -1), targets) - l, -math.inf).flatten()
        chosen = torch.zeros_like(excess)
        chosen[excess.topk(math.ceil(0.6 * w.sum().item())).indices] = 1
        return -(chosen.view(w.shape) * l).sum() / chosen.sum()

    return loss


def simctg():
    def loss(model, step):
        ids, targets, w = batch(TOKENS[4 * step : 4 * step + 4])
        h = model.hidden(ids)
        e = h / h.norm(dim=-1, keepdim=True)
        pairs = w[:, :, None] * w[:, None] * (1 - torch.eye(WIDTH))
        near = (torch.relu(0.5 - 1 + e @ e.transpose(1, 2)) * pairs).sum((1, 2)) / pairs.sum((1, 2))
        return -(w * pick(torch.log_softmax(model.logits(ids), -1), targets)).sum() / w.sum() + near.mean()

    return loss


def apo_zero():
    def loss(model, step):
        chosen, rejected = preference(step)
        return (1 - torch.sigmoid(0.1 * gain(model, chosen)) + torch.sigmoid(0.1 * gain(model, rejected))).mean()

    return loss


def simper():
    def loss(model, step):
        chosen, rejected = ((logp(model, y).sum(1) / y[2].sum(1)).exp() for y in preference(step))
        return (rejected - chosen).mean()

    return loss


def chi_po():
    def loss(model, step):
        chosen, rejected = (gain(model, y).clamp(-88, 20).exp() + gain(model, y) for y in preference(step))
        return -log_sigmoid((0.1 * (chosen - rejected)).clamp(-2, 2)).mean()

    return loss


def ld_dpo():
    def loss(model, step):
        texts = preference(step)
        shared = torch.minimum(texts[0][2].sum(1), texts[1][2].sum(1))
        gains = []
        for y in texts:
            with torch.no_grad():
                before = logp(BASE, y)
            weight = torch.where(y[2].cumsum(1) <= shared[:, None], 1.0, 0.5)
            gains.append((weight * (logp(model, y) - before)).sum(1))
        return -log_sigmoid(0.1 * (gains[0] - gains[1])).mean()

    return loss


def beta_dpo():
    kept = {"middle": 0.0}

    def loss(model, step):
        chosen, rejected = preference(step, mixes=True)
        gap = gain(model, chosen) - gain(model, rejected)
        mean = gap.mean().item()
        beta = 0.1 * (1 + 0.6 * (mean - kept["middle"]))
        kept["middle"] = 0.9 * kept["middle"] + 0.1 * mean
        return -log_sigmoid(beta * gap).mean()

    return loss


def bco():
    kept = {"delta": 0.0}

    def loss(model, step):
        some = rows("feedback", step, mixes=True)
        r = 0.1 * gain(model, text([row["prompt"] for row in some], [row["completion"] for row in some]))
        sign = torch.tensor([1.0 if row["desirable"] else -1.0 for row in some])
        delta = kept["delta"]
        kept["delta"] = 0.9 * delta + 0.1 * r.mean().item()
        return -log_sigmoid(sign * (r - delta)).mean()

    return loss


def pooled(model, key, step):
    some = rows("pairs", step, mixes=True)
    ids, _, _, there = text([[]] * len(some), [row[key] for row in some])
    return (there[..., None] * model.hidden(ids)).sum(1) / there.sum(1, keepdim=True)


def siglip():
    t, b = torch.tensor(2.302585), torch.tensor(-10.0)

    def loss(model, step):
        x, y = (torch.nn.functional.normalize(pooled(model, key, step), dim=1) for key in ("query", "positive"))
        return -log_sigmoid((2 * torch.eye(len(x)) - 1) * (t.exp() * x @ y.T + b)).sum(1).mean()

    loss.tensors = [t, b]
    return loss


def vicreg():
    def spread(z):
        return torch.relu(1 - (z.var(0) + 1e-4).sqrt()).mean()

    def together(z):
        C = torch.cov(z.T)
        return ((C * C).sum() - (C.diagonal() ** 2).sum()) / z.shape[1]

    def loss(model, step):
        x, y = pooled(model, "query", step), pooled(model, "positive", step)
        return 25 * ((x - y) ** 2).mean() + 25 * (spread(x) + spread(y)) + together(x) + together(y)

    return loss


def supcon():
    def loss(model, step):
        some = rows("classification", step, mixes=True)
        ids, _, _, there = text([[]] * len(some), [row["text"] for row in some])
        last = there.sum(1).long() - 1
        e = torch.nn.functional.normalize(model.hidden(ids)[torch.arange(len(some)), last], dim=1)
        labels = torch.tensor([row["label"] for row in some])
        other = ~torch.eye(len(some), dtype=torch.bool)
        same = ((labels[:, None] == labels[None]) & other).double()
        s = e @ e.T / 0.1
        every = torch.logsumexp(s.masked_fill(~other, -math.inf), 1, keepdim=True)
        return -((same * (s - every)).sum(1) / same.sum(1).clamp(min=1)).mean()

    return loss


def rated(each):
    """The mean of `each(gap of the answers' log-ratios, difference of their rewards)`."""

    def loss(model, step):
        chosen, rejected = preference(step)
        better = torch.tensor([row["chosen_reward"] - row["rejected_reward"] for row in rows("preference", step)], dtype=torch.double)
        return each(gain(model, chosen) - gain(model, rejected), better).mean()

    return loss


def rebel():
    return rated(lambda gap, better: (gap - better) ** 2)


def odpo():
    return rated(lambda gap, better: -log_sigmoid(0.1 * gap - better.log()))


def rpo():
    def each(gap, better):
        s, p = torch.sigmoid(better), torch.sigmoid(0.1 * gap)
        return s * (s / p).log() + (1 - s) * ((1 - s) / (1 - p)).log()

    return rated(each)


def valued(key, each):
    """The mean over tokens of `each(log-probabilities, those before the training, what the row is worth)`."""
    valued_rows = [json.loads(line) for line in open(DATA / "gallery" / "tokens.jsonl")]

    def loss(model, step):
        some = valued_rows[4 * step : 4 * step + 4]
        ids, targets, w = batch(some)
        value = torch.tensor([[row[key]] for row in some], dtype=torch.double)
        with torch.no_grad():
            before = pick(torch.log_softmax(BASE.logits(ids), -1), targets)
        return (w * each(pick(torch.log_softmax(model.logits(ids), -1), targets), before, value)).sum() / w.sum()

    return loss


def rwr():
    return valued("reward", lambda l, before, reward: -reward.exp() * l)


def grpo():
    def each(l, before, advantage):
        ratio = (l - before).exp()
        kl = (before - l).exp() - (before - l) - 1
        return 0.04 * kl - torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)

    return valued("advantage", each)


def preferred(each):
    """The mean of `each(model, chosen, rejected)`."""

    def loss(model, step):
        return each(model, *preference(step)).mean()

    return loss


def cdpo():
    def each(model, chosen, rejected):
        h = 0.1 * (gain(model, chosen) - gain(model, rejected))
        return -0.9 * log_sigmoid(h) - 0.1 * log_sigmoid(-h)

    return preferred(each)


def r_dpo():
    def each(model, chosen, rejected):
        longer = chosen[2].sum(1) - rejected[2].sum(1)
        return -log_sigmoid(0.1 * (gain(model, chosen) - gain(model, rejected)) - 0.01 * longer)

    return preferred(each)


def nca():
    def each(model, chosen, rejected):
        a, b = 0.1 * gain(model, chosen), 0.1 * gain(model, rejected)
        return -log_sigmoid(a) - (log_sigmoid(-a) + log_sigmoid(-b)) / 2

    return preferred(each)


def sampo():
    def each(model, chosen, rejected):
        n, m = chosen[2].sum(1), rejected[2].sum(1)
        return -log_sigmoid(0.1 * torch.minimum(n, m) * (gain(model, chosen) / n - gain(model, rejected) / m))

    return preferred(each)


def slic():
    def each(model, chosen, rejected):
        a, b = (logp(model, y).sum(1) for y in (chosen, rejected))
        return torch.relu(1 - a + b) - 0.1 * a

    return preferred(each)


def rrhf():
    def each(model, chosen, rejected):
        a, b = (logp(model, y).sum(1) for y in (chosen, rejected))
        return torch.relu(b / rejected[2].sum(1) - a / chosen[2].sum(1)) - a

    return preferred(each)


def confidence_penalty():
    def each(t, w, z, teacher, model):
        l = torch.log_softmax(z, -1)
        return 0.1 * (l.exp() * l).sum(-1) - pick(l, t)

    return on_tokens(each)


def symmetric_ce():
    def each(t, w, z, teacher, model):
        l = pick(torch.log_softmax(z, -1), t)
        return -0.1 * l + 4 * (1 - l.exp())

    return on_tokens(each)


def tvd():
    return on_tokens(lambda t, w, z, teacher, model: (torch.softmax(teacher, -1) - torch.softmax(z, -1)).abs().sum(-1) / 2)


def adaptive_kl():
    def each(t, w, z, teacher, model):
        a, b = torch.log_softmax(teacher, -1), torch.log_softmax(z, -1)
        p, q = a.exp(), b.exp()
        order = torch.sort(p, dim=-1, descending=True, stable=True)
        likelier = torch.zeros_like(p).scatter(-1, order.indices, order.values.cumsum(-1))
        gap, is_head = (p - q).detach().abs(), likelier < 0.5
        head, tail = (gap * is_head).sum(-1), (gap * ~is_head).sum(-1)
        return (head * (p * (a - b)).sum(-1) + tail * (q * (b - a)).sum(-1)) / (head + tail)

    return on_tokens(each)


def barlow_twins():
    def unit(z):
        return (z - z.mean(0)) / (z.var(0, correction=0) + 1e-5).sqrt()

    def loss(model, step):
        x, y = unit(pooled(model, "query", step)), unit(pooled(model, "positive", step))
        c = x.T @ y / len(x)
        own = c.diagonal()
        return ((1 - own) ** 2).sum() + 5e-3 * ((c * c).sum() - (own**2).sum())

    return loss
