"""`handspan rebuild`: make agent spans and facts anew from the raw spans."""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

import click

from handspan_exporter.cli.question import store_option
from handspan_exporter.errors import NotFound, QueryFailed
from handspan_exporter.processor.rebuild import rebuild as make_anew
from handspan_exporter.query.window import moment
from handspan_exporter.settings import from_environment
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import hold
from handspan_exporter.store.migrate import migrate_schema, pending

if TYPE_CHECKING:
    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

_EXAMPLES = """\b
Examples:
  handspan rebuild
  handspan rebuild --since 7d
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--since",
    metavar="TIME",
    help="Only spans that started at or after: 24h, 7d, 2026-11-20 (UTC); else all.",
)
@store_option
def rebuild(since: str | None, store: str | None) -> None:
    """Make agent spans anew from the raw spans, after an upgrade that reads them better.

    An embedded store must not be held by `serve`. The facts follow when `serve` runs: within
    seconds, with the same numbers for the same spans. Safe to repeat and to interrupt.
    """
    dsn = parse(from_environment(os.environ, store=store).store)
    if dsn.folder is not None and not (dsn.folder / "engine").is_dir():
        raise NotFound(f"there is no store in {dsn}: name the one to rebuild with --store")
    since_ns = 0 if since is None else moment("since", since, time.time_ns())
    with hold(dsn), closing(connect(dsn, create=False)) as connection:
        _check_is_store(dsn, connection)
        migrate_schema(connection)
        click.echo("reading raw spans ...", err=True)
        read = make_anew(connection, since_ns)
    click.echo(f"{read:,} spans read again; their facts follow when `handspan serve` runs")


def _check_is_store(dsn: Dsn, connection: Connection) -> None:
    """Refuse a database that is none of ours: making tables there is for `migrate` and `serve`."""
    try:
        pending(connection)
    except QueryFailed:
        raise NotFound(f"{dsn} has no tables of Handspan: nothing to rebuild") from None
