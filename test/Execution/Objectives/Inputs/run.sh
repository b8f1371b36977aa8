#!/usr/bin/env bash
# run.sh RECIPE TEMPORARY DATA FORMAT OBJECTIVE [THE SAME IN OTHER WORDS]: runs the recipe with the objective on both targets and in other
# ways that must give the same losses.
set -euo pipefail
recipe=$1 data=$3 format=$4 objective=$5 other=${6:-}
temporary=$2.${objective%%(*}
rows=$(dirname "$recipe")/Inputs/$format.jsonl
[ "$format" = tokens ] && rows=$data/adapters/batches.jsonl
mixes=$(case $objective in kto*) echo yes ;; esac)
rm -rf "$temporary".*

# train NAME TARGET MICRO OBJECTIVE [OPTIONS]: leaves the metrics in NAME.run.
train() {
  local name=$temporary.$1 target=$2 micro=$3 what=$4
  shift 4
  sed -e "s|MODELS|$data/models|" -e "s|ROWS|$rows|" -e "s|FORMAT|$format|" -e "s|OBJECTIVE|$what|" -e "s|OUT|$name|" "$recipe" > "$name.ftr"
  grep -q "objective: .*other" "$name.ftr" || sed -i "/^other/d" "$name.ftr"
  ftc "$name.ftr" --target="$target" -D micro="$micro" -o "$name.exe"
  "$name.exe" --out "$name.run" --quiet "$@"
}
same() { ftc-compare losses "$temporary.$1.run/metrics.jsonl" "$temporary.$2.run/metrics.jsonl" --bound "$3"; }

train whole reference 4 "$objective"
train cpu cpu 4 "$objective"
same cpu whole 1e-4
if [ -z "$mixes" ]; then
  train parts reference 1 "$objective"
  same parts whole 1e-12
fi
if [ -n "$other" ]; then
  train named reference 4 "$other"
  same named whole 1e-12
fi
train resumed cpu 4 "$objective" --stop-after 4 || true
test -e "$temporary.resumed/adapter.safetensors" && exit 1
"$temporary.resumed.exe" --out "$temporary.resumed.run" --quiet
cmp "$temporary.resumed/adapter.safetensors" "$temporary.cpu/adapter.safetensors"
