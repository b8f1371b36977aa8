#!/usr/bin/env bash
# method.sh RECIPE TEMPORARY DATA METHOD [CONFIGURATION KEYS THAT MAY BE SAID OTHERWISE]: twenty steps from the adapter that PEFT made. The
# naive target's losses are within 1e-6 of float64's, the cpu's within 1e-4; then the logits, the trained adapter and its configuration as
# PEFT saves it, and the merged weights, as far as the recipe saves them.
set -euo pipefail
recipe=$1 temporary=$2 data=$3 method=$4
golden=$data/adapters/$method
shift 4
for target in reference cpu; do
  out=$temporary.$target
  rm -rf "$out"*
  ftc "$recipe" --target=$target -D out="$out" -o "$out.exe"
  "$out.exe" --out "$out.run" --fresh --quiet
  case $target in
    reference) losses="float64 --bound 1e-6" logits=1e-5 ;;
    cpu) losses="float64 --bound 1e-4" logits=2e-4 ;;
  esac
  ftc-compare losses "$out.run/metrics.jsonl" "$golden/losses.json" $losses
  if [ -e "$out/logits.safetensors" ]; then
    ftc-compare tensors "$out/logits.safetensors" "$golden/logits.safetensors" --only logits --bound $logits
  fi
done
out=$temporary.reference
if [ -e "$out/model" ]; then
  ftc-compare tensors "$out/model/model.safetensors" "$golden/merged.safetensors" --bound 1e-5
fi
if [ -e "$out/trained.safetensors" ]; then
  ftc-compare tensors "$out/trained.safetensors" "$golden/final.safetensors" --bound 1e-5
fi
if [ -e "$out/adapter" ]; then
  ftc-compare tensors "$out/adapter/adapter_model.safetensors" "$golden/final/adapter_model.safetensors" --bound 1e-5
  python3 "$(dirname "$0")/../../Inputs/compare.py" config "$out/adapter" "$golden/final" "$@"
fi
