"""`handspan prices`: what a model costs, whether a price file is right, and pricing again."""

from __future__ import annotations

import os
import time
from contextlib import closing
from datetime import UTC, datetime

import click

from handspan.prices import TOKEN_PRICES
from handspan_exporter.cli import anew
from handspan_exporter.cli.anew import follow_option
from handspan_exporter.cli.question import source_options
from handspan_exporter.errors import NotFound, UsageError
from handspan_exporter.processor.prices import Asked, own_prices, price_rows
from handspan_exporter.processor.prices import reprice as price_again
from handspan_exporter.query.window import moment
from handspan_exporter.settings import from_environment
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import hold
from handspan_exporter.store.migrate import migrate_schema

_EXAMPLES = """\b
Examples:
  handspan prices show gpt-4o-mini --provider openai
  handspan prices check prices.toml
  handspan prices reprice --since 30d --prices prices.toml
"""
_file_option = click.option(
    "--prices", "path", metavar="FILE", help="Own prices, TOML or JSON [HANDSPAN_PRICES]."
)


@click.group(epilog=_EXAMPLES)
def prices() -> None:
    """Say what models cost: by genai-prices, and by a file of your own."""


@prices.command()
@click.argument("model")
@click.option("--provider", default="", help="As it stands on spans; else by the model alone.")
@_file_option
def show(model: str, provider: str, path: str | None) -> None:
    """Show what a model costs today, USD per million tokens, or why nobody knows."""
    own = own_prices(from_environment(os.environ, prices=path).prices)
    asked = Asked(provider, model, datetime.now(UTC).date())
    for row in price_rows(asked, asked_at_ns=0, own=own):
        if row["unknown_reason"]:
            click.echo(f"{model}: {row['unknown_reason']}")
            continue
        since = f"{row['from_s'] // 3600:02}:{row['from_s'] // 60 % 60:02} UTC"
        said_by = f"{row['source']} {row['price_version']}"
        click.echo(f"{row['matched_provider']} {row['matched_model']} from {since} ({said_by})")
        width = max(map(len, TOKEN_PRICES)) + 2
        for kind in TOKEN_PRICES:
            for tier in row[kind]:
                above = f" above {tier['above_tokens']:,} tokens" * bool(tier["above_tokens"])
                click.echo(f"  {kind:<{width}}{tier['usd_per_mtok'].normalize():f}{above}")
        if row["usd_per_krequest"]:
            click.echo(f"  per 1000 requests {row['usd_per_krequest'].normalize():f}")


@prices.command()
@click.argument("path", metavar="FILE")
def check(path: str) -> None:
    """Read a price file and say what is in it, or which field is wrong."""
    own = own_prices(path)
    counts = f"{len(own.models)} models, {len(own.discounts)} discounts"
    click.echo(f"{path}: {counts}, version {own.version}")


@prices.command()
@click.option("--since", metavar="TIME", help="Only calls since: 30d, 2026-11-01 (UTC); else all.")
@_file_option
@follow_option
@source_options
def reprice(*, since: str | None, path: str | None, store: str | None, follow: bool) -> None:
    """Price stored calls again: with a newer list, or another price file.

    Spans stay as they are. A running `serve` that holds the embedded store does it beside its
    other work (where it asks for a token, one of the scope `admin` in HANDSPAN_TOKEN), and so does
    the service at --url: with the price file it was started with, as that is now. Else this command
    does it, and the facts follow when `serve` runs with the same file. Safe to repeat and to
    interrupt.
    """
    since_ns = None if since is None else moment("since", since, time.time_ns())
    if url := anew.service(store):
        if path is not None:
            raise UsageError(
                f"the service at {url} prices by the file it was started with: change that one",
                parameter="prices",
            )
        anew.through(url, "reprice", since_ns, follow=follow)
        return
    if follow:
        raise NotFound("no service has the store: there is nothing to follow")
    _reprice_here(store, path, since_ns or 0)


def _reprice_here(store: str | None, path: str | None, since_ns: int) -> None:
    settings = from_environment(os.environ, store=store, prices=path)
    own, dsn = own_prices(settings.prices), parse(settings.store)
    with hold(dsn), closing(connect(dsn)) as connection:
        migrate_schema(connection)
        with anew.told_when_left("a re-pricing"), anew.progress("model calls") as told:
            asked, traces = price_again(connection, since_ns, own=own, told=told)
    follow = "their costs follow when `handspan serve` runs"
    click.echo(f"{asked:,} prices asked again for {traces:,} traces; {follow}")
