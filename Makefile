# `make demo` and `make test` need python3 (with venv) and make; they build .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
BUF := npx --yes @bufbuild/buf@1.75.0

.PHONY: demo test test-unity test-weights parity check proto golden clean

# The embedded model, then a public one with a photograph (371 MB, asked first); DEMO=offline leaves that out.
demo: $(VENV)/.server
	$(BIN)/scenewright demo $(if $(filter offline,$(DEMO)),--offline)

test: $(VENV)/.dev
	$(BIN)/python -m pytest
	tests/unity/run.sh --if-there

# Needs a .NET SDK, 10 or later.
test-unity: $(VENV)/.dev
	tests/unity/run.sh

# Real public weights, fetched into the user's cache (about 1 GB); `make test-weights WEIGHTS=smollm2-135m` for one.
WEIGHTS := smollm2-135m,qwen2.5-coder-0.5b,whisper-tiny.en,whisper-base,nanodet,guide,guide-zh

test-weights: $(VENV)/.dev
	SCENEWRIGHT_WEIGHTS=$(WEIGHTS) $(BIN)/python -m pytest -rs tests/weights

# Imported weights against the libraries that they come from, of all that was pulled.
parity: $(VENV)/.dev
	$(BIN)/python -m scenewright_server.bench.parity

check: $(VENV)/.dev
	@command -v npx >/dev/null || { echo "make check: npx is not installed (it runs buf): install Node.js" >&2; exit 1; }
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BUF) lint
	$(BUF) breaking --against proto/v1.binpb
	$(BIN)/python proto/generate.py --check
	$(BIN)/python proto/generate_csharp.py --check

proto: $(VENV)/.dev
	$(BIN)/python proto/generate.py
	$(BIN)/python proto/generate_csharp.py

golden: $(VENV)/.dev
	$(BIN)/python tests/golden/record_live.py

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# A stamp a set of extras; the dev set contains the import set, which contains the server.
$(VENV)/.server: $(VENV)/bin/python pyproject.toml
	$(PIP) -e '.[import]'
	touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(PIP) -e '.[dev]'
	touch $@ $(VENV)/.server
