"""`handspan token`: who may send to `serve`, and who may ask it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from handspan_exporter.access.tokens import SCOPE_MEANINGS, SCOPES, Scope, TokenFile
from handspan_exporter.settings import from_environment, token_file
from handspan_exporter.store.dsn import parse

if TYPE_CHECKING:
    from collections.abc import Callable

_EXAMPLES = """\b
Examples:
  handspan token add collector --tenant acme --spans-per-s 5000
  handspan token add grafana --scope read
  handspan token add upgrade --scope admin
  handspan token list
  handspan token revoke 1f0c22ab
"""


def _scopes() -> str:
    return "; ".join(f"{name}: {meaning}" for name, meaning in SCOPE_MEANINGS.items())


def _file_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which file of tokens is meant, as `serve` has them."""
    store = "The service's store, beside which the file is [HANDSPAN_STORE]."
    command = click.option("--store", metavar="DSN", help=store)(command)
    file = "The file itself [HANDSPAN_TOKENS]."
    return click.option("--tokens", metavar="FILE", help=file)(command)


def _opened(tokens: str | None, store: str | None) -> TokenFile:
    settings = from_environment(os.environ, tokens=tokens, store=store)
    return TokenFile(token_file(settings, parse(settings.store).folder))


@click.group(epilog=_EXAMPLES)
def token() -> None:
    """Make, list and revoke tokens; a running `serve` follows at once."""


@token.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("ingest",),
    show_default=True,
    help=f"What it may do: {_scopes()}. Repeat for several.",
)
@click.option("--tenant", default="", help="Written on every resource that comes with it.")
@click.option("--spans-per-s", type=click.FloatRange(min=1), help="Most spans per second.")
@click.option("--bytes-per-s", type=click.FloatRange(min=1), help="Most bytes per second.")
@click.option(
    "--requests",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Most requests at once.",
)
@_file_options
def add(
    name: str,
    scopes: tuple[Scope, ...],
    tenant: str,
    spans_per_s: float | None,
    bytes_per_s: float | None,
    requests: int,
    tokens: str | None,
    store: str | None,
) -> None:
    """Make a token for NAME and print it, alone, on stdout.

    Only its hash is kept: nothing can show it again.
    """
    file = _opened(tokens, store)
    made = file.add(
        name,
        scopes,
        tenant=tenant,
        spans_per_s=spans_per_s,
        bytes_per_s=bytes_per_s,
        requests=requests,
    )
    click.echo(made)
    click.echo(f"Kept as a hash in {file.path}; it is not shown again.", err=True)


@token.command(name="list")
@_file_options
def list_tokens(tokens: str | None, store: str | None) -> None:
    """List the tokens by id; their secrets are nowhere."""
    known = _opened(tokens, store).all().values()
    if not known:
        click.echo("no tokens yet: see `handspan token add --help`", err=True)
    for one in known:
        limits = {"spans/s": one.spans_per_s, "bytes/s": one.bytes_per_s, "at once": one.requests}
        said = ", ".join(f"{number:g} {name}" for name, number in limits.items() if number)
        tenant = f"tenant {one.tenant}, " if one.tenant else ""
        click.echo(f"{one.id}  {'+'.join(one.scopes):<17}  {one.name}  ({tenant}{said})")


@token.command()
@click.argument("identity", metavar="ID")
@_file_options
def revoke(identity: str, tokens: str | None, store: str | None) -> None:
    """Forget the token with the ID: its next request is refused."""
    gone = _opened(tokens, store).revoke(identity)
    click.echo(f"{gone.id} of {gone.name} is revoked")
