# The commands that developers, hooks and CI run. Requires GNU make 3.81 (macOS) or newer. scripts/ contains the longer ones.

BIN := .venv/bin
STAMP := .venv/.installed

# CI measures coverage during the tests, so that the suite runs once. Set COVERAGE=1 to measure it elsewhere.
COVERAGE ?= $(filter true,$(CI))
PYTEST := $(if $(COVERAGE),$(BIN)/coverage run -m pytest,$(BIN)/pytest)
# Many tests wait for a browser or other processes. More than four workers would run out of memory.
PARALLEL := -n auto --maxprocesses 4 --dist worksteal

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: $(STAMP) ## Create .venv from the lock file (PYTHON=python3.13 selects the interpreter)

# Run setup even if .venv is up to date, because it may use another interpreter than the requested one.
ifdef PYTHON
export PYTHON
.PHONY: $(STAMP)
endif
$(STAMP): requirements-dev.lock requirements-uv.lock pyproject.toml scripts/setup scripts/find-python
	@scripts/setup
	@touch $@

.PHONY: packages
packages: ## Install the Debian packages that the tests need (as root), or print what to install
	@scripts/install-test-packages

.PHONY: serve
serve: $(STAMP) ## Serve the dashboard on http://127.0.0.1:5006 (SERVE_ARGS="--port 5007 --home FOLDER")
	$(BIN)/python -m dashboard --address 127.0.0.1 --port 5006 $(SERVE_ARGS)

.PHONY: test
test: $(STAMP) ## Run all tests (PYTEST_ARGS="-k words" selects some)
	@scripts/install-test-packages
	$(PYTEST) $(PARALLEL) $(PYTEST_ARGS)
	$(if $(COVERAGE),@$(BIN)/coverage combine --quiet && $(BIN)/coverage report)

.PHONY: testimage
testimage: $(STAMP) ## Build the container image on a base of Debian packages, and test it (PYTEST_ARGS="-k words")
	@scripts/install-test-packages --containers
	$(BIN)/pytest tests/container $(PYTEST_ARGS)

.PHONY: fast
fast: $(STAMP) ## Run all tests except those that train real networks
	@scripts/install-test-packages
	$(BIN)/pytest $(PARALLEL) -m "not slow" $(PYTEST_ARGS)

.PHONY: coverage
coverage: ## Run all tests and report the lines that no test executed
	@$(MAKE) test COVERAGE=1

.PHONY: lint
lint: $(STAMP) ## Check style, types, import contracts and deployment files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	scripts/lint-deploy

.PHONY: audit
audit: $(STAMP) ## Check the locked versions for known vulnerabilities, if the database can be reached
	$(BIN)/python scripts/audit

.PHONY: format
format: $(STAMP) ## Sort imports and format the code
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: image
image: ## Build the container image with docker, podman or buildah (IMAGE_ARGS="--target gpu --tag charrnn-studio:gpu")
	@scripts/image $(IMAGE_ARGS)

.PHONY: imagesize
imagesize: ## Print the sizes of the layers and folders of the image
	@scripts/image-size

.PHONY: sbom
sbom: $(STAMP) ## Write the bill of materials of the image to dist/charrnn-studio.cdx.json
	@mkdir -p dist
	$(BIN)/python scripts/sbom > dist/charrnn-studio.cdx.json || { rm dist/charrnn-studio.cdx.json; exit 1; }

.PHONY: dist
dist: $(STAMP) ## Build wheel and sdist in dist/
	$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist

.PHONY: demo
demo: $(STAMP) ## Train for one minute on Shakespeare and print a sample
	@scripts/demo-training

.PHONY: bench
bench: $(STAMP) ## Run all benchmarks
	@for benchmark in $(wildcard benchmarks/*.py); do \
		echo "== $$benchmark"; $(BIN)/python $$benchmark || exit 1; done

.PHONY: torture
torture: $(STAMP) ## Kill trainings, stop databases, fill disks, and check that nothing is lost (TORTURE_ARGS="--kills 9")
	@scripts/install-test-packages
	$(BIN)/python -m tests.torture $(TORTURE_ARGS)

.PHONY: screenshots
screenshots: $(STAMP) ## Take the screenshots of the README (two to three minutes)
	@scripts/install-test-packages
	$(BIN)/python scripts/screenshots

.PHONY: docs
docs: $(STAMP) ## Write the generated tables of options and settings into docs/
	@$(BIN)/python scripts/docs

.PHONY: sql
sql: $(STAMP) ## Write sql/schema.*.sql from the tables
	$(BIN)/python -m charrnn.store.schema_dump

.PHONY: lock
lock: $(STAMP) ## Update the lock files from pyproject.toml (LOCK_ARGS=--upgrade selects the newest versions)
	@scripts/lock $(LOCK_ARGS)

.PHONY: clean
clean: ## Remove .venv, caches and build outputs
	rm -rf .venv .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache \
		build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
