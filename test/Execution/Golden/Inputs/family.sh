#!/usr/bin/env bash
# family.sh RECIPE TEMPORARY DATA full|lora|biases MODEL: twenty steps on a golden model. The naive target's losses are within 1e-6 of float64's, the
# cpu's within 1e-4; so are the logits (1e-5, 2e-4) where there are golden ones.
set -euo pipefail
recipe=$1 temporary=$2.$5 data=$3 model=$5
golden=$data/adapters/$4-$model
for target in reference cpu; do
  out=$temporary.$target
  rm -rf "$out"*
  ftc "$recipe" --target=$target -D model="$model" -D out="$out.safetensors" -o "$out.exe"
  "$out.exe" --out "$out.run" --fresh --quiet
  case $target in
    reference) losses=1e-6 logits=1e-5 ;;
    cpu) losses=1e-4 logits=2e-4 ;;
  esac
  ftc-compare losses "$out.run/metrics.jsonl" "$golden/losses.json" float64 --bound $losses
  if [ -e "$golden/logits.safetensors" ]; then
    ftc-compare tensors "$out.safetensors" "$golden/logits.safetensors" --only logits --bound $logits
  fi
done
