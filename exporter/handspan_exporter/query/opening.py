"""Who answers: a service at a URL, `serve` that holds the embedded store, or the store itself."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from handspan_exporter.errors import NotFound, QueryFailed, StoreHeld, StoreUnsuitable
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.query.over_http import HttpAnswers
from handspan_exporter.settings import from_environment
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import hold, holder
from handspan_exporter.store.migrate import pending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.query.answers import Answers
    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

_PATIENCE_S = 2.0
"""How long to wait for another command that has the embedded store open."""


def is_url(where: str) -> bool:
    """Tell whether `where` is the address of a service, and no DSN."""
    return where.startswith(("http://", "https://"))


@contextmanager
def open_answers(where: str, *, token: str = "") -> Iterator[Answers]:
    """Yield who answers: `serve` when it holds the embedded store, else the store itself.

    Blocks for at most about `_PATIENCE_S` when another command has the store open.

    Args:
        where: URL of a service, or the DSN of a store.
        token: Shown to a service.

    Raises:
        UsageError: the DSN is not one.
        NotFound: there is no store yet.
        StoreHeld: another process has the store, and answers nothing.
        StoreUnsuitable: its schema is not this version's.
        StoreDown: it cannot be reached.
    """
    if is_url(where):
        with closing(HttpAnswers(where, token=token)) as over_http:
            yield over_http
        return
    dsn = parse(where)
    if dsn.folder is not None and not (dsn.folder / "engine").is_dir():
        raise NotFound(no_data(str(dsn)))
    deadline = time.monotonic() + _PATIENCE_S
    with ExitStack() as stack:
        answers = _opened(dsn, stack, token)
        while answers is None and time.monotonic() < deadline:
            time.sleep(0.05)
            answers = _opened(dsn, stack, token)
        if answers is None:
            stack.enter_context(hold(dsn))
            answers = _direct(dsn)
        stack.callback(answers.close)
        yield answers


def _opened(dsn: Dsn, stack: ExitStack, token: str) -> Answers | None:
    """Return who answers, or None while another command has the store open."""
    found = holder(dsn.folder) if dsn.folder else None
    if found and found.url:
        return HttpAnswers(found.url, token=token)
    try:
        stack.enter_context(hold(dsn))
    except StoreHeld:
        return None
    return _direct(dsn)


def _direct(dsn: Dsn) -> DirectAnswers:
    try:
        connection = connect(dsn, settings=LIMITS, create=False)
    except NotFound:
        raise NotFound(no_data(str(dsn))) from None
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


def no_data(store: str) -> str:
    """Return the one line that says how to send something."""
    settings = from_environment(os.environ)
    return (
        f"no data yet in {store}: start `handspan serve`, then send OTLP to "
        f"{settings.otlp_grpc} (gRPC) or http://{settings.otlp_http} (HTTP), for instance with "
        "`handspan-instrument python your_agents.py`"
    )
