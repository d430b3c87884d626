#!/bin/sh
# Looks at what SAM has built: check-artifact.sh <build folder>. Every bootstrap must be for Lambda's processor and C library and
# start with no file beside it; the webhook's must be small.
set -eu

build=$1
# Lambda unpacks it at each cold start. A second TLS stack would show, or a second generation of the SDK's crates.
most_bytes=4500000
# The C library of Amazon Linux 2023.
newest_glibc=2.34

fail() { echo "$1" >&2; exit 1; }

folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
find "$build" -name bootstrap | sort >"$folder/found"
[ -s "$folder/found" ] || fail "SAM has built no bootstrap in $build"
while read -r bootstrap; do
    name=$(basename "$(dirname "$bootstrap")")
    readelf --file-header "$bootstrap" | grep -q AArch64 || fail "$name is not for arm64"
    glibc=$(readelf --version-info --wide "$bootstrap" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -n 1)
    [ "$(printf '%s\n' "$glibc" "$newest_glibc" | sort -V | tail -n 1)" = "$newest_glibc" ] ||
        fail "$name wants glibc $glibc; Lambda has $newest_glibc"

    python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED).write(sys.argv[1], "bootstrap")' \
        "$bootstrap" "$folder/$name.zip"
    bytes=$(wc -c <"$folder/$name.zip")
    echo "$name: zip $bytes bytes, glibc $glibc"
    case $bootstrap in
        */Webhook/bootstrap) [ "$bytes" -le "$most_bytes" ] || fail "$name: the zip may have $most_bytes bytes at most" ;;
    esac
done <"$folder/found"

# Alone: its own folder, its own root of libraries, no variable. It must come as far as saying what is missing.
bootstrap=$build/Webhook/bootstrap
cp "$bootstrap" "$folder/bootstrap"
case $(uname -m) in
    aarch64 | arm64) emulator= ;;
    *)
        emulator=$(command -v qemu-aarch64-static || true)
        if [ -z "$emulator" ] || [ ! -d /usr/aarch64-linux-gnu ]; then
            echo 'NOT CHECKED: the bootstrap was not started, for that takes Debian'\''s qemu-user-static and libc6-arm64-cross' >&2
            exit 0
        fi
        emulator="$emulator -L /usr/aarch64-linux-gnu"
        ;;
esac
# shellcheck disable=SC2086 # a command and its option
said=$(cd "$folder" && env -i $emulator ./bootstrap 2>&1 || true)
echo "$said"
case $said in
    *'"cannot start'*SECRETS_PREFIX*) echo 'The bootstrap starts alone, and says what it misses.' ;;
    *) fail 'The bootstrap does not start alone' ;;
esac
