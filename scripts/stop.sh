#!/usr/bin/env bash
# Ends the demo's server.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh
if [ -f .demo/server.pid ] && kill -0 "$(cat .demo/server.pid)" 2>/dev/null; then
  stop_server "$(cat .demo/server.pid)"
  echo "The demo's server has ended."
else
  echo "The demo's server is not running."
fi
rm -f .demo/server.pid
