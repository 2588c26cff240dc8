"""What `rebuild` and `prices reprice` share: who does it, and how far it is."""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, Never

import click

from handspan_exporter.cli.question import TOKEN_VARIABLE, where
from handspan_exporter.errors import Stop
from handspan_exporter.query.opening import is_url
from handspan_exporter.query.operations import BY_NAME
from handspan_exporter.query.over_http import HttpOperations
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import holder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handspan_exporter.query.answers import Row
    from handspan_exporter.query.operations import Operation

_INTERRUPTED: Final = 130
_SILENT_S: Final = 1.0
"""What takes no longer needs no progress."""
_TERMINAL_EVERY_S: Final = 0.5
_FILE_EVERY_S: Final = 10.0
"""Between two lines of progress where they cannot be written over."""
_LOOKS_S: Final = (0.05, 0.1, 0.2, 0.5)
"""Between two looks at the service: short work is told at once, long work costs it little."""


def follow_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--follow`."""
    text = "Begin nothing: show how far the one is that the running service does."
    return click.option("--follow", is_flag=True, help=text)(command)


def service(store: str | None) -> str:
    """Return the URL of who must do it: `--url` or `serve` that holds the store; '' if nobody."""
    named = where(store)
    if is_url(named):
        return named
    folder = parse(named).folder
    found = holder(folder) if folder else None
    return found.url if found else ""


def through(url: str, name: str, since_ns: int | None, *, follow: bool) -> None:
    """Have the service do it and wait for its end, with progress on stderr.

    Raises:
        Stop: it has failed, or the service refuses.
        Busy: one is under way.
        StoreDown: the service does not answer, or no longer.
    """
    operation, token = BY_NAME[name], os.environ.get(TOKEN_VARIABLE, "")
    with closing(HttpOperations(url, token=token)) as asked:
        told = asked.progress(name) if follow else asked.start(name, since_ns)
        if told["state"] == "none":
            click.echo(f"the service at {url} has done no {name} since it started")
            return
        try:
            told = _awaited(asked, operation, told)
        except KeyboardInterrupt:
            _left(
                f"{operation.noun} goes on in the service at {url}: "
                f"`{_command()} --follow` shows how far it is"
            )
    _judge(operation, told, url)


def _awaited(asked: HttpOperations, operation: Operation, told: Row) -> Row:
    """Return the progress at the end."""
    began, looks = told["began"], iter(_LOOKS_S)
    pause_s = 0.0
    with progress(operation.counts) as show:
        while told["state"] == "running":
            show(told["spans_read"], told["spans"] or 0)
            pause_s = next(looks, pause_s)
            time.sleep(pause_s)
            told = asked.progress(operation.name)
            if told["began"] != began:
                raise Stop(
                    f"{operation.noun} was not finished, the service was started anew meanwhile: "
                    "say this again, it is safe to repeat"
                )
    return told


def _judge(operation: Operation, told: Row, url: str) -> None:
    done = f"{told['spans_read']:,} {operation.counts}"
    if told["state"] != "done":
        raise Stop(f"{operation.noun} has {told['state']} after {done}: {told['reason']}")
    click.echo(f"{done} read again by the service at {url}; their facts follow within seconds")


@contextmanager
def progress(counts: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows on stderr how many `counts` are read of all, once it takes over a second."""
    terminal = sys.stderr.isatty()
    began_s = time.monotonic()
    next_s, shown = began_s + _SILENT_S, False

    def show(read: int, of: int) -> None:
        nonlocal next_s, shown
        now_s = time.monotonic()
        if now_s < next_s:
            return
        next_s = now_s + (_TERMINAL_EVERY_S if terminal else _FILE_EVERY_S)
        shown = True
        line = f"{read:,} of {of:,} {counts}, {read / (now_s - began_s):,.0f}/s"
        click.echo(f"\r{line}\x1b[K" if terminal else line, err=True, nl=not terminal)

    try:
        yield show
    finally:
        if terminal and shown:
            click.echo(err=True)


@contextmanager
def told_when_left(noun: str) -> Iterator[None]:
    """Say what Ctrl-C leaves behind, of work in this process."""
    try:
        yield
    except KeyboardInterrupt:
        _left(f"{noun} was interrupted, what it had done stays: say this again, it is safe")


def _command() -> str:
    return click.get_current_context().command_path


def _left(text: str) -> Never:
    """End as after any Ctrl-C, with one line."""
    click.echo(f"handspan: {text}", err=True)
    click.get_current_context().exit(_INTERRUPTED)
