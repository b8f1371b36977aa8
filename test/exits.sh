#!/usr/bin/env bash
# exits.sh STATUS COMMAND...: runs the command and fails unless its exit status is STATUS.
expected=$1
shift
"$@"
status=$?
if [ "$status" -ne "$expected" ]; then
  echo "exits.sh: expected exit status $expected, got $status: $*" >&2
  exit 1
fi
