"""`handspan rebuild`: make agent spans and facts anew from the raw spans."""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

import click

from handspan_exporter.cli import anew
from handspan_exporter.cli.anew import follow_option
from handspan_exporter.cli.question import source_options
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
  handspan rebuild --url https://handspan.example.org:8317
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--since",
    metavar="TIME",
    help="Only spans that started at or after: 24h, 7d, 2026-11-20 (UTC); else all.",
)
@follow_option
@source_options
def rebuild(*, since: str | None, store: str | None, follow: bool) -> None:
    """Make agent spans anew from the raw spans, after an upgrade that reads them better.

    A running `serve` that holds the embedded store does it beside its other work (where it asks
    for a token, one of the scope `admin` in HANDSPAN_TOKEN), and so does the service at --url;
    else this command does it itself. The facts follow when `serve` runs: within seconds, with the
    same numbers for the same spans. Safe to repeat and to interrupt.
    """
    since_ns = None if since is None else moment("since", since, time.time_ns())
    if url := anew.service(store):
        anew.through(url, "rebuild", since_ns, follow=follow)
        return
    if follow:
        raise NotFound("no service has the store: there is nothing to follow")
    _here(store, since_ns or 0)


def _here(store: str | None, since_ns: int) -> None:
    """Do it in this process."""
    dsn = parse(from_environment(os.environ, store=store).store)
    if dsn.folder is not None and not (dsn.folder / "engine").is_dir():
        raise NotFound(f"there is no store in {dsn}: name the one to rebuild with --store")
    with hold(dsn), closing(connect(dsn, create=False)) as connection:
        _check_is_store(dsn, connection)
        migrate_schema(connection)
        with anew.told_when_left("a rebuild"), anew.progress("raw spans") as told:
            read = make_anew(connection, since_ns, told=told)
    click.echo(f"{read:,} spans read again; their facts follow when `handspan serve` runs")


def _check_is_store(dsn: Dsn, connection: Connection) -> None:
    """Refuse a database that is none of ours: making tables there is for `migrate` and `serve`."""
    try:
        pending(connection)
    except QueryFailed:
        raise NotFound(f"{dsn} has no tables of Handspan: nothing to rebuild") from None
