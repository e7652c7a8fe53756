#!/usr/bin/env bash
# Installs what is missing on a Debian machine that has Rust and Node. Quick when nothing is.
set -euo pipefail
cd "$(dirname "$0")/.."

need_rust() {
  echo "setup: $1 is missing: install Rust from https://rustup.rs and run this again" >&2
  exit 1
}
command -v cargo >/dev/null || need_rust cargo

packages=()
command -v cc >/dev/null && command -v c++ >/dev/null || packages+=(build-essential)
command -v cmake >/dev/null || packages+=(cmake)
command -v clang >/dev/null || packages+=(clang)
compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || packages+=(libclang-dev)
command -v mold >/dev/null || packages+=(mold)
command -v curl >/dev/null || packages+=(curl)
command -v python3 >/dev/null || packages+=(python3)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
command -v redis-server >/dev/null || packages+=(redis-server)
if [ ${#packages[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "setup: please install: ${packages[*]}" >&2
    exit 1
  fi
  scripts/step "Installing ${packages[*]}"
  sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi
if ! command -v cargo-nextest >/dev/null; then
  scripts/step "Installing cargo-nextest (once; several minutes)"
  CARGO_TARGET_DIR="$CARGO_TARGET_DIR/nextest" cargo install --quiet --locked cargo-nextest
fi
