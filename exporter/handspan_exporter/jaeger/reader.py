"""Jaeger's questions as questions to the store."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import LifoQueue
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from handspan import semconv
from handspan_exporter import sql
from handspan_exporter.jaeger.rows import pieces
from handspan_exporter.store.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

    Row = dict[str, Any]

_log = logging.getLogger(__name__)

LIMITS: Final = {
    "max_execution_time": 30,
    "max_memory_usage": 1 << 30,
    "max_threads": 1,
}
"""ClickHouse settings (s, bytes) of a session for Jaeger: none may stall the ingest."""
MOST_NAMES: Final = 10_000
"""Services, operations or dependencies of one answer."""
MOST_TRACES: Final = 1500
"""Of one search, which is what Jaeger's own page allows."""
MOST_SPANS: Final = 100_000
"""Of one trace."""
_AT_ONCE: Final = 8
"""Traces read by one query."""
_LAST_NS: Final = (1 << 63) - 1
_OPEN_NS: Final = 24 * 3600 * 10**9
"""What was announced longer ago and has not ended is lost: nobody knows whether it still runs."""
VIEWS: Final = {"services": "jaeger/dependencies", "handoffs": "jaeger/handoffs"}
"""What dependencies are between -> its SQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a trace must have: one span that is all of it. Empty: anything."""

    service: str = ""
    operation: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """As text, the way the table has it. `error` is asked as a status: true or false."""
    since_ns: int = 0
    until_ns: int = _LAST_NS
    least_ns: int = 0
    most_ns: int = _LAST_NS
    limit: int = MOST_TRACES


class Reader:
    """Asks the store on sessions of its own; safe from any thread."""

    def __init__(
        self, dsn: Dsn, *, sessions: int, clock_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """Remember the store; sessions are opened when first needed, at most so many."""
        self._dsn = dsn
        self._clock_ns = clock_ns
        self._idle: LifoQueue[Connection | None] = LifoQueue()
        for _ in range(sessions):
            self._idle.put(None)
        self._sessions = sessions

    def services(self) -> list[str]:
        """Return every service that has sent a span."""
        return [row["service"] for row in self._rows("jaeger/services", {})]

    def operations(self, service: str, kind: str) -> list[Row]:
        """Return `name` and `span_kind` of a service's spans; kind '' asks for all."""
        return self._rows("jaeger/operations", {"service": service, "kind": kind})

    def found(self, search: Search) -> list[Row]:
        """Return `trace_id`, `first_ns` and `last_ns` of the newest traces that fit."""
        attributes = dict(search.attributes)
        parameters = {
            "service": search.service,
            "operation": search.operation,
            "error": attributes.pop("error", ""),
            "keys": list(attributes),
            "values": list(attributes.values()),
            "since_ns": search.since_ns,
            "until_ns": search.until_ns,
            "least_ns": search.least_ns,
            "most_ns": search.most_ns,
            "limit": min(search.limit, MOST_TRACES),
        }
        ended = self._rows("jaeger/search", parameters)
        open_since_ns = max(search.since_ns, self._clock_ns() - _OPEN_NS)
        still_open = self._rows(
            "jaeger/search_open", parameters | {**self._open(), "since_ns": open_since_ns}
        )
        newest = {row["trace_id"]: row for row in [*still_open, *ended]}
        found = sorted(newest.values(), key=lambda row: row["first_ns"], reverse=True)
        return found[: min(search.limit, MOST_TRACES)]

    def traces(self, ids: Sequence[str]) -> Iterator[bytes]:
        """Yield all spans of each trace as OTLP; the pieces of one follow each other.

        Args:
            ids: In hex; one that is not there yields nothing.
        """
        for first in range(0, len(ids), _AT_ONCE):
            for rows in self._spans(ids[first : first + _AT_ONCE]):
                yield from pieces(rows)

    def dependencies(self, view: str, since_ns: int, until_ns: int) -> list[Row]:
        """Return `parent`, `child` and `calls` of one of `VIEWS`."""
        return self._rows(VIEWS[view], {"since_ns": since_ns, "until_ns": until_ns})

    def close(self) -> None:
        """End every session; waits for those in use."""
        for _ in range(self._sessions):
            if (session := self._idle.get()) is not None:
                session.close()

    def _spans(self, ids: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the rows of each trace, in the order of `ids`."""
        parameters = {"traces": list(ids), "limit": MOST_SPANS}
        since_ns = self._clock_ns() - _OPEN_NS
        with self._session() as session:
            ended = session.arrow(sql.load("jaeger/spans"), parameters)
            still_open = session.arrow(
                sql.load("jaeger/open_spans"),
                parameters | {**self._open(), "since_ns": since_ns},
            )
        rows = pa.concat_tables([ended, still_open]) if len(still_open) else ended
        if len(rows) == MOST_SPANS and len(ids) > 1:
            for one in ids:
                yield from self._spans([one])
            return
        if len(rows) == MOST_SPANS:
            _log.warning("trace %s is shown up to its span %s", ids[0], MOST_SPANS)
        for one in ids:
            own = rows.filter(pc.equal(rows["TraceId"], one))
            if len(own):
                yield own.sort_by("owner") if len(still_open) else own

    def _open(self) -> Row:
        """Return what the questions about open spans need besides."""
        return {
            "started": semconv.EVENT_STARTED,
            "parent": semconv.PARENT_SPAN_ID,
            "now_ns": self._clock_ns(),
        }

    def _rows(self, name: str, parameters: Row) -> list[Row]:
        with self._session() as session:
            return session.rows(sql.load(name), {"limit": MOST_NAMES, **parameters})

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        session = self._idle.get()
        try:
            if session is None:
                session = connect(self._dsn, settings=LIMITS)
            yield session
        finally:
            self._idle.put(session)
