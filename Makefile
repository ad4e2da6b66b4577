# make demo    the whole study on generated films, minutes on 2 cores     make test   the fast test suite
# make drills  the slow tests (DAG, kills, Slurm)                          make lint   style, types, imports, generated pages
# make grids   every circuit option against PennyLane (long)              make grids-sample   a fixed fifth of it
# make bench-gpu  everything that is to be known of an NVIDIA card, 9 minutes; again goes on with what is missing
# make compare BASE=<commit>   small studies there and here, byte for byte   make reference   the generated pages anew
# Each target sets itself up: a virtual environment in .venv, pinned by constraints.txt.
PYTHON ?= python3
VENV ?= .venv
CORES ?= 2
# of all tests, `make test` runs every THIN-th
THIN ?= 1
# All of them, and the sample of the grids, are compiled quickly rather than well, as JAX's own tests are; a part of
# them, the drills and the whole grids as users' programs are. It changes no result that a test looks at, and takes a
# quarter of the time off.
QUICKLY = $(if $(filter 1,$(THIN)),JAX_DISABLE_MOST_OPTIMIZATIONS=1)
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt
export PATH := $(abspath $(BIN)):$(PATH)
# JAX stays on the CPU whatever the machine has
TEST_ENV = JAX_PLATFORMS=cpu

.PHONY: help setup demo test drills grids grids-sample bench-gpu compare lint reference clean

help:
	@sed -n '1,6s/^# //p' Makefile

setup: $(VENV)/.base

$(VENV)/.base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is $$($(PYTHON) -V 2>&1); qcxr needs Python >= 3.11: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "setting up $(VENV) (a few minutes the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.base
	@$(PIP) -e ".[test]"
	@touch $@

# apart from the rest: whatever executor is installed is imported whenever snakemake starts
$(VENV)/.slurm: $(VENV)/.test
	@$(PIP) --upgrade --no-deps --target $(VENV)/slurm snakemake-executor-plugin-slurm snakemake-executor-plugin-slurm-jobstep
	@touch $@

demo: $(VENV)/.base
	$(BIN)/snakemake --cores $(CORES) --configfile config/demo.yaml

test: $(VENV)/.test
	$(TEST_ENV) $(QUICKLY) $(BIN)/python -m pytest -n 2 --dist worksteal --thin $(THIN)

drills: $(VENV)/.test $(VENV)/.slurm .venv-crate/.made
	$(TEST_ENV) $(BIN)/python -m pytest -m slow -v -n 2 --dist loadfile --no-loadscope-reorder --durations 40 \
	  --ignore tests/circuits

grids: $(VENV)/.test
	$(TEST_ENV) $(BIN)/python -m pytest -m slow -n 2 --dist worksteal tests/circuits

grids-sample: $(VENV)/.test
	$(TEST_ENV) $(QUICKLY) $(BIN)/python -m pytest -m 'slow and sample' -n 2 --dist worksteal tests/circuits

# what checks an archive's RO-Crate goes with no environment of ours: it holds `rich` below 14
.venv-crate/.made:
	@$(PYTHON) -m venv .venv-crate && \
	  .venv-crate/bin/python -m pip install -q --disable-pip-version-check rocrate==0.16.0 roc-validator==0.13.0 || \
	  { echo "roc-validator could not be installed: RO-Crates will not be checked by it" >&2; rm -rf .venv-crate/bin; }
	@mkdir -p .venv-crate && touch $@

# CUDA 13 needs driver 580 or newer; torch, the peer, comes as its default build, and is a row with the reason if it fails
bench-gpu:
	@nvidia-smi > /dev/null 2>&1 || { echo "error: no CUDA here (nvidia-smi does not answer); the rehearsal on a CPU:" \
	  "make setup && $(BIN)/qcxr bench card --small" >&2; exit 1; }
	@$(MAKE) --no-print-directory VENV=.venv-gpu .venv-gpu/.gpu
	.venv-gpu/bin/qcxr bench card

$(VENV)/.gpu: $(VENV)/.base
	@driver=$$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1 | cut -d. -f1); \
	  extra=cuda12; test "$$driver" -lt 580 || extra=cuda13; echo "driver $$driver: installing .[$$extra]"; \
	  $(PIP) -e ".[$$extra]"
	@$(PIP) -e ".[bench]" || echo "torch could not be installed: its rows will say so" >&2
	@touch $@

compare: $(VENV)/.test
	$(TEST_ENV) $(BIN)/python -m tests.workflow.compare $(BASE)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/snakefmt --check Snakefile workflow
	@# what is made from the configuration's definition; make reference makes it anew
	$(BIN)/qcxr config --reference | diff docs/configuration.md -
	$(BIN)/qcxr config --schema | diff config/schema.json -
	@# and of docs/benchmarks/*.json; qcxr bench pages makes it anew
	$(BIN)/qcxr bench pages --check
	@# one environment holds every rule: the package's own; all that --lint may say is that rules name no other
	@said="$$($(BIN)/snakemake --lint 2>&1)"; echo "$$said" | grep -q 'conda environment or container' || \
	  { echo "$$said"; exit 1; }; ! echo "$$said" | grep '^    \* ' | grep -v 'conda environment or container'

reference: $(VENV)/.base
	$(BIN)/qcxr config --reference > docs/configuration.md
	$(BIN)/qcxr config --schema > config/schema.json

clean:
	rm -rf $(VENV) .venv-crate .snakemake demo results-demo
