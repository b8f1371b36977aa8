#!/usr/bin/env bash
# gradients.sh FTC STANDARD: tries every definition in the library's files of adapters and objectives.
set -uo pipefail
ftc=$1 standard=$2 failed=0
for file in "$standard"/adapters/*.ftr "$standard"/objectives/*.ftr; do
  echo "== $file"
  "$ftc" check --gradients "$file" || failed=1
done
exit $failed
