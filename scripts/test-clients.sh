#!/usr/bin/env bash
# The official OpenAI clients (Python and Node) against the real binary with real models.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh
binary=$1
python=$(scripts/venv.sh)
[ -d tests/clients/node_modules ] || (cd tests/clients && npm ci --silent --no-audit --no-fund)
work=$(mktemp -d)
key=yz-test-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
trap 'stop_server "${server:-0}"; rm -rf "$work"' EXIT
"$binary" ingest demo/samples --base samples --data "$work/data" || [ $? -eq 2 ]
YIZHAN_BOOTSTRAP_KEY=$key start_server "$binary" "$work/data" 127.0.0.1:0 "$work/log" --chat-model smollm2-135m-instruct
export YIZHAN_URL=$url YIZHAN_KEY=$key YIZHAN_CHAT=smollm2-135m-instruct YIZHAN_BASE=samples YIZHAN_EMBED=multilingual-e5-small
"$python" tests/clients/openai_python.py
node tests/clients/openai_node.mjs
