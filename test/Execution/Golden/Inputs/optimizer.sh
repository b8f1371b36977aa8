#!/usr/bin/env bash
# optimizer.sh RECIPE TEMPORARY DATA NAME OPTIMIZER: puts the optimizer into the recipe, trains, and compares every loss and the last values.
set -euo pipefail
temporary=$2.$4 data=$3
rm -rf "$temporary".*
sed -e "s|DATA|$data|" -e "s|OPTIMIZER|$5|" "$1" > "$temporary.ftr"
ftc "$temporary.ftr" --target=reference -D out="$temporary.safetensors" -o "$temporary.exe"
"$temporary.exe" --out "$temporary.run" --fresh --quiet
ftc-compare losses "$temporary.run/metrics.jsonl" "$data/$4.json" losses --bound 1e-10
ftc-compare tensors "$temporary.safetensors" "$data/$4.safetensors" --bound 1e-10
