#!/usr/bin/env bash
# generate.sh RECIPE TEMPORARY DATA MODEL: greedy tokens through the cache are the likeliest of the f64 logits of the whole text, computed anew for every
# token; chance is a function of the seed.
set -euo pipefail
recipe=$1 work=$2.$4 data=$3 name=$4
inputs=$(realpath "$(dirname "$0")")
rm -rf "$work"
mkdir "$work"
cp -r "$data/models/$name" "$work/model"
cp "$data/tokenizers/tiny320/tokenizer.json" "$work/model"
sed -e '/^text/d' -e '/^save text/d' "$recipe" >"$work/logits.ftr"
sed -e '/^save logits/d' "$recipe" >"$work/generate.ftr"
# A prompt that is longer than a chunk of the prefill, and a short one.
python3 - "$data/models/golden.jsonl" "$work/rows.jsonl" <<'PYTHON'
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    first, second = (json.loads(line)["input_ids"] for line in file)
with open(sys.argv[2], "w", encoding="utf-8") as file:
    for ids in (first + second[:25], second[:7]):
        print(json.dumps({"input_ids": ids}), file=file)
PYTHON
cd "$work"
ftc logits.ftr --target=reference -o logits
python3 "$inputs/greedy.py" ./logits logits.safetensors rows.jsonl 10 2
for target in reference cpu; do
  ftc generate.ftr --target=$target -o generate
  ./generate --out "$target.run" --json | grep -F '"answers":2,"equal":2'
done
ftc generate.ftr -D temperature=0.9 -o sample
for options in '--threads 1' '--threads 2' '--threads 2 --seed 5'; do
  ./sample --out run --fresh --quiet $options
  mv samples.txt "samples $options"
done
cmp 'samples --threads 1' 'samples --threads 2'
! cmp -s 'samples --threads 2' 'samples --threads 2 --seed 5'
