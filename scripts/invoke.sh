#!/bin/sh
# Invokes the function of the running rehearsal as Lambda would: invoke.sh [--deliver] <rehearsal's files> <payload file>
# With --deliver the file is a captured API Gateway event, and is sent as {"deliver": <event>}.
set -eu

template='%s\n'
if [ "$1" = --deliver ]; then template='{"deliver": %s}\n' && shift; fi
rehearsal=$1 file=$2

[ -f "$file" ] || { echo "FILE=... names no file. For example: FILE=$rehearsal/delivery.json" >&2; exit 2; }
[ -f "$rehearsal/invoke-port" ] || { echo 'No rehearsal is running. Start one: make run' >&2; exit 2; }

payload=$(mktemp) && trap 'rm -f "$payload"' EXIT
# shellcheck disable=SC2059 # the template is one of the two above
printf "$template" "$(cat "$file")" >"$payload"
PATH="$PWD/.venv/bin:$PATH" cargo lambda invoke booking-webhook --invoke-address 127.0.0.1 \
    --invoke-port "$(cat "$rehearsal/invoke-port")" --data-file "$payload"
