#!/usr/bin/env bash
# kill.sh EXECUTABLE RUN OUT: runs it undisturbed, then killed at 20 random moments and resumed, and compares all that is left.
set -euo pipefail
executable=$1 run=$2 out=$3
metrics() { sed 's/"seconds":[^}]*/"seconds":0/' "$run/metrics.jsonl"; }
forget() { rm -rf "$run" "$out"; }

forget
start=$(date +%s%N)
"$executable" --out "$run" --quiet
duration=$((($(date +%s%N) - start) / 1000)) # microseconds
rm -rf "$out.undisturbed"
cp -r "$out" "$out.undisturbed"
metrics >"$out.undisturbed/metrics"
cp "$run/loss.svg" "$out.undisturbed"

# compare: what a resumed run has left is what the undisturbed one has.
compare() {
  metrics | cmp - "$out.undisturbed/metrics"
  cmp "$run/loss.svg" "$out.undisturbed/loss.svg"
  diff -r --exclude=metrics --exclude=loss.svg "$out" "$out.undisturbed"
  [ -z "$(find "$run" "$out" -name '*.partial')" ]
}

RANDOM=20
kills=0 tries=0
forget
while [ $kills -lt 20 ]; do
  [ $((++tries)) -lt 200 ] || { echo "only $kills of 20 kills in $tries tries"; exit 1; }
  "$executable" --out "$run" --quiet &
  moment=$((RANDOM * duration / 32768))
  sleep $((moment / 1000000)).$(printf %06d $((moment % 1000000)))
  # A run that was quicker than the moment has nothing left to kill: it begins anew.
  if kill -9 $! 2>/dev/null && ! wait $! 2>/dev/null; then
    kills=$((kills + 1))
  else
    wait $! 2>/dev/null || true
    compare
    forget
  fi
done
"$executable" --out "$run" --quiet
compare
