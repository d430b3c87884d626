#!/bin/sh
# Writes the requirements files from requirements/*.in, with the hash of every package. Needs uv (pip install uv).
set -eu

lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-header \
        ${UPGRADE:+--upgrade} "requirements/$1.in" --output-file "$2"
    what="# Written by scripts/lock-requirements.sh from requirements/$1.in: $3, with everything it needs, pinned by hash."
    printf '%s\n%s\n' "$what" "$(grep -v '^# Written by' "$2")" >"$2.new" && mv "$2.new" "$2"
}

lock deploy requirements-deploy.txt 'what deploys: SAM and boto3'
lock lint requirements-lint.txt 'what checks infra/ and the workflows'
lock lambda requirements-lambda.txt 'what builds, watches and invokes the function'
lock emulator requirements.txt 'the AWS emulator of the rehearsal and the tests'
lock openapi requirements-openapi.txt 'what checks the function against docs/openapi.yaml'
lock bench bench/requirements.txt 'the Python function that the bench holds ours against'
lock browser tests/browser/requirements.txt 'a second reader of calendar files'
