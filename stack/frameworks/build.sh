#!/bin/sh
# Installs one agent framework, and every instrumentor that exists for it, as pinned in pins/.
# usage: build.sh OUT_DIR FRAMEWORK   ->  OUT_DIR/venv/bin/python
set -eu
pins=$(cd "$(dirname "$0")" && pwd)/pins
"${PYTHON:-python3}" -m venv "$1/venv"
"$1/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$pins/$2.txt"
