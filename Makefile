# Front Door. `make run` shows it, `make test` proves it, `make help` lists the rest.
# The steps themselves are in tools/, each a script that can be read and run alone.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python
# Tests at a time: one more than there are cores, for a test often waits for a browser, a server, a database.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ "$$n" -gt 7 ] && n=7; echo $$((n + 1)))
PYTEST := $(PY) -m pytest -n $(WORKERS) --dist worksteal -q

.PHONY: help run test test-quick test-deep coverage check format catalogues lock migration environment test-environment clean

help: ## What there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: environment ## The portal on this machine with made-up people, at http://127.0.0.1:8000
	@tools/run.sh

test: test-environment ## Every test: rooms, doors, languages, browser; on SQLite and PostgreSQL
	@tools/browser.sh
	@$(PYTEST) -m "not deep" $(ARGS)

test-quick: test-environment ## The tests that take seconds: SQLite alone, no browser
	@$(PYTEST) -m "not deep and not slow and not browser" --databases sqlite $(ARGS)

test-deep: test-environment ## Everything, with the long searches too (many minutes)
	@tools/browser.sh
	@PORTAL_TEST_DEPTH=deep $(PYTEST) --timeout 3600 $(ARGS)

coverage: test-environment ## Which lines the tests without a browser pass through
	@$(PYTEST) -m "not deep and not browser" --cov --cov-report=term $(ARGS)

check: test-environment ## Style, types, floors, templates, spelling
	@tools/check.sh

format: test-environment ## Put the Python files into the house's layout
	@.venv/bin/ruff check --fix-only --quiet . && .venv/bin/ruff format .

catalogues: test-environment ## Gather the words for the translators, and say what is wrong in each language
	@$(PY) -m tools.catalogues

lock: ## Make the locks anew: make lock, or make lock ARGS=--upgrade
	@tools/lock.sh $(ARGS)

migration: environment ## The next migration from the models: make migration name=goal_ratings
	@[ -n "$(name)" ] || { echo "Give it a name: make migration name=goal_ratings" >&2; exit 1; }
	@$(PY) -m tools.migration "$(name)"

environment:
	@tools/environment.sh run

test-environment:
	@tools/environment.sh test

clean: ## Take away what was made here, except the demonstration's data
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results .coverage .coverage.*
