#!/usr/bin/env bash
# schedule.sh RECIPE TEMPORARY DATA NAME SCHEDULE: puts the schedule into the recipe, trains, and compares the learning rates.
set -euo pipefail
temporary=$2.$4 data=$3
rm -rf "$temporary".*
sed -e "s|DATA|$data|" -e "s|SCHEDULE|$5|" -e "s|unused|$temporary|" "$1" > "$temporary.ftr"
ftc "$temporary.ftr" --target=reference -o "$temporary.exe"
"$temporary.exe" --out "$temporary.run" --fresh --quiet
ftc-compare losses "$temporary.run/metrics.jsonl" "$data/schedules.json" "$4/lr" --field lr --first 100 --bound 1e-10
