"""What the commands that ask have in common: who answers, since when, about what."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from handspan_exporter.errors import NotFound, QueryFailed, StoreHeld, StoreUnsuitable, UsageError
from handspan_exporter.query import kpi
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.query.client import HttpAnswers
from handspan_exporter.query.window import Window, window
from handspan_exporter.settings import from_environment
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import hold, holder
from handspan_exporter.store.migrate import pending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handspan_exporter.query.answers import Answers, Filters
    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

TOKEN_VARIABLE = "HANDSPAN_TOKEN"  # noqa: S105 - a name
"""Holds the token that commands show to a `serve` that asks for one; never an argument, which every
user of the machine sees."""
_PATIENCE_S = 2.0
"""How long to wait for another command that has the embedded store open."""


def store_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--store`."""
    text = "Where the data lives; while `serve` holds it, `serve` is asked [HANDSPAN_STORE]."
    return click.option("--store", metavar="DSN", help=text)(command)


def format_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--format`."""
    kinds = click.Choice(["table", "json", "csv"])
    return click.option(
        "--format", "form", type=kinds, default="table", show_default=True, help="How to print."
    )(command)


def window_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--since` and `--until`."""
    until = "End of the window, itself outside: as --since, or now."
    since = "Start of the window: 90m, 24h, 7d, 2026-11-20, 2026-11-20T08:00:00Z (UTC)."
    shown: dict[str, Any] = {"metavar": "TIME", "show_default": True}
    command = click.option("--until", default="now", help=until, **shown)(command)
    return click.option("--since", default="24h", help=since, **shown)(command)


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--filter NAME=VALUE`, and one option per filter as a shorter way."""
    for name in reversed(kpi.filters()):
        text = f"Only this {name}; repeat for several."
        command = click.option(f"--{name}", metavar="NAME", multiple=True, help=text)(command)
    text = f"As the options above: --filter agent=writer. Names: {', '.join(kpi.filters())}."
    return click.option("--filter", "pairs", metavar="NAME=VALUE", multiple=True, help=text)(
        command
    )


def read_filters(pairs: Sequence[str], given: dict[str, Sequence[str]]) -> Filters:
    """Return the filters of a command line: several values of one name mean any of them.

    Raises:
        UsageError: a pair is not NAME=VALUE, or the name is unknown.
    """
    found = {name: list(values) for name, values in given.items() if values}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in kpi.filters():
            known = ", ".join(kpi.filters())
            raise UsageError(f"--filter: {pair[:60]!r} is not NAME=VALUE with NAME one of {known}")
        found.setdefault(name, []).append(value)
    return found


def read_window(since: str, until: str) -> Window:
    """Return the window of a command line, as of now."""
    return window(since, until, now_ns=time.time_ns())


@contextmanager
def open_answers(store: str | None) -> Iterator[Answers]:
    """Yield who answers: `serve` when it holds the embedded store, else the store itself.

    Blocks for at most about `_PATIENCE_S` when another command has the store open.

    Raises:
        UsageError: the DSN is not one.
        NotFound: there is no store yet.
        StoreHeld: another process has the store, and answers nothing.
        StoreUnsuitable: its schema is not this version's.
        StoreDown: it cannot be reached.
    """
    dsn = parse(from_environment(os.environ, store=store).store)
    if dsn.folder is not None and not (dsn.folder / "engine").is_dir():
        raise NotFound(no_data(str(dsn)))
    deadline = time.monotonic() + _PATIENCE_S
    with ExitStack() as stack:
        answers = _opened(dsn, stack)
        while answers is None and time.monotonic() < deadline:
            time.sleep(0.05)
            answers = _opened(dsn, stack)
        if answers is None:
            stack.enter_context(hold(dsn))
            answers = _direct(dsn)
        stack.callback(answers.close)
        yield answers


def _opened(dsn: Dsn, stack: ExitStack) -> Answers | None:
    """Return who answers, or None while another command has the store open."""
    found = holder(dsn.folder) if dsn.folder else None
    if found and found.url:
        return HttpAnswers(found.url, token=os.environ.get(TOKEN_VARIABLE, ""))
    try:
        stack.enter_context(hold(dsn))
    except StoreHeld:
        return None
    return _direct(dsn)


def _direct(dsn: Dsn) -> DirectAnswers:
    connection = connect(dsn, settings=LIMITS)
    try:
        _check_schema(dsn, connection)
    except BaseException:
        connection.close()
        raise
    return DirectAnswers(connection)


def _check_schema(dsn: Dsn, connection: Connection) -> None:
    """Refuse an older schema. Reading must not migrate: that would also set the retention."""
    try:
        missing = pending(connection)
    except QueryFailed:
        raise NotFound(no_data(str(dsn))) from None
    if missing:
        raise StoreUnsuitable(
            f"{dsn} has the schema of an older version: run `handspan migrate --store {dsn}`"
        )


def shown_store(store: str | None) -> str:
    """Return the DSN of a command line or the environment, without its password."""
    return str(parse(from_environment(os.environ, store=store).store))


def refuse_without_data(answers: Answers, store: str | None) -> None:
    """Say what to do where nothing is known yet; an empty window of a filled store is an answer.

    Raises:
        NotFound: no fact was ever stored.
    """
    health = answers.health()
    if health["newest"] is not None:
        return
    if health["spans"]:
        raise NotFound(
            f"{health['spans']:,} spans are stored, and none of them is agent work: "
            "docs/mapping.md has what Handspan recognises"
        )
    raise NotFound(no_data(shown_store(store)))


def no_data(store: str) -> str:
    """Return the one line that says how to send something."""
    settings = from_environment(os.environ)
    return (
        f"no data yet in {store}: start `handspan serve`, then send OTLP to "
        f"{settings.otlp_grpc} (gRPC) or http://{settings.otlp_http} (HTTP), for instance with "
        "`handspan-instrument python your_agents.py`"
    )
