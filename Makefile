# Every command that a developer, the hooks and CI run. Works with GNU make 3.81 (macOS) and newer.
# The programs behind the longer targets are in scripts/.

BIN := .venv/bin
STAMP := .venv/.installed

# CI measures coverage while it tests, so that the suite runs once. COVERAGE=1 asks for it by hand.
COVERAGE ?= $(filter true,$(CI))
PYTEST := $(if $(COVERAGE),$(BIN)/coverage run -m pytest,$(BIN)/pytest)
# Many tests wait for a browser or for other processes. More than four at once would fight for memory.
PARALLEL := -n auto --maxprocesses 4 --dist worksteal

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: $(STAMP) ## Make .venv from the lock file (PYTHON=python3.13 picks the interpreter)

# A named interpreter must not be passed over because an older .venv is up to date.
ifdef PYTHON
export PYTHON
.PHONY: $(STAMP)
endif
$(STAMP): requirements-dev.lock requirements-uv.lock pyproject.toml scripts/setup scripts/find-python
	@scripts/setup
	@touch $@

.PHONY: packages
packages: ## Install the Debian packages that the tests need (as root), or say what to install
	@scripts/packages

.PHONY: serve
serve: $(STAMP) ## Open the dashboard on http://127.0.0.1:5006 (SERVE_ARGS="--port 5007 --home FOLDER")
	$(BIN)/python -m dashboard --address 127.0.0.1 --port 5006 $(SERVE_ARGS)

.PHONY: test
test: $(STAMP) ## Run the whole suite (PYTEST_ARGS="-k words" picks tests)
	@scripts/packages
	$(PYTEST) $(PARALLEL) $(PYTEST_ARGS)
	$(if $(COVERAGE),@$(BIN)/coverage combine --quiet && $(BIN)/coverage report)

.PHONY: testimage
testimage: $(STAMP) ## Build the container image on a base made from Debian's packages, and test it (PYTEST_ARGS="-k words")
	@scripts/packages --containers
	$(BIN)/pytest tests/container $(PYTEST_ARGS)

.PHONY: fast
fast: $(STAMP) ## Run the suite without the tests that train real networks
	@scripts/packages
	$(BIN)/pytest $(PARALLEL) -m "not slow" $(PYTEST_ARGS)

.PHONY: coverage
coverage: ## Run the whole suite and report which lines it never ran
	@$(MAKE) test COVERAGE=1

.PHONY: lint
lint: $(STAMP) ## Check style, types, which part imports which, and what deploys the program
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	scripts/lint-deploy

.PHONY: audit
audit: $(STAMP) ## Look the locked versions up in a database of known vulnerabilities, where it can be reached
	$(BIN)/python scripts/audit

.PHONY: format
format: $(STAMP) ## Sort imports and format the code
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: image
image: ## Build the container image with docker, podman or buildah (IMAGE_ARGS="--target gpu --tag charrnn-studio:gpu")
	@scripts/image $(IMAGE_ARGS)

.PHONY: imagesize
imagesize: ## Print what weighs what in the image
	@scripts/image-size

.PHONY: sbom
sbom: $(STAMP) ## Write dist/charrnn-studio.cdx.json, which lists all packages of the image
	@mkdir -p dist
	$(BIN)/python scripts/sbom > dist/charrnn-studio.cdx.json

.PHONY: dist
dist: $(STAMP) ## Build wheel and sdist in dist/
	$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist

.PHONY: demo
demo: $(STAMP) ## Train for one minute on Shakespeare and print a sample
	@scripts/demo

.PHONY: bench
bench: $(STAMP) ## Run every benchmark
	@for benchmark in $(wildcard benchmarks/*.py); do \
		echo "== $$benchmark"; $(BIN)/python $$benchmark || exit 1; done

.PHONY: torture
torture: $(STAMP) ## Kill trainings, stop databases, fill disks, and see that nothing is lost (TORTURE_ARGS="--kills 9")
	@scripts/packages
	$(BIN)/python -m tests.torture $(TORTURE_ARGS)

.PHONY: screenshots
screenshots: $(STAMP) ## Make the README's pictures anew (two to three minutes)
	@scripts/packages
	$(BIN)/python scripts/screenshots

.PHONY: sql
sql: $(STAMP) ## Write sql/schema.*.sql from the tables
	$(BIN)/python -m charrnn.store.schema_dump

.PHONY: lock
lock: $(STAMP) ## Rewrite the lock files from pyproject.toml (LOCK_ARGS=--upgrade takes the newest versions)
	@scripts/lock $(LOCK_ARGS)

.PHONY: clean
clean: ## Remove .venv, caches and everything else that make made
	rm -rf .venv .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache \
		build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
