"""Draws a random recipe from a seed: `draw_recipe(seed)`. See README.md."""

import json
import random
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from adapters import divisor, draw_lines
from models import Model, draw_model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# Passes that may be left out.
OPTIONAL_PASSES = ["tune-simplify", "tune-halve-spectra", "tune-order-contractions", "tune-slice-rows", "tune-merge-rows"]
OPTIONAL_PASSES += ["tune-sink-choices", "tune-keep-stored-types", "convert-tune-to-dnnl", "tune-fuse-rows", "tune-join-siblings", "tune-insert-recompute", "tune-pack-weights"]


@dataclass
class Recipe:
    """A recipe in parts, so that parts can be left out."""

    seed: int
    model: Model
    form: str  # of the data
    lines: list  # of `adapt`
    options: dict  # of `train`
    further: list = field(default_factory=list)  # steps after it
    threads: int = 1
    bound_share: float | None = None  # 0: the least `memory` that is accepted, 1: what the recipe takes without a bound, more: with room for packed weights
    disabled: list = field(default_factory=list)

    def text(self, bound=None):
        """The recipe, with at most `bound` bytes."""
        options = {**self.options, **({"memory": f"{bound / 1000:.3f} KB"} if bound else {})}
        return "\n".join(
            [
                f"// seed {self.seed}",
                *(f'import "{path.name}"' for path in self.imports()),
                'base  = load("model")',
                f'data  = dataset("data.jsonl", format: {self.form}, tokenizer: none)',
                "tuned = adapt base {",
                *(f"  {line}" for line in self.lines),
                "}",
                "run   = train tuned {",
                "  data: data",
                *(f"  {name}: {value}" if value[:1] != "{" else f"  {name} {value}" for name, value in options.items()),
                "}",
                'save run as safetensors("trained.safetensors")',
                *self.further,
                "",
            ]
        )

    def write(self, folder: Path):
        """Writes the files that the recipe reads."""
        rng = random.Random(f"files {self.seed}")
        self.model.write(folder / "model", rng)
        rows = draw_rows(self.form, self.model.config["vocab_size"], self.tokens, rng)
        for path in self.imports():
            shutil.copy(path, folder)
        (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    @property
    def tokens(self):
        return int(self.options["batch"].split()[2])

    def imports(self):
        """Definitions of the gallery that the recipe names."""
        text = "\n".join([*self.lines, *self.options.values()])
        return [path for path in sorted(EXAMPLES.glob("*/*.ftr")) if re.search(rf"\b{path.stem}\b", text)]

    def parts(self):
        """Functions that leave out a part, for shrinking."""
        kept = ("objective", "optimizer", "batch", "steps")
        found = [lambda i=i: self.lines.pop(i) for i in range(len(self.lines)) if len(self.lines) > 1]
        found += [lambda name=name: self.options.pop(name) for name in self.options if name not in kept]
        found += [lambda i=i: self.further.pop(i) for i in range(len(self.further))]
        found += [lambda i=i: self.disabled.pop(i) for i in range(len(self.disabled))]
        if self.options["steps"] != "1":
            found.append(lambda: self.options.update(steps="1"))
        if self.bound_share is not None:
            found.append(lambda: setattr(self, "bound_share", None))
        if self.threads > 1:
            found.append(lambda: setattr(self, "threads", 1))
        return found


def draw_rows(form: str, vocabulary: int, tokens: int, rng: random.Random):
    """Rows of a data set, of ids alone. Answers begin within the row."""

    def ids(least, most):
        return [rng.randrange(vocabulary) for _ in range(rng.randint(least, max(least, most)))]

    rows = []
    for _ in range(rng.randint(6, 12)):
        prompt, answer = ids(1, max(1, tokens // 2)), ids(1, tokens)
        if form == "tokens":
            row = {"input_ids": ids(2, tokens + 3)}
            if rng.random() < 0.5:
                hidden = rng.randrange(len(row["input_ids"]) // 2 + 1)
                row["labels"] = [-100] * hidden + row["input_ids"][hidden:]
        elif form == "preference":
            row = {"prompt": prompt, "chosen": answer, "rejected": ids(1, tokens)}
        elif form == "feedback":
            row = {"prompt": prompt, "completion": answer, "desirable": rng.random() < 0.5}
        elif form == "pairs":
            row = {"query": ids(1, tokens), "positive": ids(1, tokens)}
        else:
            row = {"text": ids(1, tokens), "label": rng.randrange(vocabulary)}
        rows.append(row)
    return rows


OBJECTIVES = {
    "tokens": ["sft", "sft", "sft", "sft(smoothing: 0.1)", "sft(z: 0.01)", "distill(teacher: base)"]
    + ['distill(teacher: base, kind: "reverse", temperature: 2)', 'distill(teacher: base, kind: "jsd", alpha: 1)']
    + ["dft", "focal", "poly", "r_drop", "multi_token", "unlikelihood", "gkd(teacher: base)", "hidden_distillation(teacher: base)"]
    + ["annealed_distillation(teacher: base)", "logit_standardisation(teacher: base)", "topk_kl(teacher: base, k: 2)"],
    "preference": ["dpo", "dpo(smoothing: 0.1, reference: base)", "hinge(beta: 1)", "ipo(beta: 0.5)", "orpo", "simpo", "cpo(alpha: 0.5)"]
    + ["alphapo", "dpop(reference: base, lambda: 0)",  # its hinge has its corner where a training begins: rounding would choose the side
        "sppo(reference: base, eta: 1)", "tdpo(reference: base)", "wpo(reference: base)"],
    "feedback": ["kto", "kto(reference: base, good: 0.5)"],
    "pairs": ["info_nce", "info_nce(symmetric: true, temperature: 0.5)", "simcse", "triplet"],
    "classification": ["classify"],
}


OPTIMIZERS = ["adamw", "adamw", "adam", "amsgrad", "rmsprop", "rmsprop_centered", "adagrad", "sgd", "momentum"]
OPTIMIZERS += ["adafactor", "adafactor_torch", "lion", "galore", "two rates"]
OPTIMIZERS_OF_THE_GALLERY = ["adan", "ademamix", "lamb", "sophia", "adam_mini", "came", "apollo", "flora", "muon", "shampoo"]
OPTIMIZERS_OF_THE_GALLERY += ["schedule_free", "prodigy", "langevin", "cautious", "lisa", "layerwise"]


def draw_optimizer(lines: list, rng: random.Random):
    """The call of an optimizer."""
    lr = rng.choice([1e-2, 1e-3])
    decay = rng.choice(["", "", ", weight_decay: 0.1"])
    eps = rng.choice([1e-2, 1e-3])  # large, so that gradients that are 0 but for rounding move nothing
    if rng.random() < 0.2:
        name = rng.choice(OPTIMIZERS_OF_THE_GALLERY)
        inner = f"inner: adamw(lr: {lr}, eps: {eps})" if name in ("cautious", "lisa", "layerwise") else f"lr: {lr}"
        return f"{name}({inner}{', rank: 1' if name in ('apollo', 'flora') else ''})"
    name = rng.choice(OPTIMIZERS)
    if name in ("galore", "two rates"):
        if not any(": lora(" in line or ": loha(" in line for line in lines):
            name = "adamw"
        elif name == "galore":
            on = "{A, B}" if any(": lora(" in line for line in lines) else "{a1, b2}"
            return f"{{** : adamw(lr: {lr}, eps: {eps})   **.{on} : galore(lr: {lr}, rank: 1, period: 2, eps: {eps})}}"
        else:
            on = "B" if any(": lora(" in line for line in lines) else "b1"
            return f"{{** : adamw(lr: {lr}, eps: {eps})   **.{on} : sgd(lr: {16 * lr})}}"
    if name in ("sgd", "lion"):
        return f"{name}(lr: {lr}{decay})"
    if name == "momentum":
        return f"momentum(lr: {lr}{decay}, nesterov: {rng.choice(['true', 'false'])})"
    if name == "adafactor":
        return f"adafactor(lr: {lr}, relative: false{decay})"
    if name == "adafactor_torch":
        return f"adafactor_torch(lr: {lr}{decay})"
    return f"{name}(lr: {lr}, eps: {eps}{decay})"


SCHEDULES = ["constant", "constant(warmup: 1 steps)", "linear(warmup: 50%)", "cosine(warmup: 1 steps, floor: 0.1)"]
SCHEDULES += ["cosine_from(start: 0.5)", "cosine_restarts(cycles: 2)", "polynomial(power: 2)"]
SCHEDULES += ["inverse_sqrt(warmup: 2 steps)", "wsd(decay: 50%)", "wsd(decay: 1 steps, straight: true)"]


def draw_options(form: str, rng: random.Random):
    """The options of `train` but for its data and optimizer."""
    rows = rng.choice([1, 1, 2, 3, 4, 6])
    least = 1 if form in ("pairs", "classification") else 2
    tokens = max(least, rng.choice([1, 2, 3, 5, 7, 8, 16, 17, 31, 32, 33, 64, 129]))
    if form in ("feedback", "pairs"):  # what mixes the rows of a batch
        rows = max(2, rows)
    options = {"objective": rng.choice(OBJECTIVES[form]), "optimizer": "", "batch": f"{rows} x {tokens}", "steps": rng.choice("1223")}
    if rng.random() < 0.5:
        options["schedule"] = rng.choice(SCHEDULES)
    if rng.random() < 0.5 and form not in ("feedback", "pairs"):
        options["micro_batch"] = str(divisor(rng, [rows]))
    if rng.random() < 0.4 and form == "tokens":
        options["packing"] = "none"
    if rng.random() < 0.6:
        options["gradient_clip"] = rng.choice(["none", "0.1", "1", "100"])
    if rng.random() < 0.5:
        options["seed"] = str(rng.randrange(100))
    return options


# Functions of the input that are not affine, or change the number of tokens.
NOT_MERGED = ("bottleneck", "prompt", "p_tuning", "prefix", "shifted_attention")


def draw_further(recipe: Recipe, rng: random.Random):
    """Steps after the training."""
    options = recipe.options
    objective = options["objective"]
    if objective.split("(")[0] in ("dpo", "hinge", "ipo", "kto") and "reference" not in objective:
        objective = objective.split("(")[0] + "(reference: base)"  # what the model was initially is gone after a training
    same = f"data: data   objective: {objective}   batch: {options['batch']}"
    packing = "   packing: none" if "packing" in options else ""
    steps = []
    if rng.random() < 0.3:
        steps.append(f"score = evaluate run {{ {same}{packing} }}")
    # The gradient beside a teacher that is the policy before its first step is a difference of equal numbers.
    if rng.random() < 0.3 and "teacher" not in objective:
        arguments = (same + packing).replace("   ", ", ")
        steps.append(f'save gradients(tuned, {arguments}) as safetensors("gradients.safetensors")')
    if rng.random() < 0.15 and recipe.form == "tokens":
        rows = options["batch"] + packing.replace("   ", ", ")
        steps.append(f'save logits(run, data: data, batch: {rows}) as safetensors("logits.safetensors")')
    if rng.random() < 0.2 and not recipe.imports() and not any(f": {name}(" in line for line in recipe.lines for name in NOT_MERGED):
        steps.append(f"merged = merge(run)   again = evaluate merged {{ {same}{packing} }}")
    if rng.random() < 0.15:
        steps.append(f"more = adapt run {{ **.{recipe.model.mlp}.* : lora(rank: 2) }}")
        steps.append(f"second = train more {{ {same}{packing}   optimizer: sgd(lr: 1)   steps: 2 }}")
        steps.append('save second as safetensors("second.safetensors")')
    return steps


def draw_recipe(seed: int) -> Recipe:
    """The recipe of a seed."""
    rng = random.Random(seed)
    model = draw_model(rng)
    form = rng.choice(["tokens"] * 5 + ["preference", "preference", "feedback", "pairs", "classification"])
    options = draw_options(form, rng)
    lines = draw_lines(model, "packing" not in options, int(options["batch"].split()[2]), form, rng)
    options["optimizer"] = draw_optimizer(lines, rng)
    recipe = Recipe(seed, model, form, lines, options)
    if rng.random() < 0.1:
        options["precision"] = f"{{ state: dynamic8(block: {rng.choice([16, 256])}) }}"
    recipe.further = draw_further(recipe, rng)
    recipe.threads = rng.choice([1, 2, 2, 3, 5])
    if rng.random() < 0.3:
        recipe.bound_share = rng.choice([0.0, rng.random(), 1 + rng.random()])
    if rng.random() < 0.3:
        recipe.disabled = rng.sample(OPTIONAL_PASSES, rng.choice([1, 1, 2, len(OPTIONAL_PASSES)]))
    return recipe
