# make help lists what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUNS   := $(VENV)/.runs
STAMP  := $(VENV)/.installed
AUDIT  := build/audit/bin/pip-audit
SPHINX := build/docs/bin/sphinx-build
SHELL  := /bin/bash
JOBS   ?= $(shell nproc)
COMPILE := $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
SMPPLOAD_BUILT := build/smppload/smppload
.DEFAULT_GOAL := help
# The tests start the program thousands of times: what Python has compiled is kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(RUNS): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP): $(RUNS) requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

install: $(STAMP)  ## virtual environment in .venv with the locked versions

run: $(RUNS)  ## gateway with a simulated SMSC on loopback; prints what to try
	@$(BIN)/smsc-gateway run --demo

# Side by side, but those that start peers and whole gateways apart from the others, and no more than two.
test: $(STAMP)  ## all tests; REQUIRE_PEERS=1 makes a missing peer a failure
	rm -f build/tests-*.xml
	@failed=0; set -x; \
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --junitxml=build/tests-beside.xml \
	    --ignore=tests/interop --ignore=tests/process --ignore=tests/browser || failed=1; \
	$(BIN)/python -m pytest -n 2 --dist loadfile --junitxml=build/tests-alone.xml \
	    tests/interop tests/process tests/browser || failed=1; \
	$(BIN)/python tests/support/service_coverage.py build/tests-*.xml || failed=1; \
	exit $$failed

bench: $(STAMP)  ## the figures of docs/performance.md (ports 2775, 2776; about 20 minutes)
	@if [ -z "$$SMPPLOAD" ]; then $(MAKE) --no-print-directory $(SMPPLOAD_BUILT); fi
	$(BIN)/python benchmarks/codec.py
	$(BIN)/python benchmarks/encoder.py --write docs/text.md
	$(BIN)/python benchmarks/figures.py --smppload "$${SMPPLOAD:-$(SMPPLOAD_BUILT)}" --write docs/performance.md
	$(BIN)/python benchmarks/mail.py --smppload "$${SMPPLOAD:-$(SMPPLOAD_BUILT)}" --write docs/performance.md
	$(BIN)/python benchmarks/service.py --smppload "$${SMPPLOAD:-$(SMPPLOAD_BUILT)}" --write docs/performance.md

bench-http: $(STAMP)  ## HTTP for clients, beside Kannel's sendsms: docs/performance.md (wrk; 8 minutes)
	@if [ -z "$$SMPPLOAD" ]; then $(MAKE) --no-print-directory $(SMPPLOAD_BUILT); fi
	$(BIN)/python benchmarks/http_clients.py --smppload "$${SMPPLOAD:-$(SMPPLOAD_BUILT)}" --write docs/performance.md

bench-metrics: $(STAMP)  ## what metrics cost, beside each other with and without them: docs/metrics.md (5 minutes)
	@if [ -z "$$SMPPLOAD" ]; then $(MAKE) --no-print-directory $(SMPPLOAD_BUILT); fi
	$(BIN)/python benchmarks/metrics_cost.py --smppload "$${SMPPLOAD:-$(SMPPLOAD_BUILT)}" --write docs/metrics.md

bench-pages: $(STAMP)  ## each page's answer with a million messages, on SQLite and on PostgreSQL: docs/performance.md (3 minutes)
	$(BIN)/python benchmarks/pages.py --write docs/performance.md
	$(BIN)/python benchmarks/pages.py --postgres 15 --write docs/performance.md

bench-postgres: $(STAMP)  ## one node on PostgreSQL beside SQLite: docs/performance.md, benchmarks/postgres.json (5 minutes)
	@if [ -z "$$SMPPLOAD" ]; then $(MAKE) --no-print-directory $(SMPPLOAD_BUILT); fi
	$(BIN)/python benchmarks/postgres.py --smppload "$${SMPPLOAD:-$(SMPPLOAD_BUILT)}" --write docs/performance.md --json benchmarks/postgres.json

bench-nodes: $(STAMP)  ## several nodes on one machine, and a node far from its server: docs/scaling.md (6 minutes)
	@if [ -z "$$SMPPLOAD" ]; then $(MAKE) --no-print-directory $(SMPPLOAD_BUILT); fi
	$(BIN)/python benchmarks/postgres_nodes.py --smppload "$${SMPPLOAD:-$(SMPPLOAD_BUILT)}" --write docs/scaling.md

scaling: $(STAMP)  ## what several nodes would give, computed from benchmarks/postgres.json: docs/scaling.md
	$(BIN)/python benchmarks/scaling.py --write docs/scaling.md --plot docs/images/scaling.svg

kill: $(STAMP)  ## kill the gateway 50 times under load and write docs/kill.md (2 minutes)
	$(BIN)/python benchmarks/kill.py --kills 50 --write docs/kill.md

kill-service: $(STAMP)  ## the same with a service over HTTP that loses answers: docs/kill-service.md (4 minutes)
	$(BIN)/python benchmarks/service_kill.py --write docs/kill-service.md

