#!/usr/bin/env bash
# objective.sh RECIPE TEMPORARY DATA NAME OBJECTIVE FORMAT BATCH [BATCH OF GRADIENTS]: puts the objective into the recipe, and compares the
# loss, its gradient, and the parameters after one step of gradient descent at a rate of 1.
set -euo pipefail
temporary=$2.$4 data=$3/objectives/$4
rm -rf "$temporary".*
sed -e "s|DATA|$data|" -e "s|FORMAT|$6|" -e "s|OBJECTIVE|$5|" -e "s|BATCH|${8:-$7}|" -e "s|TRAINED|$7|" "$1" > "$temporary.ftr"
[ -d "$data/other" ] || sed -i "/^other/d" "$temporary.ftr"
ftc "$temporary.ftr" --target=reference -D gradient="$temporary.gradient" -D trained="$temporary.trained" -o "$temporary.exe"
"$temporary.exe" --out "$temporary.run" --fresh --quiet
ftc-compare losses "$temporary.run/metrics.jsonl" "$data/loss.json" losses --bound 1e-9
ftc-compare tensors "$temporary.gradient" "$data/gradient.safetensors" --bound 1e-9
ftc-compare tensors "$temporary.trained" "$data/trained.safetensors" --bound 1e-9
