#!/usr/bin/env bash
# mistakes.sh FOLDER: each mistake of docs/variants.md, made in a copy of its definition, gives the message that the page shows.
set -euo pipefail
cd "$1"
cp weighted.ftr sound.ftr.txt
number=0
# mistake SED: the first message must be the next block of the page.
mistake() {
  number=$((number + 1))
  sed "$1" sound.ftr.txt >weighted.ftr
  cmp -s weighted.ftr sound.ftr.txt && { echo "mistake $number changes nothing"; exit 1; }
  if ftc check compare.ftr 2>found.txt; then echo "mistake $number is not found"; exit 1; fi
  head -n "$(wc -l <"block-$number.txt")" found.txt | diff "block-$number.txt" -
  cp sound.ftr.txt weighted.ftr
}
mistake 's/\[rank\] = ones/[ranks] = ones/'
mistake 's/B @ (d \* (A @ x))/A @ (d * (B @ x))/'
mistake 's/d \* (A @ x)/tanh(d * (A @ x))/'
mistake 's/d \* (A @ x)/d + A @ x/'
