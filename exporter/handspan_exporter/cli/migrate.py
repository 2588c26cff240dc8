"""`handspan migrate`: bring a store to the schema of this version."""

from __future__ import annotations

import os

import click

from handspan_exporter.settings import from_environment
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import hold
from handspan_exporter.store.migrate import migrate_schema

_EXAMPLES = """\b
Examples:
  handspan migrate
  handspan migrate --store clickhouse://user:password@host:8123/handspan
"""


@click.command(epilog=_EXAMPLES)
@click.option("--store", metavar="DSN", help="Where the data lives [HANDSPAN_STORE].")
def migrate(store: str | None) -> None:
    """Bring the store to this version's schema.

    `serve` does so at every start; this command is for those who want to see it happen first,
    or whose `serve` may not change tables. How long data is kept stays as `serve` has set it.
    """
    dsn = parse(from_environment(os.environ, store=store).store)
    with hold(dsn):
        connection = connect(dsn)
        try:
            applied = migrate_schema(connection)
        finally:
            connection.close()
    for name in applied:
        click.echo(f"applied {name}")
    click.echo(f"{dsn} is up to date")
