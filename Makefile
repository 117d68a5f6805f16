# The few verbs of this house. Each sets up what it needs first.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: run test test-slow coverage check format bench audit lock clean setup

setup: $(INSTALLED)

# Locked versions with hashes, then the package itself in place.
$(INSTALLED): requirements/development.txt requirements/torch.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tilth needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements/development.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r requirements/torch.txt || \
		echo "pip finds no PyTorch without CUDA here: the tests of networks will be skipped"
	@touch $(INSTALLED)

# The whole loop on real data, told as a story.
run: $(INSTALLED)
	@$(BIN)/python examples/breast_cancer/story.py

test: check
	$(BIN)/pytest -q -m "not slow"

# Which lines no fast test runs; slower than the tests alone.
coverage: $(INSTALLED)
	$(BIN)/pytest -q -m "not slow" --cov --cov-report=term

# With a real MLflow server in an environment of its own, since it pins what Tilth does not.
test-slow: $(INSTALLED) .venv-mlflow/installed
	$(BIN)/pytest -q -m slow

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/prediction_log.py
	$(BIN)/python benchmarks/batch.py --rows 1000000 --runs 3
	$(BIN)/python benchmarks/data.py --quick
	$(BIN)/python benchmarks/features.py --quick
	$(BIN)/python benchmarks/training.py --quick
	$(BIN)/python benchmarks/tuning.py --turns 1
	$(BIN)/python benchmarks/evaluation.py --quick

.venv-mlflow/installed: requirements/mlflow-server.txt
	$(PYTHON) -m venv --clear .venv-mlflow
	.venv-mlflow/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements/mlflow-server.txt
	@touch $@

# Known vulnerabilities of what Tilth depends on; says so where nobody here can tell.
audit: $(INSTALLED)
	@.ci/audit

# Renew the locks: versions and hashes only.
lock: $(INSTALLED)
	$(BIN)/pip-compile --quiet --upgrade --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--constraint requirements/constraints.txt --output-file requirements/base.txt pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --no-header \
		--constraint requirements/base.txt --output-file requirements/development.txt requirements/development.in
	$(BIN)/pip-compile --quiet --upgrade --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --no-header \
		--output-file requirements/mlflow-server.txt requirements/mlflow-server.in

clean:
	rm -rf .venv .venv-mlflow .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
