"""cut.py FTC: trains with and without a bound that the whole batch fits only by computing products again."""

import json
import pathlib
import subprocess
import sys

ftc = sys.argv[1]
TEMPLATE = """
base  = load("data/models/{model}")
data  = dataset("data/adapters/batches.jsonl", format: tokens)
tuned = adapt base {{ {adapters} }}
run   = train tuned {{ data: data   objective: {objective}   optimizer: adamw(lr: 1e-3)   batch: {batch}   {packing}   steps: 3   {options} }}
save run as safetensors("{name}.safetensors")
"""
DEFAULTS = dict(model="llama", adapters="**.{self_attn, mlp}.* : lora(rank: 8, alpha: 12)", objective="sft", batch="32 x 128",
                packing="packing: none", options="")
process = "process itself, at most"


def write(name, **settings):
    path = pathlib.Path(f"{name}.ftr")
    path.write_text(TEMPLATE.format(**{**DEFAULTS, "name": name, **settings}), encoding="utf-8")
    return path


def plan(recipe):
    return json.loads(subprocess.run([ftc, "plan", "--json", recipe], check=True, capture_output=True).stdout)


def run(name, threads):
    subprocess.run([f"./{name}", "--fresh", "--quiet", "--out", f"{name}.out", "--threads", str(threads)], check=True)
    lines = map(json.loads, pathlib.Path(f"{name}.out/metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [(line["loss"], line["grad_norm"]) for line in lines if "step" in line], pathlib.Path(f"{name}.safetensors").read_bytes()


def bound(**settings):
    """Half of the activations; what is planned with it."""
    whole = plan(write("whole", **settings))
    budget = whole[process] + whole["peak"] - whole["activations"] // 2
    options = settings.pop("options", "") + f" memory: {budget // 1000} KB"
    bounded = plan(write("bounded", options=options, **settings))
    assert bounded["peak"] + bounded[process] <= budget, (bounded, budget)
    again = [key for key in bounded if key.startswith("computed again") and bounded[key] > 0.02]
    return bounded["sequences at once"], again


# Cut, and the same to the last bit.
SAME = {
    "lora": {},
    "other shapes": dict(model="qwen3", batch="12 x 96", adapters="**.{q_proj, v_proj, down_proj} : lora(rank: 9, alpha: 5)"),
    "packed, dropout": dict(packing="", batch="16 x 128", adapters="**.{self_attn, mlp}.* : lora(rank: 9, alpha: 8, dropout: 0.1)"),
    "weights of norms": dict(adapters="**.{self_attn, mlp}.* : lora(rank: 8)   **.norm : ln_tuning()"),
    "two on a site": dict(adapters="**.{self_attn, mlp}.* : lora(rank: 8)   **.{q_proj, v_proj} : ia3()"),
    "matrices of the model": dict(adapters="**.{self_attn, mlp}.* : full()"),
    "an embedding": dict(adapters="**.{self_attn, mlp}.* : lora(rank: 8)   **.embed_tokens : full()"),
}
for name, settings in SAME.items():
    planned, again = bound(**settings)
    assert planned < int(settings.get("batch", "32").split()[0]), (name, planned)
    assert not again, (name, again)
    for recipe in ("whole", "bounded"):
        subprocess.run([ftc, f"{recipe}.ftr", "-o", recipe], check=True)
    truth = run("whole", 2)
    assert len(truth[0]) == 3, truth
    for threads in (1, 2):
        assert run("bounded", threads) == truth, (name, threads)

# Not cut: sums that do not go on from those of the rows before, and a batch of which the recipe says how it is cut.
OTHER = {
    "an embedding that is the head too": dict(model="llama-tied", adapters="**.{self_attn, mlp}.* : lora(rank: 8)   **.embed_tokens : full()"),
    "a factor after the sum": dict(adapters="**.{self_attn, mlp}.* : dora(rank: 8)"),
    "as it is": dict(options="micro_batch: 32"),
}
for name, settings in OTHER.items():
    planned, again = bound(**settings)
    assert planned == 32 and again, (name, planned, again)
