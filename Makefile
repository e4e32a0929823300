# touchpoint360: `make demo` and `make test` work on a fresh machine with Python 3.11 to 3.13, git and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo
CUSTOMERS ?= 2000
NIGHTS ?= 3
# Sizes of the benchmark, in millions of touchpoints.
BENCH ?= 1 10
# Sizes of bench-journeys, in millions of touchpoints.
JOURNEYS ?= $(if $(filter file,$(origin BENCH)),1 20,$(BENCH))
# Size of the log that `make bench` and `make bench-logs` generate.
GIGABYTES ?= 1

.PHONY: demo test lint types check-defs bench bench-logs bench-attribution bench-measures bench-trend bench-identity bench-journeys bench-reading bench-report bench-explore docs superset superset-check datasette clean help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/.run: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(BIN)/.dev: $(BIN)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(BIN)/.run ## make the demo company, run its nights, show the release
	rm -rf $(DEMO)
	$(BIN)/touchpoint360 generate --customers $(CUSTOMERS) --nights $(NIGHTS) --out $(DEMO)
	@set -e; for night in $(DEMO)/exports/night_*; do \
	  echo; echo "== $$night"; \
	  $(BIN)/touchpoint360 run --exports $$night --warehouse $(DEMO)/warehouse --config $(DEMO)/touchpoint360.yaml > $(DEMO)/last-night.txt; \
	done; echo; cat $(DEMO)/last-night.txt
	@echo "(the command is $(BIN)/touchpoint360; \`. $(BIN)/activate\` puts it on your path)"

test: $(BIN)/.dev ## install what tests need and run them
	$(BIN)/python -m pytest

lint: $(BIN)/.dev ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/.dev ## mypy
	$(BIN)/mypy

check-defs: $(BIN)/.dev ## let Dagster load and validate the definitions
	$(BIN)/dg check defs

bench: $(BIN)/.dev ## the night at 1 and 10 million touchpoints, beside DuckDB reading the same files, its measures; then bench-attribution, -logs, -journeys
	$(BIN)/python -m benchmarks.night $(BENCH)
	$(BIN)/python -m benchmarks.attribution 1
	$(BIN)/python -m benchmarks.logs $(GIGABYTES)
	$(MAKE) bench-journeys

bench-logs: $(BIN)/.dev ## reading a web server's log of 1 GB, beside GoAccess (when it is installed) and a Python expression
	$(BIN)/python -m benchmarks.logs $(GIGABYTES)

bench-attribution: $(BIN)/.dev ## a million paths attributed, beside the ChannelAttribution package (built when g++ is there)
	$(BIN)/python -m benchmarks.attribution 1

bench-measures: $(BIN)/.dev ## what each measure costs at a million touchpoints (`make bench` has it at every size)
	$(BIN)/python -m benchmarks.measures 1

bench-trend: $(BIN)/.dev ## false alarms and detection of the weekly alerts on simulated weeks
	$(BIN)/python -m benchmarks.trend 200

bench-identity: $(BIN)/.dev .bench-identity/data ## who is who on labelled people (febrl, pseudopeople, the demo company), beside Splink's defaults; speed
	$(BIN)/python -m benchmarks.identity --data .bench-identity/data
	$(BIN)/python -m benchmarks.identity_speed

# The packages that bring the labelled data pin other versions than this project: an environment of their own.
.bench-identity/data: benchmarks/identity-requirements.txt benchmarks/identity_data.py
	test -x .bench-identity/venv/bin/python || $(PYTHON) -m venv .bench-identity/venv
	.bench-identity/venv/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/identity-requirements.txt
	.bench-identity/venv/bin/python benchmarks/identity_data.py $@
	@touch $@

bench-reading: $(BIN)/.dev ## reading CSV, NDJSON and workbooks, beside DuckDB's and calamine's own readers
	$(BIN)/python -m benchmarks.reading

bench-journeys: $(BIN)/.dev .bench-journeys/ready ## sessions, transitions, step matrix, funnel at 1 and 20 million touchpoints, beside retentioneering and pm4py
	$(BIN)/python -m benchmarks.journeys $(JOURNEYS) $$(test ! -e .bench-journeys/ready || echo --peers .bench-journeys/bin/python)

# Where the peers cannot be installed the benchmark runs without them.
.bench-journeys/ready: benchmarks/journeys-requirements.txt
	test -x .bench-journeys/bin/python || $(PYTHON) -m venv .bench-journeys
	-.bench-journeys/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@

bench-report: $(BIN)/.dev ## size and first paint of the report of $(DEMO)/warehouse, or of RELEASE=<warehouse>
	$(BIN)/python -m benchmarks.report $(if $(RELEASE),$(RELEASE),$(DEMO)/warehouse)

bench-explore: $(BIN)/.dev ## how soon the explorer answers on $(DEMO)/warehouse, or on RELEASE=<warehouse>
	$(BIN)/python -m benchmarks.explore $(if $(RELEASE),$(RELEASE),$(DEMO)/warehouse)

docs: $(BIN)/.run ## write docs/tables.md from the contracts and docs/spec.schema.json from the spec model
	$(BIN)/touchpoint360 tables --out docs/tables.md
	$(BIN)/touchpoint360 tables --json --out docs/published-schema.json
	$(BIN)/touchpoint360 sources --schema > docs/spec.schema.json

superset: .superset/bin/superset ## Apache Superset on $(DEMO)/warehouse, with a dashboard, in an environment of its own (Python 3.11)
	.superset/bin/python docs/bi/superset/start.py --warehouse $(DEMO)/warehouse --home .superset/home

superset-check: ## ask the running Superset for each chart, before and after a release switch
	.superset/bin/python docs/bi/superset/check.py --warehouse $(DEMO)/warehouse

.superset/bin/superset: docs/bi/superset/requirements.txt
	test -x .superset/bin/python || $(PYTHON) -m venv .superset
	.superset/bin/python -m pip install --quiet --disable-pip-version-check -r docs/bi/superset/requirements.txt
	@touch $@

datasette: .datasette/bin/datasette ## Datasette on the Parquet files and the DuckDB file of $(DEMO)/warehouse, in an environment of its own
	sed 's#demo/warehouse#$(DEMO)/warehouse#' docs/bi/datasette/metadata.json > .datasette/metadata.json
	.datasette/bin/datasette --metadata .datasette/metadata.json --port 8001

.datasette/bin/datasette: docs/bi/datasette/requirements.txt
	test -x .datasette/bin/python || $(PYTHON) -m venv .datasette
	.datasette/bin/python -m pip install --quiet --disable-pip-version-check -r docs/bi/datasette/requirements.txt
	@touch $@

clean: ## remove the environment and the demo
	rm -rf $(VENV) .superset .datasette $(DEMO) .pytest_cache .hypothesis .mypy_cache .ruff_cache
