#!/usr/bin/env python3
"""Whether `peft` and `transformers` read what ftc writes: the same logits from the same files.

    python3 test/Interop/check.py [--ftc build/bin/ftc] [--gguf MODEL.gguf] [--work FOLDER] [RECIPE...]

Needs torch, transformers and peft (`pip install torch transformers peft`); no part of the tests that `ninja check-ftc` runs. Each recipe of
test/Execution/Golden (or those that are named) is compiled and run: it trains a golden model and leaves under its input `out`
  adapter/            a PEFT directory, which `peft` puts on the model as `transformers` loads it
  model/              the merged model, which `transformers` loads
  logits.safetensors  our logits of test/data/models/golden.jsonl, which both must give
In the other direction `peft` writes adapters and ftc loads them.
With a GGUF file Inputs/orders.ftr does the same with a real model, whose tensors ftc has decoded and saved in `base/`.

Fails where a logit is further than 2e-4 of the largest one from ours, where a file is not used whole, or where the adapter changes nothing.
"""

import argparse
import datetime
import json
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import peft
import safetensors.torch
import torch
import transformers

BOUND = 2e-4
TEST = Path(__file__).resolve().parent.parent
GOLDEN = TEST / "Execution" / "Golden"
METHODS = ["lora", "lora-qv", "rslora", "lora-rank-pattern", "lora-bias", "lora-modules-to-save", "lora-embedding", "lora-tokens",
           "dora", "ia3", "loha", "lokr", "oft", "oft-cayley", "boft", "ln-tuning"]  # fmt: skip
DEFAULT = [GOLDEN / f"{method}.ftr" for method in METHODS]
# Recipes of Inputs with the models that they are for.
ON_MODELS = [("biases.ftr", "gpt2"), ("biases.ftr", "qwen2"), ("unilora.ftr", "llama")]
FAMILIES = ["llama-tied", "llama3-rope", "qwen2", "mistral", "qwen3", "phi3", "gpt2", "olmo2", "gemma3"]


def run(ftc, recipe, work, **inputs):
    """Compiles and runs a recipe; what it saves is under work/out."""
    defines = [f"-D{name}={value}" for name, value in inputs.items()]
    subprocess.run([ftc, recipe, f"-Dout={work / 'out'}", *defines, "-o", work / "run"], check=True)
    subprocess.run([work / "run", "--out", work / "log", "--fresh", "--quiet"], check=True)
    return work / "out"


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["input_ids"] for line in file]


def load(path):
    """A model in f32, every tensor of the file used and every tensor of the model found."""
    model, info = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], f"{path}: {kind}: {info[kind]}"
    return model.eval()


def adapt(model, path):
    """The model with a PEFT directory's adapter, whose every tensor must have found its place."""
    adapted = peft.PeftModel.from_pretrained(model, path)
    written = safetensors.torch.load_file(path / "adapter_model.safetensors")
    held = peft.get_peft_model_state_dict(adapted)
    assert written.keys() == held.keys(), f"{path}: {sorted(written.keys() ^ held.keys())}"
    for name, tensor in written.items():
        assert torch.equal(tensor, held[name]), f"{path}: {name} differs"
    return adapted.eval()


@torch.no_grad()
def distance(model, batches, ours):
    """The largest difference to our logits [rows, tokens, vocabulary], relative to the largest logit."""
    found = [model(input_ids=torch.tensor([ids])).logits[0] for ids in batches]
    differences = [(row - expected[: len(row)]).abs().max() for row, expected in zip(found, ours, strict=True)]
    return (torch.stack(differences).max() / ours.abs().max()).item()  # NaN if there is one


def report(what, value):
    print(f"  {what:<58} {value:.2e}  (bound {BOUND:.0e})", flush=True)
    assert value <= BOUND, what


def check(name, base, out, batches):
    """The adapter by `peft`, the merged model by `transformers`, both against our logits."""
    print(name)
    ours = safetensors.torch.load_file(out / "logits.safetensors")["logits"]
    plain = load(base)
    untrained = distance(plain, batches, ours)
    assert untrained > 10 * BOUND, f"{name}: the adapter changes nothing ({untrained:.2e})"
    report("peft: base + adapter/", distance(adapt(plain, out / "adapter"), batches, ours))
    if (out / "model").exists():
        report("transformers: merged model/", distance(load(out / "model"), batches, ours))
    print(f"  {'(transformers: base alone, which must differ)':<58} {untrained:.2e}")


