#!/bin/sh
# Installs rotel into a virtual environment of its own: it is a peer, not a dependency.
# usage: build.sh OUT_DIR   ->  OUT_DIR/rotel-agent
set -eu
requirements=$(cd "$(dirname "$0")" && pwd)/requirements.txt
mkdir -p "$1"
out=$(cd "$1" && pwd)
"${PYTHON:-python3}" -m venv "$out/venv"
"$out/venv/bin/pip" install --quiet --disable-pip-version-check --pre --requirement "$requirements"
agent=$("$out/venv/bin/python" -c 'import importlib.util as u; print(u.find_spec("rotel").submodule_search_locations[0])')
ln -sf "$agent/rotel-agent" "$out/rotel-agent"
