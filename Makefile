# Every target makes `.venv` first if it is not there or not what the lock says.
# Only make and Python 3.11 (or newer) are needed; name another one with PYTHON=…

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
RUN := .venv/bin/python
GATEWAY := .venv/bin/gateway
COMPILE := uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header

# What is compiled is kept, whatever the environment says: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

# Given to pytest by `make test`, for example ARGS="-k ledger".
ARGS ?=
# How many processes the tests share: one more than two cores, as many tests wait for time to pass.
JOBS ?= 3

# How many leaves the ledger of `make bench-ledger` has; ten million need 20 GB in the temporary folder.
LEAVES ?= 10000000

# Kills that `make kill` makes.
TIMES ?= 20

# What `make fuzz` takes: random bodies, and seconds for the rest.
BODIES ?= 1000000
SECONDS ?= 300

.DEFAULT_GOAL := help
.PHONY: help demo test check bench bench-ledger kill fuzz serve clean lint style lock wheel venv

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: venv ## the whole story on realistic traffic, in a temporary home
	@$(GATEWAY) demo

test: style ## style, types and all tests; ends with what could not run here
	@# Tests wait much of their time, and types are checked meanwhile.
	@said=$$(mktemp); $(RUN) -m mypy >"$$said" 2>&1 & types=$$!; \
	$(RUN) -m pytest -n $(JOBS) --dist worksteal $(ARGS); tests=$$?; \
	wait $$types || { cat "$$said"; tests=1; }; rm -f "$$said"; exit $$tests

check: venv ## policies and manifests: of ./home if there is one, else of a fresh home
	@if [ -f home/gateway.toml ]; then $(GATEWAY) --home home check; else \
		fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
		$(GATEWAY) init "$$fresh/home" >/dev/null && $(GATEWAY) --home "$$fresh/home" check; fi

bench: venv ## speed beside a bare proxy, in the same run
	@$(RUN) tests/benchmarks/run.py

bench-ledger: venv ## a ledger of ten million leaves: made, verified, asked; some fifteen minutes
	@$(RUN) tests/benchmarks/run.py ledger --leaves $(LEAVES)

kill: venv ## twenty kills -9 of the real server under load; what arrived must be in the ledger
	@$(RUN) -m tests.faults.kill --times $(TIMES)

fuzz: venv ## a million random bodies once, then guided fuzzing and schemathesis, SECONDS=300 together
	@$(RUN) -m tests.fuzz.million --count $(BODIES)
	@$(RUN) -m tests.fuzz.guided --seconds $$(( $(SECONDS) * 2 / 3 ))
	@$(RUN) -m tests.fuzz.described --seconds $$(( $(SECONDS) / 3 ))

serve: venv ## a gateway on ./home, which is made if it is not there
	@[ -f home/gateway.toml ] || $(GATEWAY) init home
	@exec $(GATEWAY) --home home serve

lint: style ## ruff, its formatter as a check, and mypy
	@$(RUN) -m mypy

style: venv
	@$(RUN) -m ruff check --quiet
	@$(RUN) -m ruff format --check --quiet || { echo "lint: run .venv/bin/ruff format"; exit 1; }

lock: ## compile the lock files again from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "lock: uv is needed for this target only; install it with pip"; exit 1; }
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) --group dev pyproject.toml -o requirements-dev.lock
	$(COMPILE) --group build -o requirements-build.lock

wheel: venv ## the package, into dist/
	@$(RUN) -m hatchling build -t wheel -d dist

venv:
	@[ -n "$(PYTHON)" ] || { echo "venv: no Python 3.11 or newer on the path; install python3.11 (and python3.11-venv on Debian)"; exit 1; }
	@$(PYTHON) .ci/venv.py

clean: ## remove what make made; ./home stays, it holds keys
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find gateway tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +
