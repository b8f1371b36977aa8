#!/usr/bin/env bash
# packed.sh RECIPE TEMPORARY TARGET LOSS-BOUND BOUND MODEL: compiles and runs the recipe on a golden model and compares what it saved.
set -euo pipefail
recipe=$1 temporary=$2.$3.$6 target=$3 lossBound=$4 bound=$5
model=$(dirname "$recipe")/../data/models/$6
compare="python3 $(dirname "$0")/compare.py"
rm -rf "$temporary".*
ftc "$recipe" --target="$target" -D model="$model" -D out="$temporary.out" -o "$temporary.exe"
"$temporary.exe" --out "$temporary.run" --fresh --quiet
$compare loss "$lossBound" "$temporary.run/metrics.jsonl" "$model/packed.safetensors"
$compare alone "$bound" "$temporary.out/logits.safetensors" "$model/packed.safetensors"
ftc-compare tensors "$temporary.out/packed.safetensors" "$temporary.out/alone.safetensors" --bound "$bound"
