"""What the scripts of this folder share: models of random weights, the peers' Python, the machine, and measured commands."""

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ["torch==2.15.0", "transformers", "peft"]

# The shape of SmolLM2-135M, but for its number of layers.
SMOLLM2 = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536,
           "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192, "rope_theta": 100000.0, "rms_norm_eps": 1e-5,
           "tie_word_embeddings": True}

MODEL = """
base  = load("{folder}/config")
start = adapt base {{
  **.{{embed_tokens, self_attn, mlp}}.** : fresh(std: 0.04)
  **.{{input_layernorm, post_attention_layernorm, norm}} : fresh(mean: 1, std: 0)
}}
save start as huggingface("{folder}/model", dtype: {dtype})
"""

STEP = """
base  = load("{folder}/model")
data  = dataset("{folder}/batches.jsonl", format: tokens, shuffle: none, tokenizer: none)
tuned = adapt base {{ {adapters} }}
run   = train tuned {{
  data: data   objective: sft   optimizer: adamw(lr: 1e-4)   schedule: constant
  batch: {rows} x {tokens}   packing: none   steps: {steps}   gradient_clip: none   precision {{ compute: {compute} }}   {options}
}}
save run as safetensors("{folder}/trained.safetensors")
"""


def step_recipe(folder, adapters, rows, tokens, steps, compute="f32", options=""):
    """A recipe that trains some steps; `options`: further ones of its training."""
    return STEP.format(folder=folder, adapters=adapters, rows=rows, tokens=tokens, steps=steps, compute=compute, options=options)


LORA = "**.layers.*.{self_attn, mlp}.* : lora(rank: 16, alpha: 32)"


class Failure(SystemExit):
    """Something could not be measured; the text says why."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a command may use before it is ended."""
    bytes: int | None = None
    seconds: float | None = None


@dataclasses.dataclass(frozen=True)
class Measured:
    output: str
    seconds: float
    peak_bytes: int  # the largest resident set
    times: list  # of each line of the output, in seconds from the start


class Watch(threading.Thread):
    """Ends a process group when its leader goes beyond the limits, so that the machine does not run out of memory."""

    def __init__(self, pid, limits):
        super().__init__(daemon=True)
        self.pid, self.limits = pid, limits
        self.reason = None
        self.ended = threading.Event()

    def run(self):
        begin = time.monotonic()
        while not self.ended.wait(0.05):
            try:
                pages = int(pathlib.Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
            except (OSError, IndexError):
                return
            if self.limits.bytes and pages * os.sysconf("SC_PAGE_SIZE") > self.limits.bytes:
                self.reason = f"needs more than {self.limits.bytes / 1e9:.1f} GB"
            elif self.limits.seconds and time.monotonic() - begin > self.limits.seconds:
                self.reason = f"takes more than {self.limits.seconds:.0f} s"
            if self.reason:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                return


def reason_of(errors, code):
    """Why a command failed: its first error, else the last line of its stderr."""
    errors.seek(0)
    said = [line.strip() for line in errors if line.strip()]
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return next((line for line in said if "error:" in line), said[-1] if said else f"exit status {code}")[:300]


def measure(command, limits=Limits()):
    """Runs a command. Raises Failure with the reason if it fails, or with the limit that it went beyond."""
    command = list(map(str, command))
    begin, lines, times = time.monotonic(), [], []
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        watch = Watch(process.pid, limits)
        watch.start()
        try:
            for line in process.stdout:
                lines.append(line)
                times.append(time.monotonic() - begin)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            seconds = time.monotonic() - begin
            watch.ended.set()
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if status:
            raise Failure(watch.reason or f"{pathlib.Path(command[0]).name}: {reason_of(errors, process.returncode)}")
    return Measured("".join(lines), seconds, usage.ru_maxrss * 1024, times)


def peer_python():
    """The Python of an environment that holds the peers."""
    if "FTC_BENCH_PYTHON" in os.environ:
        return os.environ["FTC_BENCH_PYTHON"]
    folder = ROOT / ".cache" / "peers"
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing {' '.join(PEERS)} into {folder}", file=sys.stderr)
        measure([sys.executable, "-m", "venv", folder])
        measure([python, "-m", "pip", "install", "-q", *PEERS])
    return str(python)


def measure_machine(ftc, threads):
    """What `ftc machine` measures at this moment."""
    return json.loads(measure([ftc, "machine", "--json", "--threads", threads]).output)


def describe_machine(threads):
    """The processor's name and what of it is used."""
    name = platform.processor()
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            name = line.split(":", 1)[1].strip()
            break
    return f"{name}, {threads} threads"


def describe_run(threads):
    """Day, machine and revision, which every figure is stored with."""
    revision = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {"date": datetime.date.today().isoformat(), "machine": describe_machine(threads), "ftc_revision": revision.stdout.strip()}


class Others:
    """How busy the processors were with the work of others since it was made."""

    def __init__(self):
        self.begin = self.look()

    @staticmethod
    def look():
        """Seconds of all processors: in all, at work, and at work for this process and its finished children."""
        fields = pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
        times = [int(field) / os.sysconf("SC_CLK_TCK") for field in fields]  # user, nice, system, idle, iowait, irq, softirq, steal
        return sum(times), sum(times) - times[3] - times[4], sum(os.times()[:4])

    def share(self):
        total, busy, own = (after - before for before, after in zip(self.begin, self.look()))
        return max(0.0, (busy - own) / total) if total else 0.0


def has_half_arithmetic():
    """Whether the processor multiplies and adds in f16."""
    return "avx512_fp16" in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")


def free_memory():
    """Bytes that programs could have now."""
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise Failure("/proc/meminfo does not say what memory is free")


def add_options(parser, rounds):
    """The options that all scripts have."""
    parser.add_argument("--rounds", type=int, default=rounds, help="how often what is compared is run in turn")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="the build folder, which holds bin/ftc")