reload: $(STAMP)  ## reload the configuration 100 times under load: the figures of docs/reload.md (1 minute)
	$(BIN)/python benchmarks/reload.py --write docs/reload.md

torture: $(STAMP)  ## the fault plan at full size, or PARTS="K1 K2" of it: docs/torture.md (an hour and a quarter)
	@if [ -z "$$SMPPLOAD" ] && [ -e ../shared/smppload ]; then $(MAKE) --no-print-directory $(SMPPLOAD_BUILT); fi
	SMPPLOAD="$${SMPPLOAD:-$(SMPPLOAD_BUILT)}" $(BIN)/python benchmarks/torture $(PARTS) --write docs/torture.md

cluster-faults: $(STAMP)  ## two nodes on PostgreSQL, killed, paused, cut off, or PARTS="N1" of it: docs/cluster-faults.md (an hour)
	$(BIN)/python benchmarks/cluster $(PARTS) --write docs/cluster-faults.md

soak:  ## of it only the soak: 3 million messages in 45 minutes
	@$(MAKE) --no-print-directory torture PARTS=S1

charges: $(STAMP)  ## a million charges by sixteen sessions and a kill in between: docs/charges.md (3 minutes)
	$(BIN)/python benchmarks/charges.py --write docs/charges.md

routing: $(STAMP)  ## ten thousand routes and a blacklist of a hundred thousand numbers: docs/routing.md
	$(BIN)/python benchmarks/routing.py --write docs/routing.md

fuzz: $(STAMP)  ## a million malformed PDUs at the decoder, 50,000 at a running gateway: docs/fuzz.md (10 minutes)
	$(BIN)/python benchmarks/fuzz.py --write docs/fuzz.md

# Beside the project: there is no wheel of it for each Python that we run on.
ATHERIS := atheris==3.0.0
fuzz-deep: $(STAMP)  ## fuzz each target by coverage, into tests/corpus: TARGETS="udh mime" SECONDS_EACH=120 (30 minutes)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --upgrade --target build/atheris $(ATHERIS) \
	    || echo "$(ATHERIS) cannot be installed here: what follows is by chance"
	$(BIN)/python benchmarks/fuzz_deep.py $(TARGETS) --seconds $(or $(SECONDS_EACH),120) --write docs/fuzz.md

# The load tool lies beside the project; it is built in a place of its own.
$(SMPPLOAD_BUILT): ../shared/smppload/smppload.c
	mkdir -p $(dir $@)
	cp ../shared/smppload/* $(dir $@)
	$(MAKE) --no-print-directory -C $(dir $@)

screenshots: $(STAMP)  ## docs/images/overview.png anew: a busy gateway in Chromium (6 minutes)
	$(BIN)/python tests/browser/picture.py

check: $(STAMP)  ## ruff and strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# pip-audit has an environment of its own: its packages are none of the project's.
$(AUDIT): requirements-audit.lock
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --disable-pip-version-check -r requirements-audit.lock
	@touch $@

audit: $(STAMP) $(AUDIT)  ## known advisories against the locked packages; fails on findings (1), or unaudited (2)
	@$(BIN)/python tests/support/audit.py $(AUDIT) requirements.lock requirements-dev.lock requirements-audit.lock requirements-docs.lock

# What builds the site has an environment of its own too.
$(SPHINX): requirements-docs.lock
	$(PYTHON) -m venv build/docs
	build/docs/bin/pip install --quiet --disable-pip-version-check -r requirements-docs.lock
	@touch $@

docs: $(SPHINX)  ## the manuals as a site in build/site; a link that leads nowhere is an error
	$(SPHINX) --fail-on-warning --keep-going --quiet --fresh-env --builder html docs build/site

reference: $(STAMP)  ## write docs/configuration.md and docs/commands.md anew from the code
	$(BIN)/python docs/reference.py
	$(BIN)/python -m gateway.ops.metric_catalogue docs/metrics.md

format: $(STAMP)  ## ruff's formatting and safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The first is what production installs; the second adds the tools, with the first's versions; the third has
# what looks for advisories, the fourth what builds the site.
lock: $(STAMP)  ## write requirements.lock and requirements-dev.lock anew from pyproject.toml
	$(BIN)/pip install --quiet pip-tools
	$(COMPILE) --extra build --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra build --extra test --extra check --extra package --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	echo 'pip-audit>=2.10,<3' | $(COMPILE) --output-file requirements-audit.lock -
	printf '%s\n' 'sphinx>=9,<10' 'myst-parser>=5,<6' 'furo>=2025.12,<2027' | $(COMPILE) --output-file requirements-docs.lock -

dist: $(STAMP)  ## sdist and wheel in build/dist
	rm -rf build/dist
	$(BIN)/python -m build --no-isolation --outdir build/dist

deb: $(STAMP)  ## build/smsc-gateway_VERSION_ARCHITECTURE.deb, on Debian 12
	packaging/deb build

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help install run test bench bench-http bench-metrics bench-pages bench-postgres bench-nodes scaling kill kill-service torture cluster-faults soak charges reload routing fuzz fuzz-deep screenshots dist deb check audit docs reference format lock clean
