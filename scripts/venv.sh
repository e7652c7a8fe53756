#!/usr/bin/env bash
# Makes .venv with the official Python clients and prints its Python.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=tests/clients/python/requirements.txt
if ! cmp --silent "$wanted" .venv/installed.txt; then
  rm -rf .venv
  python3 -m venv .venv >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$wanted" >&2
  cp "$wanted" .venv/installed.txt
fi
echo "$PWD/.venv/bin/python"
