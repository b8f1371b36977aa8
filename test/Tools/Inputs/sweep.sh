#!/usr/bin/env bash
# sweep.sh FTC: interrupts a sweep in its second point and goes on; the first point is not done again.
set -euo pipefail
ftc=$1
"$ftc" run sweep.ftr -D steps=400 --sweep rank=2,4 -- --out long >first.txt &
until [ "$(wc -l 2>/dev/null <long/rank=4/metrics.jsonl || echo 0)" -ge 5 ]; do sleep 0.01; done
kill -INT $!
status=0
wait $! || status=$?
[ $status = 130 ] || { echo "an interrupted sweep ends with $status"; exit 1; }
[ ! -e long/sweep.json ]
"$ftc" run sweep.ftr -D steps=400 --sweep rank=2,4 -- --out long >second.txt
grep -q 'everything in long/rank=2 is done' second.txt
grep -q 'run: going on after step' second.txt
[ "$(grep -c '"step"' long/rank=4/metrics.jsonl)" = 400 ]
grep -q '"status": 0' long/sweep.json
