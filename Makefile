# Everything a developer types. Needs make and Python >= 3.11; the rest is installed into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
# More test processes than this only help on larger machines: make test JOBS=8
JOBS ?= 2
ARGS ?=

export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := true

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Run ---------------------------------------------------------------------------------------

.PHONY: demo demo-reset run
demo: $(VENV)/.runtime ## A hub, a store simulator and orders flowing; Ctrl-C stops all of it
	@$(BIN)/python manage.py demo $(ARGS)

demo-reset: $(VENV)/.runtime ## Start the demo over; what was there moves to var.previous
	@if [ -e var ]; then rm -rf var.previous; mv var var.previous; echo "The former data is in var.previous."; fi
	@$(MAKE) demo

run: $(VENV)/.runtime ## The hub alone: web on 127.0.0.1:8000, worker and clock
	@$(BIN)/python manage.py migrate --verbosity 0
	@trap 'kill $$(jobs -p) 2>/dev/null; wait' EXIT; \
	$(BIN)/celery -A logix worker --pool threads --concurrency 8 --beat \
		--queues live,push,bulk,admin --without-gossip --without-mingle & \
	$(BIN)/gunicorn --config deploy/gunicorn.conf.py logix.wsgi & \
	wait -n

# --- Judge -------------------------------------------------------------------------------------

.PHONY: test check lint format coverage bench
test: $(VENV)/.dev ## The tests; needs no service
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal $(ARGS)

check: lint coverage ## All that .ci/run demands and that needs no service
	@echo "check: all green"

lint: $(VENV)/.dev ## Format, lint, types, import rules, migrations, production settings
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run --verbosity 0 \
		|| { echo "A model changed without a migration: run manage.py makemigrations."; exit 1; }
	@env LOGIX_ENV_FILE= $$(sed -n 's/change-me/of-its-own/; s/^\([A-Z_]*=[^ ]\+\)$$/\1/p' deploy/env.sample) \
		$$($(BIN)/python -m logix.environment) $(BIN)/python manage.py check --deploy --fail-level WARNING

coverage: $(VENV)/.dev ## The tests with branch coverage
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --cov --cov-report= $(ARGS)
	@$(BIN)/coverage report --include='integrations/*,orders/*,inventory/*,webhooks/*' --skip-covered

bench: $(VENV)/.dev ## The hub's speed beside a floor; needs PostgreSQL (tests/bench/README.md)
	@$(BIN)/python -m tests.bench $(ARGS)

format: $(VENV)/.dev ## Put the code into shape
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

# --- Install -----------------------------------------------------------------------------------

.PHONY: setup lock secrets clean
setup: $(VENV)/.dev ## Install everything for development

lock: $(BIN)/uv ## Resolve pyproject.toml anew into requirements/
	@compile() { $(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes \
		--no-emit-index-url --no-header --python-version 3.11 $(ARGS) "$$@"; }; \
	compile -o requirements/runtime.txt; \
	compile --extra amazon -o requirements/amazon.txt; \
	compile --group dev -o requirements/dev.txt; \
	compile --group dev --group e2e -o requirements/e2e.txt; \
	compile --group dev --group sqs --extra amazon -o requirements/sqs.txt; \
	echo uv | $(BIN)/uv pip compile - --quiet --universal --generate-hashes --no-emit-index-url \
		--no-header --python-version 3.11 -o requirements/uv.txt
	@$(BIN)/python requirements/document.py

secrets: $(VENV)/.runtime ## Fresh secrets for a production environment
	@$(BIN)/python -m logix.environment

clean: ## Remove the environment and what tools left; keeps var
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .coverage.* htmlcov

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Logix needs Python 3.11 or newer and found none. Install it, or name it: PYTHON=/path/to/python3"; exit 1; fi
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@out=$$($(PYTHON) -m venv $(VENV) 2>&1) || { rm -rf $(VENV); echo "$$out"; \
		echo "This Python cannot make an environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }

# uv installs the same files several times faster; where it does not work, pip does.
$(BIN)/uv: requirements/uv.txt | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

define install
	@echo "Installing $(1), once …"
	@{ $(MAKE) -s $(BIN)/uv && VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r $(1); } 2>$(VENV)/uv.log \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
	@touch $@
endef

# The development lock holds the runtime one, so whoever has it needs no second installation.
$(VENV)/.runtime: requirements/runtime.txt | $(BIN)/python
	$(call install,requirements/runtime.txt)

$(VENV)/.dev: requirements/dev.txt | $(BIN)/python
	$(call install,requirements/dev.txt)
	@touch $(VENV)/.runtime

$(VENV)/.e2e: requirements/e2e.txt | $(BIN)/python
	$(call install,requirements/e2e.txt)
	@touch $(VENV)/.dev $(VENV)/.runtime

# What the tests of Amazon's notifications need besides: a server that speaks SQS.
$(VENV)/.sqs: requirements/sqs.txt | $(BIN)/python
	$(call install,requirements/sqs.txt)
	@touch $(VENV)/.dev $(VENV)/.runtime
