#!/bin/sh
# Opens the pages in a real browser: browser-tests.sh [--required | --pictures]
# Needs the rehearsal, built. Without Node.js or Chromium it says what it leaves out; with --required that is a failure. With --pictures
# it takes the documents' pictures instead.
set -eu
cd "$(dirname "$0")/../tests/browser"

leave_out() {
    printf '\nNOT TESTED: %s, in tests/browser. Missing on this machine:\n  - %s\n' "$1" "$2" >&2
    [ "$required" = no ] || exit 1
    exit 0
}

required=no
case ${1:-} in --required | --pictures) required=yes ;; esac

if ! node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' 2>/dev/null || ! command -v npm >/dev/null; then
    leave_out 'the viewer-request function and the guest page in a browser, with Lighthouse' \
        'Node.js 20 or later with npm (https://nodejs.org; macOS: brew install node)'
fi
if [ "${1:-}" != --pictures ]; then node --test --test-reporter=spec viewer-request.test.js; fi

if ! CHROMIUM=$(../../scripts/chromium.sh 2>/dev/null); then
    leave_out 'the guest page in a browser (phases, access, photos, names, privacy, calendar file, links), with Lighthouse' \
        "$(../../scripts/chromium.sh 2>&1 || :)"
fi
export CHROMIUM

if [ ! -e node_modules/.installed ] || [ package-lock.json -nt node_modules/.installed ]; then
    echo 'Installing tests/browser/package-lock.json into tests/browser/node_modules'
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch node_modules/.installed
fi
if [ "${1:-}" = --pictures ]; then exec node pictures.js; fi
# The second reader of calendar files. Not every shell takes a file that is not there for an older one.
if [ ! -e .venv/stamp ] || [ requirements.txt -nt .venv/stamp ]; then
    ../../scripts/venv.sh requirements.txt .venv/stamp
fi
npm run --silent proof
npm run --silent lighthouse # By itself: beside others its score for speed, which is printed, would say nothing.
