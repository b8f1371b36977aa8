import os
import shutil

import lit.formats

config.name = "ftc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".ftr", ".mlir", ".test"]
config.excludes = ["data", "Inputs"]
config.test_source_root = os.path.join(config.ftc_source, "test")
config.test_exec_root = os.path.join(config.ftc_build, "test")

binaries = os.path.join(config.ftc_build, "bin")
config.environment["PATH"] = os.pathsep.join([binaries, config.llvm_tools, os.environ["PATH"]])
# Executables that `ftc run` caches belong to the build.
config.environment["FTC_CACHE"] = os.path.join(config.ftc_build, "cache")

# The model that `./setup.sh demo` fetches; tests of it are skipped where it is not.
cache = os.environ.get("FTC_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ftc"
)
smollm2 = os.path.join(cache, "SmolLM2-135M-Instruct.Q4_1.gguf")
if os.path.exists(smollm2):
    config.available_features.add("smollm2")

# Tests that count instructions are skipped without it.
if shutil.which("valgrind"):
    config.available_features.add("valgrind")

# Tests of products by tiles are skipped where the processor has none; those of products without them ask for another one where it has.
with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
    has_tiles = "amx_bf16" in next((line.split() for line in cpuinfo if line.startswith("flags")), [])
if has_tiles:
    config.available_features.add("amx")

data = os.path.join(config.test_source_root, "data")
examples = os.path.join(config.ftc_source, "examples")
# A result against the golden one: %check-logits TARGET BOUND MODEL.
golden = os.path.join(config.test_source_root, "Execution", "Golden", "Inputs", "golden.sh")
execution = os.path.join(config.test_source_root, "Execution", "Inputs")
given = lambda script, folder: f"bash {os.path.join(os.path.dirname(golden), script)} %s %t {os.path.join(data, folder)}"
config.substitutions += [
    ("%check-optimizer", given("optimizer.sh", "optimizers")),
    ("%check-schedule", given("schedule.sh", "optimizers")),
    ("%check-method", given("method.sh", "")),
    ("%check-family", given("family.sh", "")),
    ("%check-objective", given("objective.sh", "")),
    ("%check-run", f"bash {os.path.join(config.test_source_root, 'Execution', 'Objectives', 'Inputs', 'run.sh')} %s %t {data}"),
    ("%check-packed", f"bash {os.path.join(execution, 'packed.sh')} %s %t"),
    ("%check-generate", f"bash {os.path.join(execution, 'generate.sh')} %s %t {data}"),
    ("%compare", f"python3 {os.path.join(execution, 'compare.py')}"),
    ("%check-logits", f"bash {golden} %s %t logits"),
    ("%check-gradients", f"bash {golden} %s %t gradients"),
    ("%exits", "bash " + os.path.join(config.test_source_root, "exits.sh")),
    ("%without-tiles", "--cpu=x86-64-v4" if has_tiles else ""),
    ("%smollm2", smollm2),
    ("%ftc-compare", os.path.join(binaries, "ftc-compare")),
    ("%ftc", os.path.join(binaries, "ftc")),
    ("%build", config.ftc_build),
    ("%data", data),
    ("%examples", examples),
    ("%standard", os.path.join(config.ftc_source, "lib", "Standard")),
    ("%unit", os.path.join(binaries, "unit")),
]
