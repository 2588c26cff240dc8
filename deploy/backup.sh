#!/bin/sh
# Backs up Handspan's database of a ClickHouse server, or brings it back, while the server runs.
#
#   backup.sh full NAME            everything
#   backup.sh since BASE NAME      what has changed since the backup BASE, which must be kept with it
#   backup.sh restore NAME         into a database that is not there, or empty; then `handspan rebuild`
#
#   CLICKHOUSE_URL       http://127.0.0.1:8123 unless set
#   CLICKHOUSE_USER      handspan_backup unless set
#   CLICKHOUSE_PASSWORD  needed; or CLICKHOUSE_PASSWORD_FILE
#   DATABASE             handspan unless set
#
# Backups are folders below `backups.allowed_path` of the server's configuration (deploy/clickhouse/server.xml).
set -eu

usage() {
  sed -n 's/^#   backup.sh/usage: backup.sh/p' "$0" >&2
  exit 2
}

named() {
  case $1 in
    '' | *[!A-Za-z0-9_.-]* | .*)
      echo "backup.sh: a backup's name has letters, digits, _, . and - only, not '$1'" >&2
      exit 2 ;;
  esac
}

# The password is no argument of a program: others on the machine could read it there.
say() {
  printf 'header = "X-ClickHouse-User: %s"\nheader = "X-ClickHouse-Key: %s"\n' "$user" "$password" |
    curl --silent --show-error --fail-with-body --config - --data-binary "$1" "$url/"
}

[ $# -ge 2 ] || usage
url=${CLICKHOUSE_URL:-http://127.0.0.1:8123}
user=${CLICKHOUSE_USER:-handspan_backup}
database=${DATABASE:-handspan}
if [ -n "${CLICKHOUSE_PASSWORD_FILE:-}" ]; then
  password=$(cat "$CLICKHOUSE_PASSWORD_FILE")
else
  password=${CLICKHOUSE_PASSWORD?"CLICKHOUSE_PASSWORD or CLICKHOUSE_PASSWORD_FILE is needed"}
fi

case $1 in
  full)
    [ $# -eq 2 ] || usage
    named "$2"
    say "BACKUP DATABASE \`$database\` TO File('$2')" ;;
  since)
    [ $# -eq 3 ] || usage
    named "$2"
    named "$3"
    say "BACKUP DATABASE \`$database\` TO File('$3') SETTINGS base_backup = File('$2')" ;;
  restore)
    [ $# -eq 2 ] || usage
    named "$2"
    say "RESTORE DATABASE \`$database\` FROM File('$2')" ;;
  *) usage ;;
esac
