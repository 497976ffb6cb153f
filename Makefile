# `make help` lists what there is. Everything runs in .venv, made from requirements.lock.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help env run test test-faults test-slurm check check-types check-rest format docs lock clean bench-dedup bench-classifiers bench-hygiene bench-decontamination

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

env: $(VENV)/.installed ## Make .venv and install the locked dependencies

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "tamis needs CPython 3.11 or newer; say which: make PYTHON=/path/to/python3.11 env"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --config-settings editable_mode=compat --editable .
	@touch $@

run: env ## Run the default experiment end to end and print the retention waterfall (ARGS="--configfile …")
	@tamis run $(ARGS)

# Two processes on two cores: libraries that start a thread a core would only wait for each other.
test: export OMP_NUM_THREADS := 1
test: env ## Run all tests (ARGS goes to the unit tests)
	@python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder tests/unit $(ARGS)
	@python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder tests/workflow
	@python -m tests.faults --short --cases 1 --minutes 2

test-faults: env ## Break a small corpus in hundreds of ways, 45 minutes on two cores (ARGS="--only SIGINT/3 --seed 1")
	@python -m tests.faults $(ARGS)

test-slurm: env ## Chain, wrong settings and 20 faults on a SLURM cluster of this machine, beside local cores (ARGS="--only node-killed")
	@TAMIS_TEST_SLURM=1 python -m pytest -q --numprocesses 3 tests/workflow/test_slurm.py
	@python -m tests.slurm $(ARGS)

check: env ## Format, lint, types, workflow lint
	@$(MAKE) --no-print-directory --jobs 2 --output-sync check-types check-rest

check-types:
	mypy

check-rest:
	ruff format --check .
	ruff check .
	snakefmt --check Snakefile rules
	snakemake --lint
	@python -m tamis.reference --check

format: env ## Format Python and workflow files
	ruff format .
	ruff check --fix-only .
	snakefmt Snakefile rules

docs: env ## Write the generated reference pages
	python -m tamis.reference

bench-classifiers: env ## Coarse classifiers beside TF-IDF and length, a dated table in benchmarks/results (ARGS="--seeds 5")
	PYTHONPATH=. OMP_NUM_THREADS=1 python benchmarks/classifiers/run.py $(ARGS)

bench-hygiene: env ## Private values, planted and labelled, beside peers (ARGS="TEXTS.jsonl.zst... --labels FILE"); PART=toxicity: word lists
	PYTHONPATH=.:benchmarks/hygiene OMP_NUM_THREADS=1 python benchmarks/hygiene/$(or $(PART),privacy).py $(ARGS)

bench-dedup: env ## De-duplication beside its peers, a dated table in benchmarks/results (ARGS="--documents 500000")
	PYTHONPATH=tests/support python benchmarks/dedup/run.py $(ARGS)

bench-decontamination: env ## Decontamination on your own benchmarks and texts, printed (ARGS="BENCHMARKS TEXTS --peers 60")
	PYTHONPATH=. OMP_NUM_THREADS=1 python benchmarks/hygiene/decontamination.py $(ARGS)

lock: ## Write requirements.lock from what .venv holds (after pip install --upgrade in it)
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check | sed -E 's/\+cpu$$//' > requirements.lock
	sed -E '/^ +- .*==/d' envs/cpu.yaml > envs/cpu.yaml.new
	sed -E 's/^/      - /' requirements.lock >> envs/cpu.yaml.new
	mv envs/cpu.yaml.new envs/cpu.yaml

clean: ## Remove results, logs and downloads (not .venv)
	rm -rf results logs downloads .snakemake
