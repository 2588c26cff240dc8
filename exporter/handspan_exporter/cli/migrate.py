"""`handspan migrate`: bring a store to the schema of this version."""

from __future__ import annotations

import os
from contextlib import closing
from importlib.metadata import version
from typing import TYPE_CHECKING

import click

from handspan_exporter.cli.question import TOKEN_VARIABLE
from handspan_exporter.errors import StoreHeld
from handspan_exporter.query.over_http import HttpAnswers
from handspan_exporter.settings import from_environment
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import hold, holder
from handspan_exporter.store.migrate import migrate_schema

if TYPE_CHECKING:
    from handspan_exporter.store.dsn import Dsn

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
    found = holder(dsn.folder) if dsn.folder else None
    if found and found.url:
        click.echo(_served(dsn, found.url))
        return
    with hold(dsn):
        connection = connect(dsn)
        try:
            applied = migrate_schema(connection)
        finally:
            connection.close()
    for name in applied:
        click.echo(f"applied {name}")
    click.echo(f"{dsn} is up to date")


def _served(dsn: Dsn, url: str) -> str:
    """Return what is true of a store that `serve` holds: it has brought it to its own schema.

    Raises:
        StoreHeld: that is another version's.
    """
    with closing(HttpAnswers(url, token=os.environ.get(TOKEN_VARIABLE, ""))) as service:
        theirs = service.health()["version"]
    if theirs != (ours := version("handspan")):
        raise StoreHeld(
            f"{dsn} is held by the service at {url}, version {theirs}: stop it, then start "
            f"`handspan serve` of version {ours}, which brings the store to its schema"
        )
    return f"{dsn} is up to date: the service at {url} saw to it when it started"
