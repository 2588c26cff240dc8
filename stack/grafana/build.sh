#!/bin/sh
# Bundles the page that draws dashboards with Grafana's own libraries; needs Node and a package registry.
# usage: build.sh OUT_DIR   ->  OUT_DIR/static/app.js, app.css, index.html; all else it makes is removed
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d "$out/.build-XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -R "$here/package.json" "$here/package-lock.json" "$here/build.mjs" "$here/src" "$here/index.html" "$work/"
cd "$work"
npm ci --no-audit --no-fund --legacy-peer-deps --ignore-scripts
mkdir static
node build.mjs
cp index.html static/
rm -rf "$out/static"
# Whole or not at all: whoever finds the page may use it.
mv static "$out/static"
