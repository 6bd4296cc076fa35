# make compare   train the paper's model for several dataset sizes and lay the theory beside it (a few minutes)
# make test      lint, types and tests
# make thorough  the long tests too, with random exploration
# make notes     write the derivation notes from the registry; make notes-pdf all of them as one PDF too
# make figures   train every experiment's preview form and draw it into figures/ (about half an hour on two cores)
# make figures-tenth   a tenth of the paper's n and T, into experiments/NAME/tenth and notes/experiments/ (hours on two cores)
# make figures-full   the paper's own sizes, into experiments/ and notes/experiments/ (days on two cores: for a GPU or a cluster)
# Each works on a fresh machine with Python >= 3.11. For CPU-only wheels of torch on Linux:
#   make compare TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
SOURCES := theory numerics verify experiments tgon tests
FIGURES := dataset-size norms gallery failures digits variants weight-decay training-steps scale-sparsity scale-decay heat-map sensitivity envelope \
	repeated-history repeated-many repeated-map forgetting
TENTHS := dataset-size weight-decay training-steps scale-decay repeated-many repeated-history forgetting envelope scale-sparsity heat-map \
	sensitivity

.PHONY: compare test thorough lint notes notes-pdf bench figures figures-tenth figures-full install clean

compare: install
	$(BIN)/tgon compare --T 3,5,8,10,12 --strong-T 5,8 --seeds 40 --out compare

test: lint
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

thorough: lint
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -n auto --dist loadfile

lint: install
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

notes: install
	$(BIN)/tgon notes --out notes

notes-pdf: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[notes]'
	$(BIN)/tgon notes --out notes --pdf

bench: install
	$(BIN)/tgon bench --out benchmarks/results.csv

figures: install
	set -e; for name in $(FIGURES); do \
		$(BIN)/tgon sweep experiments/$$(echo $$name | tr - _)/sweep.toml --preview --out runs; \
		$(BIN)/tgon figure $$name --preview --runs runs --out figures/experiments/$$name; \
	done

figures-tenth: install
	set -e; for name in $(TENTHS); do \
		$(BIN)/tgon sweep experiments/$$(echo $$name | tr - _)/sweep.toml --tenth --out runs; \
		$(BIN)/tgon figure $$name --tenth --runs runs; \
	done

figures-full: install
	set -e; for name in $(FIGURES); do \
		$(BIN)/tgon sweep experiments/$$(echo $$name | tr - _)/sweep.toml --out runs; \
		$(BIN)/tgon figure $$name --runs runs; \
	done

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python %d.%d found; 3.11 or newer is needed, try make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --index-url $(TORCH_INDEX) torch)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
