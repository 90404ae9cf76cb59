# Thin: what these targets do is in nbcore or in standard tools.
#   make book   the whole book, from the stored runs, into _build/html
#   make test   lint, types, unit tests, every notebook's smoke preset, the built book in a browser
#   make live   the book with every run computed afresh (PRESET=smoke|book|paper)
#   make oldest the measures' tests on the oldest versions of the dependencies
#   make zip    the built site and the students' notebooks, as two archives
PYTHON ?= python3
PRESET ?= book
BIN := .venv/bin
UV := uv==0.13.9

.PHONY: setup book live test types tests zip pdf lock oldest clean

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else "Lines & Depths needs Python 3.11 or newer, this is %d.%d; say which with: make PYTHON=python3.12 $(MAKECMDGOALS)" % v[:2])'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

book: setup
	$(BIN)/nbcore book

live: setup
	$(BIN)/nbcore book --fresh --preset $(PRESET)

zip: setup
	$(BIN)/nbcore zip

# printed by Chromium (or Chrome), which has to be on the machine
pdf: book
	$(BIN)/nbcore pdf

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 types tests

types:
	$(BIN)/mypy

# two processes of one thread each: more threads than cores wait for each other most of the time.
# browser tests need Chromium (or Chrome) on the machine and say so when they skip
tests:
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lock:
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --quiet --output-file requirements.lock

# the oldest versions that pyproject.toml allows, in an environment of their own
oldest: setup
	$(PYTHON) -m venv --clear _build/oldest
	$(BIN)/uv pip install --python _build/oldest/bin/python --resolution lowest-direct --quiet \
	  --editable . 'pytest>=8.3' 'pytest-timeout>=2.3' 'hypothesis>=6.115'
	OMP_NUM_THREADS=1 _build/oldest/bin/python -m pytest tests/measures

clean:
	rm -rf _build
