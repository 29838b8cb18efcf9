#!/usr/bin/env bash
# Sends every folder of an inbox to a running service and collects the results, one folder each.
# Meant for cron: what was interrupted goes on, what is done is passed over.
#
#   MADV_URL=https://madv.example.org MADV_API_KEY=... docker/batch.sh INBOX RESULTS
#
# Ends with 0 when every clip of every folder has a result, with 1 when some have none (their codes
# are in summary.json), with 3 when the service cannot be reached: run it again.
set -euo pipefail

if [[ $# -ne 2 || ! -d $1 ]]; then
  echo "usage: $0 INBOX RESULTS" >&2
  exit 2
fi
inbox=$1 results=$2 worst=0
mkdir -p "$results"

shopt -s nullglob
for folder in "$inbox"/*/; do
  name=$(basename "$folder")
  done_mark=$results/$name.done
  [[ -e $done_mark ]] && continue
  echo "== $name"
  code=0
  madv batch submit "$folder" --out "$results/$name" || code=$?
  case $code in
    0) touch "$done_mark" ;;
    1) touch "$done_mark"; worst=1 ;;
    *) exit "$code" ;;
  esac
done
exit "$worst"
