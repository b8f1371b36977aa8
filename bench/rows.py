"""The rows of the performance table: what each measures, and how."""

import dataclasses
import json
import pathlib
import statistics
import sys

import common
from common import LORA, SMOLLM2, Failure, Limits

# The shape of the rows without a peer: growth with the number of layers or tokens.
SMALL = {**SMOLLM2, "vocab_size": 4096, "hidden_size": 192, "intermediate_size": 512, "num_attention_heads": 3, "num_key_value_heads": 1,
         "max_position_embeddings": 32768}
PROMPT, NEW = 512, 128  # tokens of a generation

GENERATE = """
base  = load("{folder}/model")
rows  = dataset("{folder}/prompts.jsonl", format: tokens, shuffle: none)
first = generate base {{ prompts: rows   tokens: 1   prompt_tokens: {prompt} }}
more  = generate base {{ prompts: rows   tokens: {tokens}   prompt_tokens: {prompt} }}
"""


@dataclasses.dataclass
class Bench:
    """What all rows are measured with."""
    ftc: pathlib.Path
    folder: str  # of the row, for its files
    threads: int
    rounds: int
    limits: Limits


@dataclasses.dataclass(frozen=True)
class Training:
    """A training step beside the peer's."""
    name: str
    rows: int = 4
    tokens: int = 512
    layers: int = 30
    whole: bool = False  # all weights are trained, not adapters
    compiled: bool = False  # torch.compile, not eager
    compute: str = "f32"  # of ftc; the peer computes in f32
    options: str = ""  # further ones of ftc's training
    steps = 3  # the first is not counted
    kind = "training"

    def shorten(self):
        """The row as --quick runs it."""
        return dataclasses.replace(self, layers=min(self.layers, 2), tokens=min(self.tokens, 256))

    def measure(self, bench):
        if self.compute == "f16" and not common.has_half_arithmetic():
            raise Failure("the processor has no AVX512-FP16")
        prepare_step(bench, self, {**SMOLLM2, "num_hidden_layers": self.layers})
        recipe = recipe_of(bench, self)
        compiling = [common.compile_recipe(bench.ftc, bench.folder, "step", recipe) for _ in range(bench.rounds)]
        flops = common.plan_recipe(bench.ftc, bench.folder, "step")[0]["FLOPs a token"]
        sides, ratios, speeds = take_turns(bench, {"peer": self.run_peer, "ftc": self.run_ftc})
        wall = statistics.median(speed["gflops"] for speed in speeds) * 1e9 / flops
        report = {"rows": self.rows, "tokens": self.tokens, "recipe_to_executable": statistics.median(compiling),
                  "flops_per_token": flops, "wall_tokens_per_second": wall, "machine_speeds": speeds, "ratios": ratios, **sides}
        for side in succeeded(sides):
            side["tokens_per_second"] = self.rows * self.tokens / statistics.median(side["seconds"])
            side["share_of_wall"] = side["tokens_per_second"] / wall
        # Adapters begin at random A, so only the first loss (B = 0) is the same on both sides.
        losses = [side["first_loss"] for side in succeeded(sides)]
        if losses and max(losses) - min(losses) > 1e-4 * losses[0]:
            raise Failure(f"the first losses differ: {losses[0]} and {losses[1]}")
        return report

    def run_ftc(self, bench):
        lines, first, peak = common.run_steps(f"{bench.folder}/step", bench.folder, bench.threads, bench.limits)
        return {"seconds": [line["seconds"] for line in lines[1:]], "first_step_seconds": first, "first_loss": lines[0]["loss"], "peak_bytes": peak}

    def run_peer(self, bench):
        options = ["--rows", self.rows, "--steps", self.steps] + ["--whole"] * self.whole + ["--compile"] * self.compiled
        return run_peer(bench, "train", "batches.jsonl", options)


