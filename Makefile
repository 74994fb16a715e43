# Everything a newcomer needs: `make demo` and `make test`. Only Python 3.11+ and make must be there.

PYTHON ?= python3
REPO ?= .
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench faults vectors clean

# Set up, scan REPO and let an MCP client ask the server five questions about it.
demo: $(VENV)/.installed
	@$(BIN)/python -m examples.demo "$(REPO)"

# Set up with the test extras and run the whole suite.
test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2

# Lint, types and the wheel.
check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m build --wheel --no-isolation --outdir build/wheel .

# Print the benchmark tables.
bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks

# Do to a store what must not harm it, for some minutes, and print what came of it.
faults: $(VENV)/.installed-test
	$(BIN)/python -m faults

# Make the vectors of common questions anew, after a change of their list or of the default model.
vectors: $(VENV)/.installed
	$(BIN)/python -m scripts.precompute_vectors

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Drift MCP needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.installed
