# Two commands to try it: `make demo` and `make test`. Everything else is for those who build it.
# Everything is installed into .venv: pinned and hashed packages first, then this project alone.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PACKAGES := protocol edge_agent fleet_server simulators
# Two test processes on two cores; the count of a larger machine brings nothing but noise.
TEST_PROCESSES ?= 2

.PHONY: help setup demo run system-packages test check format bench soak soak-edge soak-week soak-simulation lock migration clean

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## install into .venv

$(STAMP): constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/pip || { rm -rf .venv; $(PYTHON) -m venv .venv; } || \
	  { rm -rf .venv; echo "no venv module: apt-get install python3-venv, then again" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: setup ## play the story on real parts, prove each step, print what was measured
	$(BIN)/cabinet-sim story

run: setup ## start a small fleet and keep serving http://127.0.0.1:8000 until Ctrl-C
	$(BIN)/cabinet-sim fleet

system-packages:
	bash tests/system_packages.sh

test: setup system-packages ## run every test
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal

check: setup ## format, lint, types, contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## format and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## all benchmarks; bench-NAME runs one
	$(BIN)/python -m tests.benchmarks

bench-%: setup system-packages
	$(BIN)/python -m tests.benchmarks $*

soak: setup system-packages ## a thousand kills of every part and a restore, on three brokers; 30 minutes
	$(BIN)/python -m tests.soak --kills 1000

soak-edge: setup ## kill real agents a thousand times under load; five minutes
	$(BIN)/python -m tests.edge_agent.soak --kills 1000

# Seeds of `make soak-simulation`; the first one may be given too, to look where nobody looked.
SEEDS ?= 300
FIRST_SEED ?= 1

soak-week: setup ## a week of 50 technicians and 2,000 cabinets through the API, the server killed
	$(BIN)/python -m tests.soak.fleet_week

soak-simulation: setup ## play many seeds of the whole fleet under a virtual clock
	$(BIN)/cabinet-sim simulate --seed $(FIRST_SEED) --seeds $(SEEDS)

lock: setup ## pin anew what pyproject.toml allows (hashes, no addresses)
	$(BIN)/pip install --quiet --upgrade uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  --extra dev pyproject.toml -o constraints.txt

migration: setup ## draft the next migration: make migration MESSAGE="what changes"
	$(BIN)/python -m fleet_server.migrations.revise "$(MESSAGE)"

clean: ## remove what was built and installed
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
