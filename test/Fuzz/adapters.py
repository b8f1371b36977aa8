"""Draws the lines of an `adapt`: adapters of the library and of examples/adapters with arguments that fit their sites."""

import math
import random

from models import Model

# Adapters on linear modules.
LINEAR = ["lora", "lora", "dora", "pissa", "olora", "relora", "loha", "lokr", "adalora", "vera", "ia3", "hra", "delora", "fourierft"]
LINEAR += ["shira", "oft", "boft", "c3a", "miss", "road", "gralora", "vblora", "psoft"]
# The same, of the gallery.
GALLERY = ["abba", "adamix", "bone", "corda", "delta_lora", "dylora", "goft", "hira", "hydralora", "krona", "loftq", "lora_fa", "lora_ga"]
GALLERY += ["lora_xs", "milora", "mola", "mora", "mov", "nola", "paca", "quanta", "randlora", "riemannian_lora", "singlora", "sora", "ssf"]
GALLERY += ["svft", "tied_lora", "tt_lora"]
# They read what a site has of its own or put something in its place: nothing may come before them.
READS_WEIGHT = {"dora", "pissa", "olora", "relora", "delora", "abba", "bone", "corda", "hira", "loftq", "lora_ga", "lora_xs", "milora"}
READS_WEIGHT |= {"paca", "psoft", "svft", "boft", "trained_tokens", "residual_prompt"}


def divisor(rng, sizes, least=1, step=1):
    """A number that divides all sizes, none if there is none."""
    common = math.gcd(*sizes)
    found = [d for d in range(least, common + 1) if common % d == 0 and d % step == 0]
    return rng.choice(found) if found else None


def low_rank(rng, **further):
    """The arguments of a method of low rank."""
    rank = rng.choice([1, 2, 3, 4, 7, 8, 16, 17])
    arguments = {"alpha": rng.choice([1, 4, 16]), "dropout": rng.choice([None, None, 0.1]), **further}
    chosen = {name: value for name, value in arguments.items() if value is not None and rng.random() < 0.7}
    return f"rank: {rank}" + "".join(f", {name}: {value}" for name, value in chosen.items())


def within(rng, shapes):
    """A rank that no site is too small for."""
    return rng.choice([r for r in (1, 2, 3, 5, 8) if r <= min(map(min, shapes))])


