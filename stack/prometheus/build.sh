#!/bin/sh
# Builds Prometheus and promtool of the version that go.mod names; go.sum holds their hashes. Without its web interface.
# Needs Go and a Go module proxy; about six minutes of one core from a cold cache.
# usage: build.sh OUT_DIR   ->  OUT_DIR/promtool, OUT_DIR/prometheus
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d "$out/.build-XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$here/go.mod" "$here/go.sum" "$work/"
cd "$work"
export CGO_ENABLED=0 GOWORK=off
go build -trimpath -ldflags "-s -w" -o promtool github.com/prometheus/prometheus/cmd/promtool
go build -trimpath -ldflags "-s -w" -o prometheus github.com/prometheus/prometheus/cmd/prometheus
# Whole or not at all: whoever finds promtool may use both.
mv prometheus "$out/prometheus"
mv promtool "$out/promtool"
