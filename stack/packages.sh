#!/bin/sh
# Debian packages that tests/stack needs and no package registry of a language has; nothing when they are there.
set -eu
missing=""
for program in chromium faketime; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
echo "installing$missing ..."
$as_root apt-get update -qq
# shellcheck disable=SC2086 - words on purpose
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
