#!/usr/bin/env bash
# legacy.sh RECIPE TEMPORARY MODEL...: the logits of golden models whose config.json is in the layout of transformers 4.
set -euo pipefail
recipe=$1 temporary=$2
shift 2
models=$(dirname "$recipe")/../../data/models
for name in "$@"; do
  rm -rf "$temporary".*
  mkdir "$temporary.model"
  cp "$models/$name/config.legacy.json" "$temporary.model/config.json"
  cp "$models/$name/model.safetensors" "$temporary.model/"
  ftc "$recipe" --target=reference -D model="$temporary.model" -D out="$temporary.safetensors" -o "$temporary.exe"
  "$temporary.exe" --out "$temporary.run" --fresh --quiet
  ftc-compare tensors "$temporary.safetensors" "$models/$name/golden.safetensors" --only logits --bound 1e-5
done
