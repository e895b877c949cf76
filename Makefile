# Each target does its own set-up; where nothing is left to do, that takes no time.
# The thinking is in scripts/setup.sh.

BIN := .venv/bin
UV ?= uv

# A Mac always has a display; elsewhere one of the two variables names it.
DISPLAY_HERE := $(filter Darwin,$(shell uname))$(DISPLAY)$(WAYLAND_DISPLAY)

define CHECK_CODE
$(BIN)/ruff check
$(BIN)/ruff format --check
$(BIN)/lint-imports --no-logo
$(BIN)/mypy
endef

# Tests run side by side: most of their time one processor waits for a process or the disk.
WORKERS ?= 2

# They start hundreds of processes, which would compile all modules each time where this is set.
test: export PYTHONDONTWRITEBYTECODE :=

# The long run of damaged files is one, too.
BENCHMARKS ?= tests/benchmarks tests/mlx_backend/importers/test_fuzz.py

.PHONY: help run test interop benchmark lint format requirements screenshots clean

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' Makefile

run: ## open the window, or show the demo where there is no display
ifneq ($(DISPLAY_HERE),)
	@scripts/setup.sh window
	@$(BIN)/overnight
else
	@scripts/setup.sh terminal
	@echo 'There is no display here, so this is the demo in the terminal instead of the window.'
	@$(BIN)/overnight demo
endif

test: ## check the code and run all tests but the benchmarks
	@scripts/setup.sh tests
	$(CHECK_CODE)
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --durations=10 \
	  --numprocesses=$(WORKERS) --dist=worksteal $(PYTEST_ARGS)

interop: ## compare exports with PyTorch's answers; installs PyTorch beside .venv
	@scripts/setup.sh tests
	@[ -x build/interop/bin/python ] || $(BIN)/python -m venv build/interop
	build/interop/bin/python -m pip install --quiet --require-hashes --requirement requirements-interop.txt
	OVERNIGHT_TORCH_PYTHON=$(CURDIR)/build/interop/bin/python QT_QPA_PLATFORM=offscreen \
	  $(BIN)/python -m pytest --capture=no tests/mlx_backend/interop

benchmark: ## run the benchmarks and print their numbers
	@scripts/setup.sh tests
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m benchmark --capture=no $(BENCHMARKS)

lint: ## check style, types and the layers of packages
	@scripts/setup.sh terminal
	$(CHECK_CODE)

format: ## lay out the code and mend what ruff can
	@scripts/setup.sh terminal
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

screenshots: ## draw every page into build/screenshots
	@scripts/setup.sh tests
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m scripts.screenshots build/screenshots

requirements: ## compile the locks anew; UV_ARGS=--upgrade takes newer releases
	$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make requirements' --quiet $(UV_ARGS) --output-file requirements.txt
	$(UV) pip compile --group interop --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make requirements' --quiet $(UV_ARGS) \
	  --output-file requirements-interop.txt

clean: ## remove builds and caches; .venv stays
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name .venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
