#!/usr/bin/env bash
# optimizers.sh FTC COMPARE FOLDER DATA WORK: trains with each optimizer of the folder on both targets, whose losses must agree and fall.
set -uo pipefail
ftc=$1 compare=$2 folder=$3 data=$4 work=$5 failed=0
rm -rf "$work" && mkdir -p "$work"
for file in "$folder"/*.ftr; do
  name=$(basename "$file" .ftr)
  rate=1e-2
  [ "$name" = prodigy ] && rate=1
  arguments="lr: $rate"
  grep -q "^optimizer $name(inner: optimizer" "$file" && arguments="inner: sgd(lr: 1e-2)"
  cp "$file" "$work/definition-$name.ftr"
  cat > "$work/$name.ftr" <<RECIPE
import "definition-$name.ftr"
base  = load("$data/models/llama")
rows  = dataset("$data/adapters/batches.jsonl", format: tokens, shuffle: none)
tuned = adapt base { **.{q_proj, down_proj, input_layernorm} : full }
run   = train tuned { data: rows   objective: sft   optimizer: $name($arguments)   batch: 4 x 32   packing: none   steps: 5   gradient_clip: none }
save run as safetensors("$work/$name.safetensors")
RECIPE
  echo "== $name($arguments)"
  for target in reference cpu; do
    "$ftc" "$work/$name.ftr" --target=$target -o "$work/$name.$target" &&
      "$work/$name.$target" --out "$work/$name.$target.run" --fresh --quiet || failed=1
  done
  "$compare" losses "$work/$name.cpu.run/metrics.jsonl" "$work/$name.reference.run/metrics.jsonl" --bound 1e-4 || failed=1
done
exit $failed
