#!/usr/bin/env bash
# same-words.sh FORMATTED FOLDER...: every .ftr file below the folders has the same text in FORMATTED but for blanks.
set -euo pipefail
formatted=$1
shift
find "$@" -name '*.ftr' | while read -r file; do
  cmp <(tr -d ' \n' < "$file") <(tr -d ' \n' < "$formatted/$(basename "$file")")
done
