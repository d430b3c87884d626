#!/bin/sh
# Says which Chromium the browser tests use: chromium.sh [--install]
# With --install it is installed where there is none (Debian; as root or by sudo).
set -eu

find_chromium() {
    for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
        '/Applications/Chromium.app/Contents/MacOS/Chromium' '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
        if [ -n "$candidate" ] && command -v "$candidate"; then return; fi
    done
    return 1
}

if find_chromium; then exit; fi
if [ "${1:-}" = --install ] && command -v apt-get >/dev/null; then
    as_root=
    if [ "$(id -u)" -ne 0 ]; then as_root=sudo; fi
    echo 'Installing Chromium' >&2
    $as_root apt-get update --quiet >&2
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install --yes --no-install-recommends chromium >&2
    find_chromium && exit
fi
echo 'Chromium (Debian: apt install chromium; macOS: brew install --cask chromium); CHROMIUM=... names another one' >&2
exit 1
