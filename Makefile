# Everything below works from a fresh clone with nothing but Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup run test test-slow check bench docs clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(STAMP)
	$(BIN)/metronome run $(ARGS)

test: $(STAMP)
	$(BIN)/pytest -n 2 --dist loadgroup -m 'not slow' $(ARGS)

test-slow: $(STAMP)
	$(BIN)/pytest -n 2 -m slow $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(STAMP)
	$(BIN)/python benchmarks/simulate.py $(ARGS)
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/analyze.py
	$(BIN)/python benchmarks/validate.py

docs: $(STAMP)
	$(BIN)/metronome study --quiet --figure docs/figures/study.svg
	$(BIN)/python benchmarks/growth.py --figure docs/figures/growth.svg

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
