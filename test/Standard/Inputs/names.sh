#!/usr/bin/env bash
# names.sh SOURCE: fails, naming the places, if a string literal of the compiler or the runtime is the name of a standard definition.
set -euo pipefail
cd "$1"
kinds='adapter|objective|optimizer|schedule|format|merge|model'
names=$(grep -hoE "^($kinds) +[A-Za-z_][A-Za-z0-9_]*" -r lib/Standard --include='*.ftr' | awk '{print $2}' | sort -u)
# Words that mean something else as well: the kind of site `linear`, the option `gradient_clip` of `train`, the field `prompt` of data.
names=$(grep -vxF -e linear -e gradient_clip -e prompt <<< "$names")
pattern="\"($(paste -sd'|' <<< "$names"))\""
# Examples in the documentation of ops may name them.
if grep -nE "$pattern" -r lib include dialects tools --include='*.cpp' --include='*.h' --include='*.td' |
  grep -vE '\.td:[0-9]+: .*(#recipe\.call|schedule |objective )<'; then
  echo "these places know a definition by name" >&2
  exit 1
fi
test "$(wc -l <<< "$names")" -gt 20
