#!/usr/bin/env bash
# Makes .venv with the OpenAI Python client and prints its Python.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! .venv/bin/python -c 'import openai' 2>/dev/null; then
  rm -rf .venv
  python3 -m venv .venv >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check openai >&2
fi
echo "$PWD/.venv/bin/python"