QUARTER = ["q_proj", "v_proj", "down_proj"]
# What `peft` is asked to write, and ftc to load, by the type of its configuration; weights are random.
WRITTEN = {
    "all-linear": ("LORA", {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"}),
    "patterns": ("LORA", {
        "r": 4, "lora_alpha": 8, "target_modules": r".*\.(self_attn|mlp)\.(q|v|down)_proj", "use_rslora": True,
        "rank_pattern": {r"1\.self_attn\.[qv]_proj": 6, "down_proj": 2}, "alpha_pattern": {"layers.0.self_attn.q_proj": 3},
    }),
    "some-layers": ("LORA", {
        "r": 3, "lora_alpha": 5, "target_modules": ["q_proj", "o_proj", "up_proj"], "layers_to_transform": [0, 2],
        "exclude_modules": ["layers.2.self_attn.o_proj"],
    }),
    "embeddings, biases": ("LORA", {"r": 3, "lora_alpha": 5, "target_modules": ["q_proj", "lm_head"], "lora_bias": True}),
    "modules and tokens": ("LORA", {
        "r": 3, "target_modules": ["q_proj", "embed_tokens"], "modules_to_save": ["lm_head", "input_layernorm"],
    }),
    "tokens by name": ("LORA", {"r": 3, "target_modules": ["q_proj"], "trainable_token_indices": {"embed_tokens": [7, 3]}}),
    "tokens alone": ("TRAINABLE_TOKENS", {"token_indices": [300, 5], "target_modules": ["embed_tokens"]}),
    "magnitudes": ("LORA", {"r": 3, "target_modules": QUARTER, "use_dora": True}),
    "factors": ("IA3", {"target_modules": QUARTER, "feedforward_modules": ["down_proj"]}),
    "products": ("LOHA", {"r": 3, "alpha": 5, "target_modules": QUARTER, "rank_pattern": {"v_proj": 2}}),
    "norms": ("LN_TUNING", {"target_modules": ["input_layernorm", "norm"]}),
}  # fmt: skip


def perturb(model):
    """Every tensor that the adapter holds is another than it begins as."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data += 0.1 * torch.randn_like(parameter)


def check_written(name, written, arguments, work, batches):
    """An adapter that `peft` makes and saves; ftc loads it by its adapter_config.json."""
    torch.manual_seed(1)
    kind, options = written
    config = peft.PEFT_TYPE_TO_CONFIG_MAPPING[kind](task_type="CAUSAL_LM", **options)
    model = peft.get_peft_model(load(arguments.base), config).eval()
    perturb(model)
    model.save_pretrained(work / "adapter")
    recipe = TEST / "Interop" / "Inputs" / "load.ftr"
    out = run(arguments.ftc, recipe, work, model=arguments.base.resolve(), adapter=(work / "adapter").resolve())
    ours = safetensors.torch.load_file(out / "logits.safetensors")["logits"]
    untrained = distance(load(arguments.base), batches, ours)
    assert untrained > 10 * BOUND, f"{name}: the adapter changes nothing ({untrained:.2e})"
    report(f"ftc: adapter by peft, {name}", distance(model, batches, ours))


def check_tokenizer(folder, texts):
    """The tokenizer that we copied or made from GGUF metadata reads in `transformers` and gives back the texts."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for text in texts:
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text, text
    print(f"  {'transformers: tokenizer of model/':<58} {len(texts)} texts there and back")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", type=Path, default=DEFAULT)
    parser.add_argument("--ftc", default=TEST.parent / "build" / "bin" / "ftc")
    parser.add_argument("--gguf", type=Path, help="a model of the SmolLM2 family")
    parser.add_argument("--work", help="folder for what the runs leave (default: a temporary one)")
    parser.add_argument("--base", type=Path, default=TEST / "data" / "models" / "llama", help="the model of the recipes")
    arguments = parser.parse_args()

    torch.set_num_threads(2)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    versions = [f"{m.__name__} {m.__version__}" for m in (torch, transformers, peft)]
    print(datetime.date.today().isoformat(), f"Python {platform.python_version()}", *versions, sep=", ")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(arguments.work or temporary)
        golden = rows(TEST / "data" / "models" / "golden.jsonl")
        for recipe in arguments.recipes:
            folder = work / recipe.stem
            folder.mkdir(parents=True, exist_ok=True)
            check(recipe.name, arguments.base, run(arguments.ftc, recipe, folder), golden)
        for recipe, model in [*(("family.ftr", family) for family in FAMILIES), *ON_MODELS]:
            folder, base = work / f"{recipe}-{model}", TEST / "data" / "models" / model
            folder.mkdir(parents=True, exist_ok=True)
            check(f"{recipe} on {model}", base, run(arguments.ftc, TEST / "Interop" / "Inputs" / recipe, folder, model=base), golden)
        print("load.ftr")
        for name, options in WRITTEN.items():
            folder = work / re.sub(r"\W+", "-", name)
            folder.mkdir(parents=True, exist_ok=True)
            check_written(name, options, arguments, folder, golden)
        if arguments.gguf:
            folder = work / "orders"
            folder.mkdir(parents=True, exist_ok=True)
            out = run(arguments.ftc, TEST / "Interop" / "Inputs" / "orders.ftr", folder, model=arguments.gguf.resolve())
            prompts = rows(TEST / "data" / "smollm2" / "prompts.jsonl")
            check(f"orders.ftr on {arguments.gguf.name}", out / "base", out, prompts)
            ours = safetensors.torch.load_file(out / "base-logits.safetensors")["logits"]
            report("transformers: base/, decoded from GGUF", distance(load(out / "base"), prompts, ours))
            with open(TEST.parent / "examples" / "data" / "orders-test.jsonl", encoding="utf-8") as file:
                check_tokenizer(out / "model", [json.loads(line)["input"] for line in file])
    print("all agree")


if __name__ == "__main__":
    sys.exit(main())
