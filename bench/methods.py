#!/usr/bin/env python3
"""Times a training step with each adapter of the standard library beside one with `lora`, alternating, on this machine.

    bench/methods.py [--rounds 3] [--rows 1] [--tokens 512] [--layers 30] [--only NAME ...]

Needs nothing but ftc: the model of SmolLM2-135M's shape is begun from nothing by a recipe, the tokens are random. Each method is kept in
bench/methods.json when it is done, with its day and machine, and what is not measured keeps its older figures; the table that is printed has
all of them. The ratio is the median over the rounds of a method's step by the step of `lora` run just before it; the FLOPs are those of the
products of a step, so that a ratio of time above that of the FLOPs is what the compiler loses.
"""

import argparse
import json
import statistics
import sys
import tempfile

import common

ALL = "**.layers.*.{self_attn, mlp}.* : "
METHODS = {
    "lora": ALL + "lora(rank: 16, alpha: 32)",
    "lora, rank-stabilised": ALL + "lora(rank: 16, alpha: 32, stabilised: true)",
    "lora, shifted attention": ALL + "lora(rank: 16, alpha: 32)  **.attention : shifted_attention(size: 128)",
    "adalora": ALL + "adalora(rank: 16, target: 8)",
    "adamss": ALL + "adamss()",
    "adaption_prompt": "** : adaption_prompt(length: 16, layers: 30)",
    "beft": ALL + "beft()",
    "boft": ALL + "boft(block: 4)",
    "bottleneck": "**.{o_proj, mlp} : bottleneck(size: 64)",
    "c3a": ALL + "c3a(block: 64)",
    "cartridge": "** : cartridge(length: 16)",
    "cpt": "**.embed_tokens : cpt(prompt: [1, 2, 3, 4, 5, 6, 7, 8], kinds: [1, 1, 2, 2, 3, 3, 4, 4], length: 8)",
    "deft": ALL + "deft(rank: 16)",
    "delora": ALL + "delora(rank: 16)",
    "dora": ALL + "dora(rank: 16, alpha: 32)",
    "fourierft": ALL + "fourierft(n: 1000)",
    "frod": ALL + "frod()",
    "full": "**.layers.*.{self_attn, mlp}.** : full()",
    "glora": ALL + "glora(rank: 8)",
    "gralora": ALL + "gralora(rank: 16)",
    "hira": ALL + "hira(rank: 16)",
    "hra": ALL + "hra(rank: 8)",
    "ia3": "**.{k_proj, v_proj} : ia3()  **.down_proj : ia3(feedforward: true)",
    "ln_tuning": "**.*norm* : ln_tuning()",
    "loha": ALL + "loha(rank: 8, alpha: 16)",
    "lokr": ALL + "lokr(rank: 16, alpha: 32)",
    "miss": ALL + "miss(rank: 64)",
    "multitask_prompt": "**.embed_tokens : multitask_prompt(length: 16)",
    "oft": ALL + "oft(block: 32)",
    "olora": ALL + "olora(rank: 16)",
    "osf": ALL + "osf()",
    "p_tuning": "**.embed_tokens : p_tuning(length: 16)",
    "peanut": ALL + "peanut(rank: 16)",
    "pissa": ALL + "pissa(rank: 16)",
    "poly": ALL + "poly(rank: 16)",
    "prefix": "** : prefix(length: 16)",
    "projected_prefix": "** : projected_prefix(length: 16)",
    "prompt": "**.embed_tokens : prompt(length: 16)",
    "psoft": ALL + "psoft()",
    "pvera": ALL + "pvera(rank: 256)",
    "randlora": ALL + "randlora(rank: 32)",
    "relora": ALL + "relora(rank: 16, alpha: 32, period: 500)",
    "road": ALL + "road(group: 64)",
    "shadow": "** : shadow(rank: 16)",
    "shira": ALL + "shira(rank: 16)",
    "supertuning": ALL + "supertuning()",
    "supra": ALL + "supra(rank: 16)",
    "tinylora": ALL + "tinylora()",
    "trained_tokens": "**.embed_tokens : trained_tokens(rows: [1, 2, 3, 4])",
    "unilora": ALL + "unilora(rank: 4)",
    "vblora": ALL + "vblora(rank: 4, length: 64)",
    "vera": ALL + "vera(rank: 256)",
    "waveft": ALL + "waveft()",
    "xlora, with two lora": ALL + "lora(rank: 16)  " + ALL + "lora(rank: 16)  ** : xlora()",
}


def step_seconds(executable, folder, threads):
    """Wall seconds of each step but the first."""
    return [line["seconds"] for line in common.run_steps(executable, folder, threads)[0][1:]]


def compile_method(ftc, name, folder, arguments):
    """The executable of a method, and its FLOPs a token."""
    stem = "".join(letter if letter.isalnum() else "-" for letter in name)
    text = common.step_recipe(folder, METHODS[name], arguments.rows, arguments.tokens, arguments.steps)
    common.compile_recipe(ftc, folder, stem, text)
    return f"{folder}/{stem}", common.plan_recipe(ftc, folder, stem)[0]["FLOPs a token"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common.add_options(parser, rounds=3)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--steps", type=int, default=4, help="steps a run; the first is not counted")
    parser.add_argument("--only", nargs="*", choices=list(METHODS), help="these methods alone")
    arguments = parser.parse_args()
    ftc, path = common.find_ftc(arguments.build), common.ROOT / "bench" / "methods.json"
    rows = {row["method"]: row for row in json.loads(path.read_text(encoding="utf-8"))} if path.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        common.make_model(ftc, folder, {**common.SMOLLM2, "num_hidden_layers": arguments.layers})
        common.write_tokens(f"{folder}/batches.jsonl", arguments.rows * arguments.steps, arguments.tokens, common.SMOLLM2["vocab_size"])
        lora, flops = compile_method(ftc, "lora", folder, arguments)
        for name in arguments.only or METHODS:
            executable, own = compile_method(ftc, name, folder, arguments)
            ratios = []
            for _ in range(arguments.rounds):
                base = statistics.median(step_seconds(lora, folder, arguments.threads))
                ratios.append(statistics.median(step_seconds(executable, folder, arguments.threads)) / base)
            rows[name] = {"method": name, "rows": arguments.rows, "tokens": arguments.tokens, "layers": arguments.layers, "ratio": statistics.median(ratios),
                          "ratios": ratios, "flops_ratio": own / flops, **common.describe_run(arguments.threads)}
            path.write_text(json.dumps([rows[key] for key in METHODS if key in rows], indent=1) + "\n", encoding="utf-8")
            print(f"{name}: {rows[name]['ratio']:.2f} of lora's step, {own / flops:.2f} of its FLOPs", file=sys.stderr)
    print("| method | step, of lora's | FLOPs, of lora's | run |\n|---|---|---|---|")
    for name in METHODS:
        if row := rows.get(name):
            run = f"{row['rows']} x {row['tokens']}, {row['layers']} layers; {row['machine']}; {row['date']}, ftc {row['ftc_revision']}"
            print(f"| {name} | {row['ratio']:.2f} ({min(row['ratios']):.2f} to {max(row['ratios']):.2f}) | {row['flops_ratio']:.2f} | {run} |")


if __name__ == "__main__":
    main()
