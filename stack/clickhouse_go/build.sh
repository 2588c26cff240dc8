#!/bin/sh
# Builds main.go, a program that reads through the real clickhouse-go as Grafana's plugin does.
# Needs Go and a Go module proxy, no git; about a minute from a cold cache. go.sum verifies what is fetched.
# usage: build.sh OUT_DIR   ->  OUT_DIR/read; everything else it makes is removed
set -eu
source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d "$out/.build-XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$source/go.mod" "$source/go.sum" "$source/main.go" "$work"
cd "$work"
export CGO_ENABLED=0
go build -trimpath -mod=readonly -o read .
# Whole or not at all: whoever finds the program may use it.
mv read "$out/read"
