#!/usr/bin/env bash
# The official clients of OpenAI and Anthropic, Python's and Node's, against the real binary with real models.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh
binary=$1
python=$(scripts/venv.sh)
[ -d tests/clients/node/node_modules/@anthropic-ai ] || npm install --prefix tests/clients/node --silent --no-audit --no-fund --no-package-lock
work=$(mktemp -d)
key=yz-test-$(od -An -N12 -tx8 /dev/urandom | tr -d ' \n')
server=0
trap 'stop_server "$server"; rm -rf "$work"' EXIT
mkdir -p "$work/data"
printf '[rules]\npacks = ["pii"]\n' >"$work/data/yizhan.toml"
YIZHAN_BOOTSTRAP_KEY=$key start_server "$binary" "$work/data" 127.0.0.1:0 "$work/log" --chat-model smollm2-135m-instruct
export YIZHAN_URL=$url YIZHAN_KEY=$key YIZHAN_CHAT_MODEL=smollm2-135m-instruct YIZHAN_EMBED_MODEL=multilingual-e5-small
# A model of 135 million parameters need not cite.
export YIZHAN_ANNOTATIONS=optional
"$python" tests/clients/python/test_openai.py
"$python" tests/clients/python/test_dialects.py
"$python" tests/clients/python/check_goldens.py
npm test --silent --prefix tests/clients/node
