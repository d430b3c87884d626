#!/bin/sh
# Names everything that is missing, before anything is installed or built. With --python it prints the Python to use.
set -u

suitable() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

python=
for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if suitable "$candidate"; then python=$candidate && break; fi
done

if [ "${1:-}" = --python ]; then
    echo "${python:?no Python 3.11 or later with venv}"
    exit
fi

missing=0
need() {
    [ "$missing" -gt 0 ] || echo 'Missing on this machine:' >&2
    missing=$((missing + 1))
    printf '  - %s\n' "$1" >&2
}

probe=$(mktemp) && trap 'rm -f "$probe"' EXIT
if ! echo 'int main(void) { return 0; }' | "${CC:-cc}" -x c - -o "$probe" 2>/dev/null; then
    need 'a C compiler that links (Debian: apt install build-essential; macOS: xcode-select --install)'
fi
if ! command -v rustup >/dev/null || ! command -v cargo >/dev/null; then
    need 'Rust by rustup (https://rustup.rs); rust-toolchain.toml then picks the version'
fi
if [ -z "$python" ]; then
    need 'Python 3.11 or later with venv (Debian: apt install python3-venv; macOS: brew install python); PYTHON=... names another one'
fi
exit "$missing"
