# `make demo` and `make test` set up what is missing themselves; `make help` lists everything.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup setup-tflite demo test lint test-main test-tflite coverage test-slow test-hw test-appliance bench chaos model deb docs docs-check clean

BIN := .venv/bin
JOBS ?= $(shell echo $$((2 * $$(nproc)))) # most tests wait for devices, brokers and clocks
ARGS ?=
TFLITE_TESTS ?= tests
RUNTIME_TESTS := tests/vision tests/station/test_bridge_station.py
export PYTHON

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## install what is missing: mosquitto, .venv with the project and its tools
	@tools/setup.sh main

setup-tflite:
	@tools/setup.sh tflite

demo: setup ## run the whole station on simulated hardware (ARGS="--fast --shoppers 20")
	@$(BIN)/station demo $(ARGS)

test: lint test-main ## everything that has to hold: linters, types, the suite; what infers also on the other runtime
	@$(MAKE) --no-print-directory test-tflite TFLITE_TESTS="$(RUNTIME_TESTS)"

lint: setup ## style, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test-main: setup ## the suite
	$(BIN)/pytest -n $(JOBS) $(ARGS)

coverage: setup ## the suite with coverage, which takes half as long again
	$(BIN)/pytest -n $(JOBS) --cov --cov-report=term $(ARGS)

test-tflite: setup-tflite ## the whole suite on the other inference runtime (.venv-tflite)
	@if [ -x .venv-tflite/bin/pytest ]; then set -x; .venv-tflite/bin/pytest -n $(JOBS) $(TFLITE_TESTS) $(ARGS); fi

test-slow: ## the tests that take minutes, those on real baskets among them
	@tools/setup.sh bench
	$(BIN)/pytest -n 0 -m slow --timeout 1800 $(ARGS)

test-hw: setup ## the drivers on a kernel's own drivers and simulated chips, in the virtual machine of ../shared/testbed
	@if [ -x ../shared/testbed/testbed ]; then nice ../shared/testbed/testbed setup; fi
	@$(BIN)/pip install --quiet --upgrade --target build/hw-packages --python-version 3.13 --only-binary :all: cryptography
	@$(BIN)/pip install --quiet --upgrade --no-deps --target build/hw-packages --python-version 3.13 --only-binary :all: opencv-python-headless
	$(BIN)/pytest -n 0 -m hw tests/hw $(ARGS)

test-appliance: setup ## as root: the package really installed, upgraded and purged in a minimal Debian under systemd
	@tools/setup.sh deb
	@tools/setup.sh appliance
	@tools/appliance_root.sh
	nice $(BIN)/pytest -n 0 -m hw tests/appliance $(ARGS)

bench: ## measure what is fast and what is right; prints tables
	@tools/setup.sh bench
	$(BIN)/python -m benchmarks $(ARGS)

chaos: setup ## kill, cut and fill everything at random while verdicts are made: none is lost (as root: in a network of its own)
	$(BIN)/python -m benchmarks.chaos $(ARGS)

model: setup ## make the shipped model again
	training/make_model.sh $(ARGS)

deb: setup ## the Debian package, into dist/ (ARGS="--arch arm64")
	@tools/setup.sh deb
	@tools/make_deb.sh $(ARGS)

docs: setup ## write docs/CONFIG.md, docs/asyncapi.yaml and docs/schemas from the source
	PYTHONPATH=. $(BIN)/python tools/config_reference.py >docs/.config.part
	mv docs/.config.part docs/CONFIG.md
	PYTHONPATH=. $(BIN)/python tools/interface.py

docs-check: ## validate docs/asyncapi.yaml with AsyncAPI's own parser (needs node and npm)
	@mkdir -p build/asyncapi
	@[ -d build/asyncapi/node_modules/@asyncapi/parser ] || \
		npm install --silent --no-fund --no-audit --prefix build/asyncapi @asyncapi/parser@3.6.3
	@cp tools/asyncapi_check.mjs build/asyncapi/ && node build/asyncapi/asyncapi_check.mjs docs/asyncapi.yaml

clean: ## remove environments and everything generated
	rm -rf .venv .venv-tflite build dist *.egg-info htmlcov .coverage* .hypothesis
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