@dataclasses.dataclass(frozen=True)
class Generation:
    """Greedy continuation of one prompt beside the peer's."""
    name: str
    dtype: str
    layers: int = 30
    kind = "generation"

    def shorten(self):
        return dataclasses.replace(self, layers=2)

    def measure(self, bench):
        folder = bench.folder
        config = {**SMOLLM2, "num_hidden_layers": self.layers}
        common.make_model(bench.ftc, folder, config, self.dtype, "smollm2")
        # The first of two prompts warms up.
        common.write_tokens(f"{folder}/prompts.jsonl", 2, PROMPT, config["vocab_size"], labels=[-100] * PROMPT)
        recipe = GENERATE.format(folder=folder, tokens=NEW + 1, prompt=PROMPT)
        compiling = common.compile_recipe(bench.ftc, folder, "generate", recipe)
        sides, ratios, speeds = take_turns(bench, {"peer": self.run_peer, "ftc": self.run_ftc})
        read = self.bytes_of_a_token(config, folder)
        bound = statistics.median(speed["gigabytes"] for speed in speeds) * 1e9 / read
        texts = {side.pop("text") for side in succeeded(sides)}
        for side in succeeded(sides):
            side["tokens_per_second"] = 1 / statistics.median(side["seconds"])
            side["share_of_bound"] = side["tokens_per_second"] / bound
        return {"prompt": PROMPT, "new": NEW, "dtype": self.dtype, "recipe_to_executable": compiling, "same_text": len(texts) == 1,
                "bytes_per_token": read, "bound_tokens_per_second": bound, "machine_speeds": speeds, "ratios": ratios, **sides}

    def bytes_of_a_token(self, config, folder):
        """What a token must read: the file's weights, and the keys and values of the tokens before it in their type, on average."""
        number = {"f32": 4, "bf16": 2}[self.dtype]
        width = config["hidden_size"] // config["num_attention_heads"] * config["num_key_value_heads"]
        return pathlib.Path(f"{folder}/model/model.safetensors").stat().st_size + self.layers * 2 * width * number * (PROMPT + NEW // 2)

    def run_ftc(self, bench):
        command = [f"{bench.folder}/generate", "--out", f"{bench.folder}/run", "--fresh", "--json", "--threads", bench.threads]
        run = common.measure(command, bench.limits)
        answered = {"first": [], "more": []}  # when each prompt was
        for line, end in zip(map(json.loads, run.output.splitlines()), run.times):
            if "completion" in line:
                answered[line["generate"]].append(end)
                text = line["completion"]
        one, more = (second - first for first, second in answered.values())
        return {"prompt_seconds": one, "seconds": [(more - one) / NEW], "peak_bytes": run.peak_bytes, "text": text}

    def run_peer(self, bench):
        torch_type = {"f32": "float32", "bf16": "bfloat16"}[self.dtype]
        return run_peer(bench, "generate", "prompts.jsonl", ["--tokens", NEW, "--dtype", torch_type])


@dataclasses.dataclass(frozen=True)
class Growth:
    """What compiling, planning and a LoRA step cost a small model; no peer."""
    name: str
    rows: int
    tokens: int
    layers: int
    whole = False
    compute = "f32"
    options = ""
    steps = 2
    kind = "growth"

    def shorten(self):
        return dataclasses.replace(self, layers=min(self.layers, 8), tokens=min(self.tokens, 2048))

    def measure(self, bench):
        prepare_step(bench, self, {**SMALL, "num_hidden_layers": self.layers})
        taken = [self.run(bench) for _ in range(bench.rounds)]
        medians = {key: statistics.median(run[key] for run in taken) for key in taken[0]}
        return {"rows": self.rows, "tokens": self.tokens, **medians}

    def run(self, bench):
        compiling = common.compile_recipe(bench.ftc, bench.folder, "step", recipe_of(bench, self))
        planning = common.plan_recipe(bench.ftc, bench.folder, "step")[1]
        lines, _, peak = common.run_steps(f"{bench.folder}/step", bench.folder, bench.threads, bench.limits)
        return {"recipe_to_executable": compiling, "plan_seconds": planning, "step_seconds": lines[-1]["seconds"], "peak_bytes": peak}


def prepare_step(bench, row, config):
    """Writes the model and the tokens of a row's steps."""
    common.make_model(bench.ftc, bench.folder, config)
    common.write_tokens(f"{bench.folder}/batches.jsonl", row.rows * row.steps, row.tokens, config["vocab_size"])


def recipe_of(bench, row):
    adapters = "** : full()" if row.whole else LORA
    return common.step_recipe(bench.folder, adapters, row.rows, row.tokens, row.steps, row.compute, row.options)


def run_peer(bench, what, data, options):
    """What bench/peer.py says of itself, and its peak memory."""
    command = [common.peer_python(), common.ROOT / "bench" / "peer.py", what, f"{bench.folder}/model", f"{bench.folder}/{data}"]
    run = common.measure([*command, "--threads", bench.threads, *options], bench.limits)
    return {**json.loads(run.output.splitlines()[-1]), "peak_bytes": run.peak_bytes}


def succeeded(sides):
    return [side for side in sides.values() if "failed" not in side]


def take_turns(bench, runs):
    """Runs the sides in turn, each after a look at the machine. Returns for each side its figures over all rounds (or why it failed; then it is not tried
    again), the peer's time by ours of each round, and the machine's speeds."""
    sides, speeds, failures = {name: [] for name in runs}, [], {}
    for number in range(1, bench.rounds + 1):
        for name, run in runs.items():
            if name in failures:
                continue
            speeds.append(common.measure_machine(bench.ftc, bench.threads))
            try:
                sides[name].append(run(bench))
                print(f"round {number}: {name} {statistics.median(sides[name][-1]['seconds']):.3f} s", file=sys.stderr, flush=True)
            except Failure as failure:
                failures[name] = {"failed": str(failure)}
                print(f"round {number}: {name} failed: {failure}", file=sys.stderr, flush=True)
    ratios = [] if failures else [statistics.median(a["seconds"]) / statistics.median(b["seconds"]) for a, b in zip(sides["peer"], sides["ftc"])]
    return {name: failures.get(name) or unite(rounds) for name, rounds in sides.items()}, ratios, speeds


def unite(rounds):
    """The figures of several runs as one: all seconds, the largest memory, the median of other times, the first of anything else."""
    united = dict(rounds[0])
    for key in rounds[0]:
        values = [figures[key] for figures in rounds]
        if key == "seconds":
            united[key] = sum(values, [])
        elif key == "peak_bytes":
            united[key] = max(values)
        elif key.endswith("_seconds"):
            united[key] = statistics.median(values)
    return united


ROWS = [
    Training("LoRA, 4 x 512"), Training("LoRA, 4 x 512, memory: 3500 MB", options="memory: 3500 MB"),
    Training("LoRA, 4 x 512, torch.compile", compiled=True),
    Training("LoRA, 4 x 512, compute: f16", compute="f16"), Training("LoRA, 1 x 128", rows=1, tokens=128),
    Training("LoRA, 1 x 128, memory: 1700 MB", rows=1, tokens=128, options="memory: 1700 MB"),
    Training("LoRA, 8 x 128", rows=8, tokens=128), Training("LoRA, 1 x 2048", rows=1, tokens=2048), Training("LoRA, 1 x 8192", rows=1, tokens=8192),
    # What the peer can do of it in 22 GB.
    Training("LoRA, 1 x 8192, 10 layers", rows=1, tokens=8192, layers=10),
    Training("all weights, 4 x 512", whole=True), Training("all weights, 4 x 512, memory: 3240 MB", whole=True, options="memory: 3240 MB"),
    Training("all weights, 4 x 512, torch.compile", whole=True, compiled=True),
    Generation("generation, f32", "f32"), Generation("generation, bf16", "bf16"),
    *(Growth(f"growth, layers: {layers}", rows=4, tokens=128, layers=layers) for layers in (1, 8, 32, 128)),
    *(Growth(f"growth, tokens: {tokens}", rows=1, tokens=tokens, layers=2) for tokens in (512, 2048, 8192, 32768)),
]
