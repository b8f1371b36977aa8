#!/usr/bin/env bash
# gradients.sh FTC FOLDER...: tries every definition in the files of the folders.
set -uo pipefail
ftc=$1 failed=0
shift
for folder; do
  for file in "$folder"/*.ftr; do
    echo "== $file"
    "$ftc" check --gradients "$file" || failed=1
  done
done
exit $failed
