# The words of this project; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Reflex brings the page's packages by npm with the Node that requirements.txt installs, not with a download of its own.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export REFLEX_USE_NPM := 1

.PHONY: help run demo test check e2e bench docs migrate dev fix
help:  ## List the words
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Atlas Hub needs Python 3.11 or newer; $(PYTHON) is older. Say PYTHON=python3.12, for example." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "This Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/.run: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the hub needs into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "Installing what the tests need into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(VENV)/.run  ## Set up, migrate and serve page and APIs on http://localhost:3000
	@$(BIN)/python -m atlas_hub serve

demo: $(VENV)/.dev  ## The hub among stand-in vendors on this machine, with a page that makes them fail
	@$(BIN)/python -m tests.standins.demo

dev: $(VENV)/.run  ## The same with hot reload, for developers
	@$(BIN)/python -m atlas_hub serve --dev

test: $(VENV)/.dev  ## Set up and run the tests that need no browser
	@$(BIN)/python -m pytest -m "not e2e" -n logical --dist loadfile

e2e: $(VENV)/.dev  ## Browser tests with a built page; screenshots are kept in screenshots/
	@$(BIN)/python -m pytest -m e2e -n logical --dist loadfile

check: $(VENV)/.dev  ## Format, lint, types, then the tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -m "not e2e" -n logical --dist loadfile

fix: $(VENV)/.dev  ## Format and mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

migrate: $(VENV)/.run  ## Bring the database to the newest tables
	@$(BIN)/python -m atlas_hub migrate

bench: $(VENV)/.dev  ## Measure, each figure against its floor in the same run
	@$(BIN)/python -m bench

docs: $(VENV)/.run  ## Write the generated parts of docs/ anew
	@$(BIN)/python -m atlas_hub.docs
