#!/usr/bin/env bash
# trained.sh FTC COMPARE EXAMPLES DATA WORK FOLDER [NAME]: trains with the definitions of a folder of the gallery, or with one of them, as
# DATA/gallery/cases.txt says; the losses must be those of losses.json there. With COMPARE `-` they are only found, in WORK/NAME.run, from the
# tensors in WORK/NAME.start.safetensors, which WORK/NAME.adapter has with those that are not trained.
set -uo pipefail
ftc=$1 compare=$2 examples=$3 data=$4 work=$5 wanted=$6 only=${7:-} failed=0
[ -z "$only" ] && rm -rf "$work"
mkdir -p "$work"
rows=$data/../Execution/Objectives/Inputs
trim() { local text=${1#"${1%%[![:space:]]*}"}; printf '%s' "${text%"${text##*[![:space:]]}"}"; }
while IFS='|' read -r folder name lines objective optimizer kind steps; do
  name=$(trim "$name") lines=$(trim "$lines") kind=$(trim "$kind")
  [ "$(trim "$folder")" = "$wanted" ] || continue
  [ -z "$only" ] || [ "$only" = "$name" ] || continue
  case $lines in
    full) lines='**.{q_proj, down_proj, input_layernorm} : full' ;;
    lora) lines='**.{q_proj, v_proj} : lora(rank: 4)' ;;
  esac
  file=$rows/$kind.jsonl
  [ "$kind" = tokens ] && file=$data/adapters/batches.jsonl
  [ "$kind" = classification ] && file=$data/gallery/$kind.jsonl # with labels that several rows have
  # What a definition asks of rows besides what they have: numbers.
  numbers=$(grep -o 'row\.[a-z_]*' "$examples/$wanted/$name.ftr" | grep -vE '\.(w|ids|labels)$' | sort -u | sed 's/row\.\(.*\)/"\1"/' | paste -sd, || true)
  [ -n "$numbers" ] && [ "$kind" = tokens ] && file=$data/gallery/$kind.jsonl
  cp "$examples/$wanted/$name.ftr" "$work/definition-$name.ftr"
  cat > "$work/$name.ftr" <<RECIPE
import "definition-$name.ftr"
base    = load("$data/models/llama")
teacher = load("$data/models/llama-tied")
rows    = dataset("$file", format: $kind, tokenizer: none, shuffle: none${numbers:+, numbers: [$numbers]})
some    = dataset("$data/adapters/batches.jsonl", format: tokens, shuffle: none, limit: 8)
tuned   = adapt base { $lines }
run     = train tuned {
  data: rows   objective: $objective   optimizer: $optimizer   schedule: constant
  batch: 4 x 32   packing: none   steps: $steps   gradient_clip: none   seed: 1
}
save tuned as safetensors("$work/$name.start.safetensors")
save run as safetensors("$work/$name.end.safetensors")
RECIPE
  # Frozen tensors too, where they are asked for.
  [ "$compare" = - ] && [ "$wanted" = adapters ] && echo "save tuned as peft(\"$work/$name.adapter\")" >> "$work/$name.ftr"
  echo "== $name"
  # What a recipe does not need is left out: a warning otherwise.
  for unused in teacher some; do
    grep -qE "(reference|teacher|data): $unused" "$work/$name.ftr" || sed -i "/^$unused /d" "$work/$name.ftr"
  done
  "$ftc" "$work/$name.ftr" --target=reference -o "$work/$name.exe" &&
    "$work/$name.exe" --out "$work/$name.run" --fresh --quiet || failed=1
  [ "$compare" = - ] || "$compare" losses "$work/$name.run/metrics.jsonl" "$data/gallery/losses.json" "$name" --bound 1e-9 || failed=1
done < "$data/gallery/cases.txt"
exit $failed
