#!/usr/bin/env bash
# stop.sh EXECUTABLE RUN OUT: runs it undisturbed, then stopped in several ways and resumed, and compares all that is left.
set -euo pipefail
executable=$1 run=$2 out=$3
metrics() { sed 's/"seconds":[^}]*/"seconds":0/' "$run/metrics.jsonl"; }
forget() { rm -rf "$run" "$out"; }
fail() { echo "$1"; exit 1; }

forget
"$executable" --out "$run" --quiet
rm -rf "$out.undisturbed"
cp -r "$out" "$out.undisturbed"
metrics >"$out.undisturbed/metrics"

# resume: what a resumed run leaves is what the undisturbed one has left.
resume() {
  "$executable" --out "$run" --quiet
  metrics | cmp - "$out.undisturbed/metrics"
  cmp "$out/adapter/adapter_config.json" "$out.undisturbed/adapter/adapter_config.json"
  cmp "$out/adapter/adapter_model.safetensors" "$out.undisturbed/adapter/adapter_model.safetensors"
}

forget
"$executable" --out "$run" --quiet --stop-after 25
[ "$(wc -l <"$run/metrics.jsonl")" = 25 ] || fail "not 25 steps are done"
[ ! -e "$out" ] || fail "a stopped run has saved something"
resume

for damage in cut bytes empty; do
  forget
  "$executable" --out "$run" --quiet --stop-after 35
  newest=$(find "$run/checkpoints" -name "*.checkpoint" | sort | tail -n 1)
  case $damage in
    cut) truncate -s -100 "$newest" ;;
    bytes) printf 'xxxx' | dd of="$newest" bs=1 seek=5000 conv=notrunc status=none ;;
    empty) : >"$newest" ;;
  esac
  resume
done

forget
"$executable" --out "$run" --quiet &
until [ "$(wc -l 2>/dev/null <"$run/metrics.jsonl" || echo 0)" -ge 3 ]; do sleep 0.005; done
kill -INT $!
status=0
wait $! || status=$?
[ $status = 130 ] || fail "an interrupted run ends with $status"
[ ! -e "$out" ] || fail "an interrupted run has saved something"
resume

# Finished: nothing is done again, but what has vanished.
before=$(stat -c %Y.%i "$out/adapter/adapter_model.safetensors")
resume
[ "$before" = "$(stat -c %Y.%i "$out/adapter/adapter_model.safetensors")" ] || fail "a finished step is done again"
rm -r "$out/adapter"
resume
