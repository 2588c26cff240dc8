# Every target sets up .venv by itself; a second call installs nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INSTALLED := $(VENV)/.installed
DECODER := $(wildcard decoder/Cargo.* decoder/*.py decoder/*.toml decoder/src/* decoder/handspan_decoder/*.py)
# Out of the tree, as the other tools that are built; Rust builds anew only what has changed.
CARGO := CARGO_TARGET_DIR="$${XDG_CACHE_HOME:-$$HOME/.cache}/handspan/decoder"

.DEFAULT_GOAL := help
.PHONY: guide dashboards grafana prometheus help demo test test-fast test-stack test-sdk soak truth check format generate bench bench-compat bench-dashboards bench-ingest bench-query bench-record collector jaeger clickhouse-go deploy-check oldest-clickhouse rotel constraints clean record-frameworks pin-frameworks frameworks frameworks-newest

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): $(INSTALLED) $(DECODER)
	@if command -v cargo > /dev/null; then \
		echo "Building decoder/ (about ten seconds) ..."; \
		$(CARGO) $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall ./decoder || echo "decoder/ cannot be built: ptars decodes requests, at three times the cost."; \
	else \
		echo "There is no cargo: ptars decodes requests, at three times the cost. To have decoder/: install Rust (rustup), rm $(READY), make again."; \
	fi
	@touch $(READY)

$(INSTALLED): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Handspan needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Installing into $(VENV) (about a minute, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)

demo: $(READY) ## a team of agents, traced into an embedded store, and its KPIs
	@$(BIN)/handspan demo

test: $(READY) ## the whole test suite
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

test-fast: $(READY) ## without the tests that start real processes
	$(BIN)/python -m pytest -m "not end_to_end and not soak"

test-stack: $(READY) oldest-clickhouse ## tests with the real programs around Handspan; `make collector rotel jaeger clickhouse-go` first
	$(BIN)/python -m pytest tests/stack --numprocesses 2 --dist loadgroup

# Without the frameworks and the service, which that environment does not have.
NOT_OF_THE_SDK := --ignore=tests/instrumentation/frameworks --ignore=tests/instrumentation/test_cli.py \
	--ignore=tests/instrumentation/test_semconv.py \
	--deselect=tests/instrumentation/leaving/test_guests.py::test_a_second_instrumentor_is_told_and_left_alone

test-sdk: ## the tests of recording with the oldest SDK; installed once
	@python=$$($(PYTHON) -m stack.tools oldest_sdk) && \
	$$python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . && \
	$$python -m pytest --numprocesses 2 --dist loadfile tests/instrumentation $(NOT_OF_THE_SDK)

soak: $(READY) ## the tests that take minutes: power cuts and kills by the dozen, new random inputs
	$(BIN)/python -m pytest -m "soak or hypothesis" --hypothesis-profile random

truth: $(READY) ## random histories against the KPIs; TRUTH="--seed 7 --number 1000" for others
	$(BIN)/python -m tests.truth $(TRUTH)

check: $(READY) ## lint, types, import contracts, spelling, generated files, the guide's links
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python docs/generate.py --check
	$(BIN)/python -m dashboards.generate --check
	$(BIN)/python -m deploy.packages --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@if command -v cargo > /dev/null; then \
		cd decoder && cargo fmt --check && $(CARGO) cargo clippy --quiet --release --locked --offline -- --deny warnings; \
	else echo "There is no cargo: decoder/ is not checked."; fi

guide: $(READY) ## the pages of docs/ as a site in site/, readable without a server
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open site/index.html"

format: $(READY) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(READY) ## rewrite every generated file
	$(BIN)/python docs/generate.py
	$(BIN)/python -m dashboards.generate
	$(BIN)/python -m deploy.packages

dashboards: $(READY) ## rewrite the JSON of the dashboards for Grafana
	$(BIN)/python -m dashboards.generate

bench: bench-ingest bench-dashboards bench-query bench-record bench-compat ## every benchmark; figures go to benchmarks/RESULTS.md

bench-compat: $(READY) ## what the older APIs promised: time of a call, exports, memory
	$(BIN)/python -m benchmarks.compat --write

bench-ingest: $(READY) collector rotel ## speed against the real Collector and rotel, and how far facts are behind, 20 minutes
	$(BIN)/python -m benchmarks.ingest --write

bench-dashboards: $(READY) ## what dashboards on the embedded store cost its ingest, about five minutes
	$(BIN)/python -m benchmarks.dashboards --write

bench-query: $(READY) ## every question on ten million spans, about half an hour; QUERY="--spans 100000" for fewer
	$(BIN)/python -m benchmarks.query --write $(QUERY)

bench-record: $(READY) ## what recording costs against a bare SDK, about ten minutes
	$(BIN)/python -m benchmarks.record --write

collector: ## the real OpenTelemetry Collector, built once into the cache; needs Go
	@$(PYTHON) -m stack.tools collector

jaeger: ## the real Jaeger, built once into the cache; needs Go
	@$(PYTHON) -m stack.tools jaeger

clickhouse-go: ## a program with the client of Grafana's plugin, built once into the cache; needs Go
	@$(PYTHON) -m stack.tools clickhouse_go

packages: ## Chromium and faketime from Debian, which the tests with real programs need
	@stack/packages.sh

grafana: ## the page that draws dashboards with Grafana's own libraries; needs Node
	@$(PYTHON) -m stack.tools grafana

prometheus: ## the real Prometheus and promtool, built once into the cache; needs Go
	@$(PYTHON) -m stack.tools prometheus

deploy-check: ## a program that reads deploy/ as Docker, Compose and Kubernetes do, built once into the cache; needs Go
	@$(PYTHON) -m stack.tools deploy_check

oldest-clickhouse: ## the oldest ClickHouse that is supported, installed once into the cache
	@$(PYTHON) -m stack.tools oldest_clickhouse

rotel: ## another collector to compare with, installed once into the cache
	@$(PYTHON) -m stack.tools rotel

record-frameworks: $(READY) ## tell the same story in every agent framework again and record what it emits
	$(BIN)/python -m stack.frameworks.recording
	$(BIN)/python -m tests.exporter.conventions.writing
	$(BIN)/python docs/generate.py

frameworks-newest: ## the newest OpenAI Agents SDK and LangGraph with their instrumentors, into the cache
	@$(PYTHON) -m stack.frameworks.newest openai_agents langgraph

frameworks: $(READY) ## the pinned environments of the guide's frameworks, into the cache; once
	$(BIN)/python -m stack.tools autogen crewai langgraph pydantic_ai strands

pin-frameworks: ## pin the newest agent frameworks and instrumentors, with hashes
	@test -x $(VENV)/pin/bin/uv || { $(PYTHON) -m venv $(VENV)/pin && $(VENV)/pin/bin/pip install --quiet uv; }
	cd stack/frameworks/pins && for one in *.in; do ../../../$(VENV)/pin/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade --output-file $${one%.in}.txt $$one; done

constraints: ## pin the newest versions, with hashes
	@test -x $(VENV)/pin/bin/uv || { $(PYTHON) -m venv $(VENV)/pin && $(VENV)/pin/bin/pip install --quiet uv; }
	$(VENV)/pin/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade --all-extras --output-file constraints.txt pyproject.toml

clean: ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
