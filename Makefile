# Two commands matter: `make demo` and `make test`. Each installs what is missing first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export YIZHAN_CACHE ?= $(HOME)/.cache/yizhan
BINARY := $(CARGO_TARGET_DIR)/release/yizhan

.PHONY: help demo stop test lint build setup models clients clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: setup build ## Answer questions from real documents, then leave the server running
	@scripts/demo.sh $(BINARY)

stop: ## End the demo's server
	@scripts/stop.sh

test: setup build models ## Pass all tests
	@scripts/step "Rust tests"
	cargo nextest run --release --workspace --no-fail-fast
	@scripts/step "The official OpenAI clients against the real server"
	@scripts/test-clients.sh $(BINARY)

lint: setup ## rustfmt, clippy, cargo deny, tidy
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	cargo xtask tidy
	@scripts/deny.sh

# Building, testing and linting select the whole workspace: another selection unifies features
# differently, and would build the native engine a second time.
build: setup ## Build the release binary
	@scripts/step "Building (the first time takes about ten minutes on two cores)"
	cargo build --release --workspace

setup: ## Install what building and testing need
	@scripts/setup.sh

models: build ## Pull the models that the tests use
	@scripts/step "Models for the tests"
	$(BINARY) model pull pdfium pp-ocrv6-small multilingual-e5-small smollm2-135m-instruct

clean: stop ## Remove the demo's data and the build
	rm -rf .demo .venv target
