# What each command does is said by `make help`. Nothing here needs root.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR ?= .local
ARGS ?=
# One more than there are cores: many tests wait for servers, clocks and browsers.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
# Compiling every module anew at each start would double its time.
unexport PYTHONDONTWRITEBYTECODE

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	@echo "· making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "· installing what the product needs (once, about a minute)"
	@$(PIP) install --require-hashes --no-deps --prefer-binary -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "· installing what tests and checks need (once, about a minute)"
	@$(PIP) install --require-hashes --no-deps --prefer-binary -r requirements/dev.txt
	@touch $@

env: $(VENV)/.dev ## The environment alone, in .venv

run: $(VENV)/.run ## Run everything until Ctrl-C: stack, demo, web server, worker (ARGS="--port 8000")
	@exec $(BIN)/python -m marketplace.embedded.run --home $(HOME_DIR) $(ARGS)

test: $(VENV)/.dev ## All tests, in parallel, on servers of their own
	@$(PYTEST) $(ARGS)

format: $(VENV)/.dev ## Put the code in its one format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: $(VENV)/.dev ## Format, lint, types, import contracts, unused dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry .

docs: $(VENV)/.dev ## Build the documentation into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site

# To trace lines nearly doubles what a test costs. What plays in other processes, or for minutes at
# random, adds to that and hardly a line.
UNTRACED = tests/e2e tests/integration/embedded_stack tests/integration/stripe_sandbox \
	tests/integration/api/test_any_request.py tests/integration/api/test_generated_client.py \
	tests/integration/payments/test_any_order.py tests/integration/booking/test_promises.py \
	tests/integration/booking/credit/test_kept.py tests/integration/booking/test_force_majeure_large.py

cover: $(VENV)/.dev ## How much of the code the quicker tests run through
	@$(PYTEST) $(UNTRACED:%=--ignore=%) --cov --cov-report=term --cov-fail-under=85 $(ARGS)

sure: lint docs test cover ## Everything that must hold before a change is done

smoke: $(VENV)/.dev ## Play the whole story on a fresh stack; one JSON line says how it went
	@$(BIN)/python -m tests.smoke $(ARGS)

storm: $(VENV)/.dev ## Eight clients for a minute while processes are killed; JSON of what was kept (ARGS="--seconds 600")
	@$(BIN)/python -m tests.storm $(ARGS)

bench: $(VENV)/.dev ## All benchmarks (ONLY=search for one, QUICK=1 for a minute); a JSON line a figure
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

pictures: $(VENV)/.dev ## The pictures of the README anew, by the walk over every page (all of them: build/screens)
	@PICTURES=docs/images SCREENS=all $(BIN)/python -m pytest -q tests/e2e/every_page.py

lock: $(VENV)/.dev ## Lock the dependencies anew, with hashes
	@$(PIP) install uv
	@$(BIN)/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-header --no-annotate \
		pyproject.toml --extra analysis --extra embedded --group build -o requirements/run.txt
	@$(BIN)/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-header --no-annotate \
		pyproject.toml --extra analysis --extra embedded --group build --group dev -c requirements/run.txt -o requirements/dev.txt

clean: ## Remove what was built; keeps .local, the demo's data
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

.PHONY: help env run test format lint docs cover sure smoke storm bench pictures lock clean
