# Everything a developer or a new user types. `make` alone shows this list.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# What is installed beside al-runner; several at once (EXTRAS=dev,docs,peers) take less time than one after the other.
EXTRAS ?= dev
# Eight seeds can show a difference between three strategies; ten epochs are enough for an encoder of the phantom.
DEMO := encoder=simclr encoder.epochs=10 encoder.least_steps=0 strategy=random,entropy,typiclust \
	schedule.initial=strategy 'seed=range(8)' logger=none output_dir=outputs/demo
# Each worker needs 1.5 GB.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() or 1, 8))')
# A worker takes the next test when it has none left.
PYTEST = -n $(WORKERS) --dist worksteal
# What is worth measuring of the tests: what those of the numbers cover of the code that makes them.
COVERED := $(patsubst %,--cov=al_runner.%,acquisition data.tasks loop report.statistics)
comma := ,
INSTALL = $(BIN)/python scripts/install.py
# Two jobs with one thread each beat one job with two.
export OMP_NUM_THREADS ?= 1
# Material for MkDocs would print an advertisement.
MKDOCS = NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs

.DEFAULT_GOAL := help
.PHONY: help install peers demo test test-slow campaign coverage covered results lint format docs docs-serve wheel-check \
	clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## create .venv and install al-runner with what its tests need

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[$(EXTRAS)]'
	@touch $@ $(patsubst %,$(VENV)/.extra-%,$(subst $(comma), ,$(EXTRAS)))

$(VENV)/.extra-%: $(VENV)/.installed
	$(INSTALL) --editable '.[$*]'
	@touch $@

peers: $(VENV)/.extra-peers  ## install the libraries that tests and benchmarks compare with
	$(INSTALL) --no-deps baal structlog
	$(INSTALL) --no-build-isolation pyradiomics

demo: install  ## learn an encoder on the synthetic data and compare three strategies on its features: about two minutes
	$(BIN)/al-run -m hydra/launcher=joblib $(DEMO)
	$(BIN)/al-report outputs/demo

test: install  ## run the tests (set AL_RUNNER_DATA to include those on real data)
	$(BIN)/python -m pytest $(PYTEST)

test-slow: install  ## run the tests that take seconds or minutes each
	$(BIN)/python -m pytest $(PYTEST) -m slow

campaign: install  ## kill runs, fill disks, damage files, try hostile ones, and count what goes wrong: about an hour
	$(BIN)/python scripts/campaign.py
	$(BIN)/python scripts/bad_inputs.py --commands 500

coverage: install  ## what the tests of the loop, the tasks, the scores and the statistics cover of these, in a minute
	$(BIN)/python -m pytest $(PYTEST) $(COVERED) -m 'numbers and not slow and not gpu'

covered:
	@echo $(COVERED)

results: install  ## make the tables and figures of docs/results from their files (PAGE=technion: those of one page)
	$(BIN)/python scripts/result_pages.py $(PAGE)

lint: install  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## let ruff put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.extra-docs  ## build the documentation site into site/; dead links and missing pages are errors
	$(MKDOCS) build --quiet

docs-serve: $(VENV)/.extra-docs  ## show the site at localhost:8000, and build it anew when a page changes
	$(MKDOCS) serve

wheel-check: install  ## build the wheel and run it from a clean environment, started elsewhere
	$(BIN)/python scripts/wheel_check.py

clean:  ## remove what was built and measured; keeps .venv
	rm -rf outputs site build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
