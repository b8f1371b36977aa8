#!/usr/bin/env bash
# untouched-rows.sh FTC COMPARE RECIPE MODEL FOLDER OPTIMIZER: trains on both targets, which must take the same steps.
set -euo pipefail
ftc=$1 compare=$2 recipe=$3 model=$4 folder=$5 optimizer=$6
sed "s|MODEL|$model|; s|OPTIMIZER|$optimizer|" "$recipe" > "$folder/train.ftr"
for target in reference cpu; do
  "$ftc" "$folder/train.ftr" --target=$target -o "$folder/$target"
  "$folder/$target" --out "$folder/$target.run" --outputs "$folder/$target.out" --fresh --quiet
done
"$compare" tensors "$folder/cpu.out/trained.safetensors" "$folder/reference.out/trained.safetensors" --bound 1e-3
