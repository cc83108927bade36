# Each target is one script; what it does and why is written there.
.DEFAULT_GOAL := help
.PHONY: help run test build wheel bench bench-tokens bench-gateway prove clients fmt clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build, then route and execute the demo's prompts against a simulated provider
	@.venv/bin/turnout demo

test: ## everything that guards the project
	@scripts/test.sh

build: ## .venv with the release extension and a working .venv/bin/turnout
	@scripts/venv.sh run
	@scripts/extension.sh release

wheel: ## a wheel in dist/, checked in a clean environment
	@scripts/wheel.sh

bench: ## the benchmarks of the core and of the package, with machine and versions
	@scripts/bench.sh

bench-tokens: ## the token counters beside tiktoken and ctok (TURNOUT_BENCH_TOKENS_PEER: their interpreter, TURNOUT_BENCH_TOKENS: recordings)
	@scripts/bench_tokens.sh

bench-gateway: ## what the gateway costs beside a bare passthrough on the same server and transport
	@.venv/bin/python benches/gateway/cost.py

prove: ## the property tests with many more cases (PROVE_CASES=20000)
	@scripts/prove.sh

clients: ## completion and hovers of policies in the language server that editors use; skipped without node
	@scripts/clients.sh

fmt: ## format Rust and Python
	@scripts/bootstrap.sh lint >/dev/null
	@scripts/venv.sh dev
	@cargo fmt --all
	@.venv/bin/ruff format --quiet
	@.venv/bin/ruff check --fix --quiet

clean: ## remove what the targets above made
	@rm -rf target .venv dist python/turnout/_core*.so python/turnout/policies .pytest_cache .mypy_cache .ruff_cache .hypothesis