def find_ftc(build):
    ftc = build / "bin" / "ftc"
    if not ftc.exists():
        raise Failure(f"{ftc} does not exist: ninja -C {build} ftc ftc_runtime")
    return ftc


def write_tokens(path, rows, tokens, vocabulary, **fields):
    """Rows of random tokens, the same for equal arguments."""
    numbers = random.Random(0)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(rows):
            file.write(json.dumps({"input_ids": [numbers.randrange(3, vocabulary) for _ in range(tokens)], **fields}) + "\n")


def make_model(ftc, folder, config, dtype="f32", tokenizer=None):
    """Writes FOLDER/model with random weights of that shape, by a recipe."""
    os.makedirs(f"{folder}/config")
    pathlib.Path(f"{folder}/config/config.json").write_text(json.dumps(config), encoding="utf-8")
    if tokenizer:
        data = ROOT / "test" / "data" / "tokenizers" / tokenizer / "tokenizer.json"
        pathlib.Path(f"{folder}/config/tokenizer.json").write_bytes(data.read_bytes())
    compile_recipe(ftc, folder, "make", MODEL.format(folder=folder, dtype=dtype))
    measure([f"{folder}/make", "--out", f"{folder}/made", "--quiet"])


def compile_recipe(ftc, folder, name, text):
    """Compiles a recipe to FOLDER/NAME; the seconds that took."""
    recipe = pathlib.Path(f"{folder}/{name}.ftr")
    recipe.write_text(text, encoding="utf-8")
    return measure([ftc, recipe, "-o", f"{folder}/{name}"]).seconds


def plan_recipe(ftc, folder, name):
    """What `ftc plan` says of FOLDER/NAME.ftr, and the seconds that took."""
    planned = measure([ftc, "plan", "--json", f"{folder}/{name}.ftr"])
    return json.loads(planned.output), planned.seconds


def run_steps(executable, folder, threads, limits=Limits()):
    """Trains; the metrics of its steps, the seconds from start to the end of the first step, and the peak memory."""
    run = measure([executable, "--out", f"{folder}/run", "--fresh", "--json", "--threads", threads], limits)
    steps = [(line, at) for line, at in zip(map(json.loads, run.output.splitlines()), run.times) if "step" in line]
    return [line for line, _ in steps], steps[0][1], run.peak_bytes
