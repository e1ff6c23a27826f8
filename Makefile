# make demo         a fresh clone to the results table: environment, demo data, main job, table
# make test         the fast tests; make test-slow: the others; make check: style, arrows, types, wheel; make format
# PYTHON=python3.12 picks the interpreter of a new environment, VENV=... its place.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow check format lock-check clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest
# Each worker holds about a gigabyte of imported libraries.
WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || echo 1); echo $$(( cores < 4 ? cores : 4 )))

DEMO_DATA := data/demo
DEMO_RUNS := work_dirs/demo

help:
	@sed -n 's/^# //p' Makefile | head -n 3

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); ok or sys.exit( \
		"$(PYTHON) is Python %d.%d; simmim-eval needs 3.11 to 3.13. Name one: make PYTHON=python3.12 ..." \
		% sys.version_info[:2])'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@tools/install_lock.sh $(BIN)/python
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED)
	$(BIN)/simmim-eval data make-demo $(DEMO_DATA)
	$(BIN)/simmim-eval suite run suites/demo.py --data-root $(DEMO_DATA) --work-dir $(DEMO_RUNS)

test: $(INSTALLED)
	$(PYTEST) -n $(WORKERS) --dist loadfile

test-slow: $(INSTALLED)
	$(PYTEST) -m slow

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(PYTEST) -q -m slow tests/packaging/test_wheel.py

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock-check:
	tools/check_lock.sh

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
