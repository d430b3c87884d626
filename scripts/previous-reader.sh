#!/usr/bin/env bash
# Has an older release's own code read what this one leaves in its ledger: in a work tree of that release, beside its own fixtures.
# Going back is safe if its tests are green there.
set -euo pipefail
release=${1:?which release: make previous-reader RELEASE=a tag or commit}
cd "$(dirname "$0")/.."
git rev-parse --verify --quiet "$release^{commit}" >/dev/null || { echo "there is no release $release" >&2; exit 2; }
target=${CARGO_TARGET_DIR:-$PWD/target}
version=$(sed -n '/^version = /{s/^version = "\(.*\)"/\1/p;q}' Cargo.toml)
older=$(mktemp -d)
trap 'git worktree remove --force "$older"' EXIT
git worktree add --quiet --detach "$older" "$release"
[ -d "$older/tests/it/releases" ] || { echo "$release has no test that reads kept items" >&2; exit 2; }
# Under a name of its own: both may be called the same before the version is raised.
cp -R "tests/fixtures/ledger/$version" "$older/tests/fixtures/ledger/$version-to-read"
[ -e .venv ] && ln -s "$PWD/.venv" "$older/.venv"
cd "$older"
CARGO_TARGET_DIR=$target/previous-reader cargo test --workspace --locked --test it releases::this_release_reads
