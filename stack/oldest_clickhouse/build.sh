#!/bin/sh
# Installs the oldest ClickHouse that Handspan supports, as a Python package, and what its front needs.
# usage: build.sh OUT_DIR   ->  OUT_DIR/venv/bin/python
set -eu
requirements=$(cd "$(dirname "$0")" && pwd)/requirements.txt
"${PYTHON:-python3}" -m venv "$1/venv"
"$1/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
