.DEFAULT_GOAL := help
.PHONY: help install repro test lint format mlflow lock clean

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# The store that the stages write to, unless a server is named.
MLFLOW_TRACKING_URI ?= sqlite:///$(CURDIR)/mlflow.db
PORT ?= 5000
UV_INSTALL = uv pip install --quiet --python $(BIN)/python --compile-bytecode

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed  ## Make the virtual environment .venv from the lock file

repro: .venv/.installed  ## Run the whole pipeline: only what is not up to date
	dvc repro

test: .venv/.installed-dev  ## Lint, check types, run all tests
	ruff check .
	ruff format --check .
	mypy
	pytest

lint: .venv/.installed-dev  ## Lint and check types only
	ruff check .
	ruff format --check .
	mypy

format: .venv/.installed-dev  ## Put the code into its one format
	ruff check --fix --quiet . || true
	ruff format .

mlflow: .venv/.installed  ## Browse the runs at http://127.0.0.1:5000 (PORT=... for another port)
	mlflow server --backend-store-uri $(MLFLOW_TRACKING_URI) --host 127.0.0.1 --port $(PORT)

lock: .venv/.installed-dev  ## Resolve the dependencies anew; then every model trains anew
	uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes --no-annotate --no-header \
	    --python-version 3.11 --upgrade pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes --no-annotate --no-header \
	    --python-version 3.11 --extra dev --constraint requirements.lock \
	    pyproject.toml --output-file requirements-dev.lock

clean:  ## Remove the virtual environment and caches; data, models and runs stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis digits.egg-info

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else \
	    "error: expected Python 3.11 to 3.13, found " + sys.version.split()[0] + \
	    "; name another one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > .venv/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    --requirement .venv/uv.lock

.venv/.installed: .venv/bin/uv requirements.lock pyproject.toml
	$(UV_INSTALL) --require-hashes --requirement requirements.lock
	$(UV_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	$(UV_INSTALL) --require-hashes --requirement requirements-dev.lock
	@touch $@
