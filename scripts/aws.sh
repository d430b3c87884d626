#!/bin/sh
# What is done for and in the operator's account: aws.sh build [FUNCTION] | deploy ENV | invoke ENV FILE | logs ENV | smoke ENV
# Credentials are those of the shell, or of the pipeline's role. Building needs none.
set -eu

export SAM_CLI_TELEMETRY=0 AWS_REGION="${AWS_REGION:-us-west-2}"
# In this order: cargo-lambda asks the first Python for Zig.
PATH="$PWD/.venv/bin:$PWD/.venv/infra/bin:$PATH"
target=${CARGO_TARGET_DIR:-$PWD/target}
built=$target/sam/build

usage() { echo "$1" >&2; exit 2; }

# Everything, or one function, which lies apart then: the rest of what SAM writes could not be deployed.
build() {
    rustup target add aarch64-unknown-linux-gnu
    if [ $# -gt 0 ]; then built=$target/sam/one; fi
    # SAM's own cache looks at a function's folder and not at the workspace around it; cargo's knows better.
    sam build "$@" --template-file infra/template.yaml --build-dir "$built" --no-cached
}

deploy() {
    parameters=$(sed -n "/^\[$environment\./,/^\[/p" infra/samconfig.toml)
    if printf '%s\n' "$parameters" | grep '=<'; then
        usage 'infra/samconfig.toml still has the values above to fill in. docs/deploy.md says what they are.'
    fi
    # With BUILT the pipeline deploys what it has built, checked and tried in staging, and asks nobody on a terminal.
    [ -n "${BUILT:-}" ] || build
    # SAM publishes a version for a changed function, and compares before parameters are filled in. With their digest in the
    # function's description a changed parameter is a changed function, and reaches the alias.
    digest=$(printf '%s\n' "$parameters" | cksum | tr ' ' -)
    sed "s/PARAMETERS_DIGEST/$digest/" "$built/template.yaml" >"$built/template-$environment.yaml"
    grep -q "$digest" "$built/template-$environment.yaml" || usage 'The template has no PARAMETERS_DIGEST to fill in.'
    sam deploy --template-file "$built/template-$environment.yaml" --config-file "$PWD/infra/samconfig.toml" --config-env "$environment" \
        ${CI:+--no-confirm-changeset} ${CLOUDFORMATION_ROLE:+--role-arn "$CLOUDFORMATION_ROLE"}
}

invoke() {
    [ -f "$1" ] || usage 'FILE=... names no file. For example: FILE=tests/fixtures/plan.json'
    cargo lambda invoke --remote --alias live "$stack" --data-file "$1"
}

smoke() {
    outputs=$(sam list stack-outputs --stack-name "$stack" --region "$AWS_REGION" --output json)
    output() {
        printf '%s' "$outputs" | python3 -c \
            'import json, sys; print({o["OutputKey"]: o["OutputValue"] for o in json.load(sys.stdin)}[sys.argv[1]])' "$1"
    }
    WEBHOOK_URL=$(output WebhookUrl) GUEST_PAGE_BASE_URL=$(output GuestPageBaseUrl) SECRETS_PREFIX=$(output SecretsPrefix)
    export WEBHOOK_URL GUEST_PAGE_BASE_URL SECRETS_PREFIX
    exec "$target/debug/smoke"
}

verb=$1
if [ "$verb" = build ]; then
    shift
    build "$@"
    exit
fi
environment=${2:-}
case $environment in
    staging | production) stack=booking-webhook-$environment ;;
    *) usage 'ENV=staging or ENV=production, please' ;;
esac
case $verb in
    deploy) deploy ;;
    invoke) invoke "$3" ;;
    logs) exec sam logs --stack-name "$stack" --name Webhook --region "$AWS_REGION" --tail ;;
    smoke)
        # It makes bookings and cancels them: nobody's crew is told that way.
        [ "$environment" = staging ] || usage 'The smoke test runs in staging only'
        smoke
        ;;
esac
