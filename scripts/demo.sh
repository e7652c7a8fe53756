#!/usr/bin/env bash
# The main job on real input: two editions of a 251-page manual and sample files in every
# supported format become a knowledge base, and questions get cited answers.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh
binary=$1
data=$PWD/.demo/data
mkdir -p .demo
scripts/stop.sh >/dev/null

scripts/step "Models"
chat=qwen2.5-coder-0.5b-instruct
missing=()
for model in pdfium pp-ocrv6-small multilingual-e5-small $chat; do
  "$binary" model pull "$model" || missing+=("$model")
done
[ ${#missing[@]} -eq 0 ] || echo "Not to be had here: ${missing[*]} (see above where it was tried). What works without is shown."

scripts/step "Documents: the Debian Reference in Chinese and English, and the samples in demo/samples"
manuals=.demo/manuals
for language in zh-cn en; do
  pdf=$manuals/debian-reference.$language.pdf
  if [ ! -f "$pdf" ]; then
    mkdir -p "$manuals" .demo/packages
    (cd .demo/packages && { apt-get download -qq "debian-reference-$language" 2>/dev/null ||
      { apt-get update -qq && apt-get download -qq "debian-reference-$language"; }; })
    dpkg-deb --fsys-tarfile .demo/packages/debian-reference-"$language"_*.deb |
      tar -xO "./usr/share/debian-reference/debian-reference.$language.pdf" >"$pdf.part"
    mv "$pdf.part" "$pdf"
  fi
  echo "$pdf"
done
embedding=()
if [[ " ${missing[*]} " == *" multilingual-e5-small "* ]]; then embedding=(--embedding none); fi
"$binary" base show manual --data "$data" >/dev/null 2>&1 || "$binary" base create manual --data "$data" "${embedding[@]}"
"$binary" ingest "$manuals" demo/samples --base manual --data "$data" || [ $? -eq 2 ]

scripts/step "The server"
key_file=.demo/key
[ -f "$key_file" ] || (umask 077 && head -c 24 /dev/urandom | base64 | tr -d '+/=\n' | sed 's/^/yz-/' >"$key_file")
key=$(cat "$key_file")
port=8080
if (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; then port=0; fi
YIZHAN_BOOTSTRAP_KEY=$key start_server "$binary" "$data" 127.0.0.1:$port .demo/server.log --apps "$PWD/apps"
echo "$server" >.demo/server.pid
echo "$url"

if [[ " ${missing[*]} " == *" $chat "* ]]; then
  scripts/step "Search (without a chat model there are no answers)"
  "$binary" search "如何列出所有已安装的软件包？" --base manual --data "$data"
  "$binary" search "What is the default init system?" --base manual --data "$data"
else
  scripts/step "Questions"
  while IFS= read -r question; do
    printf '\n\033[1m? %s\033[0m\n' "$question"
    "$binary" ask "$question" --base manual-qa --data "$data"
  done <demo/questions.txt
fi

python=$(scripts/venv.sh)
scripts/step "Your turn"
cat <<END
The server runs at $url ('make stop' ends it). Both of these work as they are:

curl -sN $url/v1/chat/completions -H 'Authorization: Bearer $key' -H 'Content-Type: application/json' -d '{"model":"manual-qa","stream":true,"messages":[{"role":"user","content":"怎样用 apt 升级系统？"}]}'

$python -c 'from openai import OpenAI; c = OpenAI(base_url="$url/v1", api_key="$key"); print(c.chat.completions.create(model="manual-qa", messages=[{"role": "user", "content": "How do I upgrade the system with apt?"}]).choices[0].message.content)'
END
