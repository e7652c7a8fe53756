# Functions that start and end a server; sourced by other scripts.

# start_server BINARY DATA LISTEN LOG [ARGUMENTS…]: sets `url` and `server` (its process).
start_server() {
  local binary=$1 data=$2 listen=$3 log=$4
  shift 4
  : >"$log"
  setsid "$binary" serve --data "$data" --listen "$listen" "$@" >"$log" 2>&1 </dev/null &
  server=$!
  # The log is followed until it says `ready`, or its writer is gone.
  url=$(timeout 60 tail --pid="$server" -n +1 -f "$log" 2>/dev/null | sed -n '/^ready /{s/^ready //p;q}') || true
  if [ -z "$url" ]; then
    echo "the server did not start:" >&2
    cat "$log" >&2
    return 1
  fi
}

# stop_server PROCESS: asks it to end and waits for that.
stop_server() {
  [ "$1" -gt 0 ] || return 0
  kill "$1" 2>/dev/null || return 0
  timeout 30 tail --pid="$1" -f /dev/null || kill -9 "$1" 2>/dev/null || true
}
