"""What the commands that ask have in common: who answers, since when, about what."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from handspan_exporter.errors import NotFound, UsageError
from handspan_exporter.query import kpi, opening
from handspan_exporter.query.window import Window, ago_ns, window
from handspan_exporter.settings import from_environment
from handspan_exporter.store.dsn import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handspan_exporter.query.answers import Answers, Filters

TOKEN_VARIABLE = "HANDSPAN_TOKEN"  # noqa: S105 - a name
"""Holds the token that commands show to a `serve` that asks for one; never an argument, which every
user of the machine sees."""
URL_VARIABLE = "HANDSPAN_URL"
_URL = "handspan.url"
"""Where a command's context keeps its `--url`."""


def store_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--store`."""
    text = "Where the data lives; while `serve` holds it, `serve` is asked [HANDSPAN_STORE]."
    return click.option("--store", metavar="DSN", help=text)(command)


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that asks `--store` and `--url`."""
    text = f"Ask the service there instead, with the token in {TOKEN_VARIABLE} [{URL_VARIABLE}]."
    return click.option("--url", metavar="URL", expose_value=False, callback=_keep_url, help=text)(
        store_option(command)
    )


def _keep_url(context: click.Context, _option: click.Parameter, url: str | None) -> None:
    if url is not None and not opening.is_url(url):
        raise click.BadParameter(f"{url[:60]!r} is not http://... or https://...")
    if url is not None:
        context.meta[_URL] = url


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
            wrong = f"{pair[:60]!r} is not NAME=VALUE with NAME one of {known}"
            raise UsageError(wrong, parameter="filter")
        found.setdefault(name, []).append(value)
    return found


def read_duration_s(text: str | None) -> float | None:
    """Return `30`, `500ms`, `30s`, `5m`, `2h` in s.

    Raises:
        UsageError: it is none of them.
    """
    if text is None:
        return None
    length_ns = ago_ns(text)
    try:
        if length_ns is not None:
            return length_ns / 1e9
        # As lists of runs show it.
        said = text.strip().lower()
        return float(said.removesuffix("ms")) / (1e3 if said.endswith("ms") else 1)
    except ValueError:
        wrong = f"{text[:60]!r} is not a duration; use 500ms, 30s, 5m, 2h"
        raise UsageError(wrong, parameter="min_duration") from None


def read_cost_usd(text: str | None) -> Decimal | None:
    """Return `0.5` or `$0.5` as USD.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    try:
        return Decimal(text.removeprefix("$"))
    except InvalidOperation:
        wrong = f"{text[:60]!r} is not an amount; use 0.5"
        raise UsageError(wrong, parameter="min_cost") from None


@contextmanager
def named(options: dict[str, str]) -> Iterator[None]:
    """Let an error name the option of the command line: one is called otherwise in the API."""
    try:
        yield
    except UsageError as error:
        parameter = options.get(error.parameter, error.parameter)
        raise UsageError(error.text, parameter=parameter) from None


def read_window(since: str, until: str) -> Window:
    """Return the window of a command line, as of now."""
    return window(since, until, now_ns=time.time_ns())


def alerts_file() -> Path | None:
    """Return the file of alerts that the environment names."""
    named = from_environment(os.environ).alerts
    return Path(named).expanduser() if named else None


@contextmanager
def open_answers(store: str | None) -> Iterator[Answers]:
    """Yield who answers, see `query.opening`; `--url` wins over the store.

    Raises:
        UsageError: the DSN is not one.
        NotFound: there is no store yet.
        StoreHeld: another process has the store, and answers nothing.
        StoreUnsuitable: its schema is not this version's.
        StoreDown: it cannot be reached.
    """
    token = os.environ.get(TOKEN_VARIABLE, "")
    with opening.open_answers(where(store), token=token) as answers:
        yield answers


def where(store: str | None) -> str:
    """Return the URL or the DSN of a command line or the environment."""
    context = click.get_current_context(silent=True)
    url: str | None = context.meta.get(_URL) if context else None
    if url is None and store is None:
        url = os.environ.get(URL_VARIABLE)
    return url or from_environment(os.environ, store=store).store


def shown_store(store: str | None) -> str:
    """Return where the data is: a URL, or a DSN without its password."""
    found = where(store)
    return found if opening.is_url(found) else str(parse(found))


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
            f"{health['spans']:,} raw spans are stored, and no fact: `handspan serve` makes them "
            "of agent work, without a workflow span after five minutes of quiet; docs/mapping.md "
            "has what it recognises"
        )
    raise NotFound(opening.no_data(shown_store(store)))
