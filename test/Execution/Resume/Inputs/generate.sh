#!/usr/bin/env bash
# generate.sh EXECUTABLE RUN: interrupts a generation after its first sample, kills it after its third, cuts the last line it has written, and finishes it.
set -euo pipefail
executable=$1 run=$2
samples() { cat "$run"/results/*.samples.jsonl 2>/dev/null | wc -l; }
fail() { echo "$1"; exit 1; }

# until_samples COUNT SIGNAL: sends the signal when so many samples are there; the exit status is in `status`.
until_samples() {
  "$executable" --out "$run" --quiet &
  until [ "$(samples)" -ge "$1" ]; do sleep 0.01; done
  kill -"$2" $! || fail "it was finished before the signal"
  status=0
  wait $! || status=$?
}
until_samples 1 INT
[ $status = 130 ] || fail "an interrupted run ends with $status"
before=$(samples)
until_samples 3 KILL
[ "$(samples)" -ge 3 ] && [ "$before" -ge 1 ] || fail "samples are lost"
file=$(ls "$run"/results/*.samples.jsonl)
truncate -s -10 "$file"
"$executable" --out "$run" | grep -E "text: going on after prompt [2-7] of 8"
