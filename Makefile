# make run: everything on this machine.  make test: checks and all tests.  Both start from nothing but Python.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
PRESET ?= digits

.PHONY: run test check lint format train bench clean

run: $(VENV)/.run
	@exec $(BIN)/aigc up

test: lint
	@tests/install-browser.sh || true
	$(BIN)/pytest tests --junitxml=artifacts/tests.xml

check: lint
	$(BIN)/pytest -q tests/unit

lint: $(VENV)/.dev
	$(BIN)/ruff format --check --quiet . || (echo "run: make format"; exit 1)
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .

train: $(VENV)/.run
	$(BIN)/aigc train $(PRESET)

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.engine

clean:
	rm -rf $(VENV)

# Extra package indexes come from the usual variables of pip (PIP_EXTRA_INDEX_URL), see README.
$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[all]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.run

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Python 3.11 or newer is needed; set PYTHON=..."; exit 1)
	$(PYTHON) -m venv $(VENV)
