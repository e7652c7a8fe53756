#!/usr/bin/env bash
# Licences, bans and sources of all dependencies. The advisories need a database from outside the
# package registries: `cargo deny check advisories` where that can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
if command -v cargo-deny >/dev/null; then
  cargo deny --all-features check licenses bans sources
else
  echo "lint: cargo-deny is not installed; 'cargo install --locked cargo-deny' adds it" >&2
  exit 1
fi
