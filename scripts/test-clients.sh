#!/usr/bin/env bash
# The official OpenAI clients (Python and Node) against the real binary with real models.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh
binary=$1
python=$(scripts/venv.sh)
[ -d tests/clients/node/node_modules ] || npm install --prefix tests/clients/node --silent --no-audit --no-fund --no-package-lock
work=$(mktemp -d)
key=yz-test-$(od -An -N12 -tx8 /dev/urandom | tr -d ' \n')
server=0
trap 'stop_server "$server"; rm -rf "$work"' EXIT
YIZHAN_BOOTSTRAP_KEY=$key start_server "$binary" "$work/data" 127.0.0.1:0 "$work/log" --chat-model smollm2-135m-instruct
export YIZHAN_URL=$url YIZHAN_KEY=$key YIZHAN_CHAT_MODEL=smollm2-135m-instruct YIZHAN_EMBED_MODEL=multilingual-e5-small
# A model of 135 million parameters need not cite.
export YIZHAN_ANNOTATIONS=optional
"$python" tests/clients/python/test_openai.py
npm test --silent --prefix tests/clients/node