def draw_linear(name: str, shapes: list, rng: random.Random):
    """The call of an adapter on linear modules of these [out, in], or none if it does not fit them."""
    outs, ins = [shape[0] for shape in shapes], [shape[1] for shape in shapes]
    least = min(out * inner for out, inner in shapes)
    flag = rng.choice(["true", None])
    if name in ("lora", "dora"):
        more = {"stabilised": flag} | ({"biased": rng.choice(["true", None, None])} if name == "lora" else {})
        return f"{name}({low_rank(rng, **more)})"
    if name in ("pissa", "olora"):
        return f"{name}(rank: {within(rng, shapes)})"
    if name == "relora":
        return f"relora({low_rank(rng)}, period: {rng.choice([1, 2])})"
    if name in ("loha", "lokr"):
        return f"{name}({low_rank(rng, dropout=None)})"
    if name == "adalora":
        return f"adalora({low_rank(rng)}, target: 1, orthogonality: {rng.choice([0, 0.5])})"
    if name == "vera":
        return f"vera(rank: {rng.choice([1, 3, 16])}, d_initial: 0.5)"
    if name == "ia3":
        return f"ia3(feedforward: {rng.choice(['true', 'false'])})"
    if name == "hra":
        return f"hra(rank: {rng.choice([2, 4, 6])})"
    if name == "delora":
        return f"delora(rank: {rng.choice([1, 2, 5])}, strength: {rng.choice([1, 15])})"
    if name == "fourierft":
        return f"fourierft(n: {rng.randint(1, min(least, 50))}, scaling: {rng.choice([1, 20])})"
    if name == "shira":
        fitting = min(out * inner // (out + inner) for out, inner in shapes)
        return f"shira(rank: {rng.randint(1, min(fitting, 4))})" if fitting else None
    if name == "oft":
        block = divisor(rng, ins, 2)
        return block and f"oft(block: {block}, neumann: {rng.choice(['true', 'false'])})"
    if name == "boft":
        factor = rng.choice([1, 1, 2, 3])
        common = math.gcd(*ins)
        blocks = [b for b in range(2, common + 1, 2) if common % (b * 2 ** (factor - 1)) == 0]
        return f"boft(block: {rng.choice(blocks)}, factor: {factor})" if blocks else None
    if name == "c3a":
        return f"c3a(block: {divisor(rng, outs + ins)})"
    if name == "miss":
        return f"miss(rank: {divisor(rng, ins)})"
    if name == "road":
        group = divisor(rng, outs, 2, 2)
        return group and f"road(group: {group})"
    if name == "gralora":
        blocks = divisor(rng, outs + ins)
        return f"gralora(blocks: {blocks}, rank: {blocks * rng.choice([1, 2, 3])}, alpha: 4)"
    if name == "psoft":
        rank = max(2, within(rng, shapes))
        return f"psoft(rank: {rank}, neumann: {rng.choice(['true', 'false'])}, orthogonal: {rng.choice(['true', 'true', 'false'])})" if rank <= min(map(min, shapes)) else None
    if name == "vblora":
        sizes = f"vectors: {rng.choice([3, 8, 17])}, k: {rng.choice([1, 2, 3])}, rank: {rng.choice([1, 3])}"
        return f"vblora(length: {divisor(rng, outs + ins)}, {sizes})"
    raise ValueError(name)


def draw_gallery(name: str, shapes: list, rng: random.Random):
    """The call of an adapter of examples/adapters on linear modules, or none if it does not fit them."""
    outs, ins = [shape[0] for shape in shapes], [shape[1] for shape in shapes]
    if name in ("abba", "lora_xs", "milora", "loftq"):
        return f"{name}(rank: {within(rng, shapes)})"
    if name in ("corda", "lora_ga"):
        return f"{name}(data: data, rank: {within(rng, shapes)})"
    if name in ("adamix", "hydralora"):
        return f"{name}(rank: {rng.choice([1, 3])}, experts: {rng.choice([1, 2, 3])})"
    if name == "bone":
        return f"bone(r: {divisor(rng, outs + ins)})"
    if name == "delta_lora":
        return f"delta_lora(rank: {rng.choice([1, 4])}, begin: 1 steps)"
    if name == "goft":
        levels = [n for n in range(1, 5) if math.gcd(*ins) % 2**n == 0]
        return f"goft(levels: {rng.choice(levels)})" if levels else None
    if name == "krona":
        return f"krona(a: {divisor(rng, outs)}, b: {divisor(rng, ins)})"
    if name == "mola":
        return f"mola(rank: {rng.choice([1, 3])}, experts: 3, top: {rng.choice([1, 2, 3])})"
    if name == "mora":
        rank = divisor(rng, ins, 2, 2)
        return rank and f"mora(rank: {rank})"
    if name == "mov":
        return f"mov(experts: {rng.choice([1, 3])})"
    if name == "paca":
        return f"paca(rank: {rng.randint(1, min(ins))})"
    if name == "quanta":
        a, b = divisor(rng, outs + ins), rng.choice([1, 2])
        return f"quanta(a: {a}, b: {b})" if math.gcd(*outs, *ins) % (a * b) == 0 else None
    if name == "nola":
        return f"nola(rank: {rng.choice([1, 3])}, bases: {rng.choice([1, 5, 64])})"
    if name == "singlora":
        return f"singlora(rank: {rng.choice([1, 3])}, ramp: 2 steps)"
    if name == "ssf":
        return "ssf()"
    if name == "svft":
        return f"svft(width: {rng.choice([0, 1, 2])})"
    return f"{name}(rank: {rng.choice([1, 2, 3, 8])})"


def draw_linear_line(model: Model, taken: set, rng: random.Random):
    """A line of `adapt` on linear modules; `taken` are those that have an adapter already."""
    linears = model.linears()
    if model.tied:
        linears.pop("lm_head", None)
    names = sorted({path.split(".")[-1] for path in linears})
    chosen = rng.sample(names, rng.choice([1, 1, 2, 3, len(names)])) if len(names) > 3 else names
    layer = rng.choice([None, None, 0])
    sites = {p: s for p, s in linears.items() if p.split(".")[-1] in chosen and (layer is None or f".{model.layers}.{layer}." in p)}
    if not sites:
        return None
    name = rng.choice(rng.choice([LINEAR, LINEAR, GALLERY]))
    if name in READS_WEIGHT and taken & sites.keys():
        return None
    call = (draw_gallery if name in GALLERY else draw_linear)(name, list(sites.values()), rng)
    if not call:
        return None
    taken.update(sites)
    last = chosen[0] if len(chosen) == 1 else "{" + ", ".join(chosen) + "}"
    inner = f"**.{model.layers}[{layer}].**.{last}" if layer is not None else f"**.{last}"
    return f"{inner} : {call}"


def draw_other_line(model: Model, is_packed: bool, tokens: int, form: str, rng: random.Random):
    """A line of `adapt` on something else than linear modules, or none."""
    vocabulary = model.config["vocab_size"]
    norm = rng.choice(sorted({path.split(".")[-1] for path in model.norms()}))
    embedding = f"**.{model.embedding}"
    lines = [
        f"**.{norm} : ln_tuning()",
        f"**.{norm}.weight : full()",
        f"**.{model.layers}[0].** : full()",
        "** : full()",
        "**.attention : alibi()",
        f"**.attention : t5_bias(buckets: {rng.choice([4, 16])}, far: {rng.choice([20, 128])})",
        f"**.{model.mlp} : canon(width: {rng.choice([1, 3])})",
        f"**.{model.mlp} : ema()",
        f"**.{model.mlp} : propetl(size: {rng.choice([1, 7])})",
        f"**.{model.mlp} : bottleneck(size: {rng.choice([1, 7, 32])}, parallel: {rng.choice(['true', 'false'])})",
        f"** : prefix(length: {rng.choice([1, 3, 5])})",
        f"{embedding} : trained_tokens(rows: {sorted(rng.sample(range(vocabulary), min(vocabulary, 3)))})",
    ]
    if any(name.endswith(".v_proj.weight") for name in model.shapes):
        lines.append(f"** : xlora(rank: 2, experts: {rng.choice([1, 3])})")
        lines.append(f"**.attention : llama_adapter(length: {rng.choice([1, 3])})")
    if any(name.endswith(".bias") for name in model.shapes):
        lines.append("**.bias : full()")
    if not model.tied:
        lines += [f"{embedding} : lora(rank: {rng.choice([1, 4])}, alpha: 2)", f"{embedding} : full()", "lm_head : full()"]
    if model.embedding != "wte" and tokens > 4:  # what is put before a row needs room in it
        lines.append(f"{embedding} : residual_prompt(length: {rng.choice([1, 3])}, width: {rng.choice([1, 8])})")
        lines.append(f"{embedding} : prompt(length: {rng.choice([1, 3, 4])})")
        lines.append(f"{embedding} : p_tuning(length: {rng.choice([1, 3])}, width: {rng.choice([1, 8, 13])})")
    groups = [g for g in range(2, tokens + 1, 2) if tokens % g == 0]
    if groups and not is_packed and form == "tokens":
        lines.append(f"**.attention : shifted_attention(size: {rng.choice(groups)})")
    return rng.choice(lines)


def draw_lines(model, is_packed, tokens, form, rng):
    """One to four lines of `adapt`."""
    lines, taken = [], set()
    for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
        if rng.random() < 0.75:
            line = draw_linear_line(model, taken, rng)
        else:
            line = draw_other_line(model, is_packed, tokens, form, rng)
            site, call = line.split(" : ")
            if call.split("(")[0] in READS_WEIGHT and any(other.startswith(f"{site} : ") for other in lines):
                continue
        if line:
            lines.append(line)
    return lines or [f"**.{model.embedding} : full()"]
