# The tools of this project, each as one target. All work on a fresh machine with Python >= 3.11.
# For CPU-only wheels of torch on Linux: make compare TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
QUIET := --quiet --no-compile --disable-pip-version-check -c constraints.txt
PIP := $(BIN)/python -m pip install $(QUIET)
# Compat, of which setuptools warns: no import hooks, so that imports are fast and mypy sees the packages.
EDITABLE := PYTHONWARNINGS=ignore $(PIP) --config-settings editable_mode=compat -e
SOURCES := theory numerics verify experiments tgon tests

# Trains and draws every experiment that has the form $(1), a flag of `tgon sweep` and `tgon figure`, with options $(2).
# The full form has no flag; a smaller one is a table of that name in the sweep file. Some have no sweep file.
NAMES = $$($(BIN)/python -c 'from experiments.registry import NAMES; print(*NAMES)')
draw = set -e; for name in $(NAMES); do \
		file=experiments/$$(echo $$name | tr - _)/sweep.toml; \
		grep -qs '$(if $(1),^\[\[*$(patsubst --%,%,$(1)))' $$file || continue; \
		$(BIN)/tgon sweep $$file $(1) --out runs; \
		$(BIN)/tgon figure $$name $(1) --runs runs $(2); \
	done

.DEFAULT_GOAL := help
.PHONY: help compare test pytest thorough mutants lint notes notes-pdf site bench figures figures-tenth figures-full install clean

help: ## what each target does
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

compare: install ## train the paper's model for several dataset sizes and lay the theory beside it (a few minutes)
	$(BIN)/tgon compare --T 3,5,8,10,12 --strong-T 5,8 --seeds 40 --out compare

test: install ## lint, types and tests
	$(MAKE) --no-print-directory --jobs 2 lint pytest

pytest: install
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

thorough: lint ## the long tests too, with random exploration
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -n auto --dist loadfile

mutants: install ## put small faults into theory, numerics and verify, and count those that the tests find (hours)
	$(EDITABLE) '.[mutants]'
	$(BIN)/python benchmarks/mutants.py

lint: install ## style and types alone
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

notes: install ## write the derivation notes from the registry
	$(BIN)/tgon notes

notes-pdf: install ## all notes as one PDF too
	$(EDITABLE) '.[notes]'
	$(BIN)/tgon notes --pdf

site: install ## guide, tutorials, notes and API as a site, build/site/index.html (a few minutes)
	$(EDITABLE) '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going --quiet --jobs auto notes build/site

bench: install ## time the engines (on an otherwise idle machine)
	$(BIN)/python benchmarks/engines.py

figures: install ## every experiment's preview form, into figures/ (hours on two cores)
	$(call draw,--preview,--out figures/experiments/$$name)

figures-tenth: install ## a tenth of the paper's n and T, into experiments/NAME/tenth (hours on two cores)
	$(call draw,--tenth)

figures-full: install ## the paper's own sizes, into experiments/ (days on two cores: for a GPU or a cluster)
	$(call draw)

install: $(VENV)/installed ## into .venv, with pinned versions

# torch is as large as the others together: two processes halve the time. What the second misses, the last line installs.
OTHERS = $$($(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*(r for r in p["dependencies"] + p["optional-dependencies"]["dev"] if not r.startswith("torch")))')

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python %d.%d found; 3.11 or newer is needed, try make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install $(QUIET) pip 2>/dev/null || $(BIN)/python -m ensurepip
	$(PIP) --no-deps $(TORCH_INDEX:%=--index-url %) torch & $(PIP) -qq --no-deps $(OTHERS); wait $$!
	$(EDITABLE) '.[dev]'
	touch $@

clean: ## remove .venv, caches and compiled kernels
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis $$(find $(SOURCES) -name __pycache__)
