#!/usr/bin/env bash
# golden.sh RECIPE TEMPORARY logits|gradients TARGET BOUND MODEL: compiles and runs the recipe on a golden model and compares what it saved.
set -euo pipefail
recipe=$1 temporary=$2.$4.$6 what=$3 target=$4 bound=$5
model=$(dirname "$recipe")/../../data/models/$6
rm -rf "$temporary".*
ftc "$recipe" --target="$target" -D model="$model" -D out="$temporary.safetensors" -o "$temporary.exe"
"$temporary.exe" --out "$temporary.run" --fresh --quiet
case $what in
  logits) ftc-compare tensors "$temporary.safetensors" "$model/golden.safetensors" --only logits --bound "$bound" ;;
  gradients)
    ftc-compare tensors "$temporary.safetensors" "$model/grads.safetensors" --bound "$bound"
    python3 "$(dirname "$0")/../../Inputs/compare.py" loss "$bound" "$temporary.run/metrics.jsonl" "$model/golden.safetensors"
    ;;
esac
