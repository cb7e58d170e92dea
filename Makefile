# Watchkeeper. `make` lists what there is to make.
.DEFAULT_GOAL := help
.PHONY: help up example-clean test check static bench soak screenshots golden lock reference setup clean
SHELL := /bin/bash
PYTHON ?= $(shell scripts/find-python)
RUN := .venv/bin/python -m
up example-clean: export WATCHKEEPER_HOME ?= $(CURDIR)/.watchkeeper

help: ## List what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: setup ## Run it all here: database, server, watchdog, worker, example; Ctrl-C ends it
	@exec .venv/bin/watchkeeper up $(ARGS)

example-clean: setup ## Remove the example project's data
	@.venv/bin/watchkeeper projects remove example --reason 'make example-clean'

test: static ## Run all tests (sets up what they need; skips are named at the end)
	@scripts/system-packages
	@scripts/prometheus-tools
	@scripts/npm-under-test
	$(RUN) pytest -n 2 --dist loadgroup -q -rs $(ARGS)

check: static ## Lint, types, layers and unit tests, in under a minute
	$(RUN) pytest -n 2 -q tests/unit tests/docs

static: setup
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	.venv/bin/lint-imports

bench: setup ## Measure, beside other queues, and print a table
	$(RUN) bench $(ARGS)

soak: setup ## Simulate 10,000 runs with every fault mixed in, then befall a real fleet (half an hour)
	$(RUN) soak --page docs/fault-matrix.md $(ARGS)

golden: setup ## Write anew what each channel shows of an alert (look at the difference)
	cd tests && ../.venv/bin/python -m unit.test_alert_skins

lock: setup ## Write the lock files anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --group dev --extra s3 --extra apprise -c requirements.lock pyproject.toml -o requirements-dev.lock

reference: setup ## Write the OpenAPI document and the Python client anew, after a change of the API
	$(RUN) watchkeeper.interfaces.api.openapi docs/reference/openapi.json
	.venv/bin/python scripts/python_client.py

setup: ## Build .venv from the lock file; nothing to do where it stands
	@scripts/setup '$(PYTHON)'

clean: ## Remove .venv and caches; the data in .watchkeeper stays
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build tests/prometheus_tools tests/agents_npm/node_modules tests/browser_npm/node_modules
	find src tests bench soak -name __pycache__ -prune -exec rm -rf {} +
