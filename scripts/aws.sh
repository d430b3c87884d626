#!/bin/sh
# What is done for and in the operator's account: aws.sh build [FUNCTION] | VERB ENV [OPTIONS]; scripts/account has the verbs.
#
# Everything that was given is checked before anything is installed, credentials before anything is built. Credentials are those
# of the shell: variables, a profile, SSO, or the pipeline's role. Building needs none.
set -eu

python=$(scripts/prerequisites.sh --python)
target=${CARGO_TARGET_DIR:-$PWD/target}
built=$target/sam/build

# Everything, or one function, which lies apart then: the rest of what SAM writes could not be deployed.
build() {
    export SAM_CLI_TELEMETRY=0
    # In this order: cargo-lambda asks the first Python for Zig.
    PATH="$PWD/.venv/bin:$PWD/.venv/sam/bin:$PATH"
    rustup target add aarch64-unknown-linux-gnu
    if [ $# -gt 0 ]; then built=$target/sam/one; fi
    # SAM's own cache looks at a function's folder and not at the workspace around it; cargo's knows better.
    sam build "$@" --template-file infra/template.yaml --build-dir "$built" --no-cached
}

account() {
    runner=$1 && shift
    PYTHONPATH="$PWD/scripts" PYTHONDONTWRITEBYTECODE=1 PATH="$PWD/.venv/bin:$PWD/.venv/sam/bin:$PATH" "$runner" -m account "$@"
}

if [ "$1" = build ]; then
    shift
    build "$@"
    exit
fi

verb=$1
account "$python" --inputs "$@"
# In the pipeline all of it is there already: nothing is installed or compiled once there are credentials.
make --no-print-directory .venv/sam/tools.stamp
if [ "$verb" = deploy ]; then account .venv/sam/bin/python preflight "$2"; fi
if [ "$verb" = invoke ] || { [ "$verb" = deploy ] && [ -z "${BUILT:-}" ]; }; then make --no-print-directory .venv/lambda.stamp; fi
# With BUILT the pipeline deploys what it has built, checked and tried in staging.
if [ "$verb" = deploy ] && [ -z "${BUILT:-}" ]; then build; fi
# The smoke test, and what draws the pictures of links.
case $verb in
    smoke) program=${SMOKE:-} ;;
    deploy | fresh | operator) program=${BUILT:-} ;;
    *) program=none ;;
esac
if [ -z "$program" ]; then
    if [ "$verb" != deploy ]; then account .venv/sam/bin/python whoami "$2"; fi
    cargo build --workspace --locked --bins
fi
account .venv/sam/bin/python "$@" --built "$built" --program "${SMOKE:-$target/debug/smoke}" --drawer "${DRAWER:-$target/debug/link-pictures}"
