# Everything below works from a fresh clone with nothing but Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

COMPILED := .venv-compiled
PACKAGES := configs dataflow analytical simulator validation exploration metronome

.PHONY: setup run test test-slow check compiled bench docs clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(STAMP)
	$(BIN)/metronome run $(ARGS)

# A process that dies ends the tests at once, with the name of the test: they would wait for its share otherwise.
test: $(STAMP)
	$(BIN)/pytest -n 2 --dist loadgroup --max-worker-restart 0 -m 'not slow' $(ARGS)

test-slow: $(STAMP)
	$(BIN)/pytest -n 2 --max-worker-restart 0 -m slow $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# The same code with the models compiled by mypyc, in an environment of its own: some 1.5 times the pace. Needs a C
# compiler. The wheel is built from an archive of the sources, for extensions left beside these would hide them.
compiled: $(COMPILED)/.installed

$(COMPILED)/.installed: $(STAMP) $(shell find $(PACKAGES) -name '*.py')
	rm -rf build/compiled
	HATCH_BUILD_HOOK_ENABLE_MYPYC=true $(BIN)/python -m build --no-isolation --outdir build/compiled >/dev/null
	$(PYTHON) -m venv $(COMPILED)
	$(COMPILED)/bin/pip install --quiet --disable-pip-version-check --force-reinstall build/compiled/*.whl
	@touch $@

bench: $(STAMP) compiled
	$(BIN)/python benchmarks/simulate.py $(ARGS)
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/analyze.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/explore.py
	$(BIN)/python benchmarks/validate.py
	$(COMPILED)/bin/python benchmarks/validate.py

docs: $(STAMP)
	$(BIN)/metronome study --quiet --figure docs/figures/study.svg
	$(BIN)/python benchmarks/growth.py --figure docs/figures/growth.svg
	$(BIN)/metronome explore docs/examples/vgg16_space.yaml --verify --sample 100 --quiet --figure docs/figures/exploration.svg
	for layer in output_stationary weight_stationary collaborative tiled clustered row_stationary; do \
		case $$layer in clustered|row_stationary) pes=6;; *) pes=3;; esac; \
		$(BIN)/metronome trace $$layer -o docs/figures/tour_$$layer.svg --workload docs/examples/tour.m \
			--hardware docs/examples/tour.yaml --set pes=$$pes || exit; \
	done

clean:
	rm -rf $(VENV) $(COMPILED) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
