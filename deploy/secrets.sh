#!/bin/sh
# Makes every password and token of deploy/compose.yaml, new and random; there is no default for any.
#
#   deploy/secrets.sh FOLDER      FOLDER must not be there yet
#
# FOLDER (mode 0700) then holds tokens.json, in which only hashes are, a file for each token, and `compose.env`, which
# `docker compose --env-file` reads. HANDSPAN is the command that makes tokens; unless set, the image does it.
set -eu
umask 077
[ $# -eq 1 ] || { echo "usage: secrets.sh FOLDER" >&2; exit 2; }
[ ! -e "$1" ] || { echo "secrets.sh: $1 is there already; its tokens and passwords are in use" >&2; exit 1; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
image=${HANDSPAN_IMAGE:-handspan:0.1.0}
handspan=${HANDSPAN:-"docker run --rm --network none --user $(id -u):$(id -g) --volume $folder:$folder $image"}

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
hash() { printf %s "$1" | sha256sum | cut -d' ' -f1; }

# Two words of options, on purpose.
# shellcheck disable=SC2086
token() { $handspan token add "$1" --scope "$2" --tokens "$folder/tokens.json" >"$folder/$1.token"; }

token collector ingest
token jaeger read
token prometheus read
rm -f "$folder/tokens.lock"
# Containers have users of their own: they read files that are mounted one by one, and nobody else comes into the folder.
chmod 0444 "$folder"/*.token "$folder/tokens.json"

writer=$(random)
reader=$(random)
backup=$(random)
cat >"$folder/compose.env" <<END
HANDSPAN_SECRETS=$folder
HANDSPAN_WRITER_PASSWORD=$writer
HANDSPAN_WRITER_SHA256=$(hash "$writer")
HANDSPAN_READER_PASSWORD=$reader
HANDSPAN_READER_SHA256=$(hash "$reader")
HANDSPAN_BACKUP_PASSWORD=$backup
HANDSPAN_BACKUP_SHA256=$(hash "$backup")
HANDSPAN_COLLECTOR_TOKEN=$(cat "$folder/collector.token")
HANDSPAN_JAEGER_TOKEN=$(cat "$folder/jaeger.token")
GRAFANA_PASSWORD=$(random)
END
echo "$folder/compose.env is written; Grafana's user is admin, its password is in there"
