"""What can be asked, whoever answers: the store itself, or `serve` which holds it."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from handspan_exporter.query import kpi, runs
from handspan_exporter.query.window import iso

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handspan_exporter.query.kpi import Kpi
    from handspan_exporter.query.window import Window
    from handspan_exporter.store.connection import Connection

Filters = dict[str, list[str]]
Row = dict[str, Any]

LIMITS = {
    "max_execution_time": 20,
    "max_memory_usage": 1 << 30,
    "max_result_rows": 100_000,
    "max_threads": 1,
}
"""ClickHouse settings (s, bytes, rows) of a session for questions: none may stall the ingest."""


class Answers(Protocol):
    """Blocks until answered. Every method raises UsageError, NotFound, QueryFailed, StoreDown."""

    def kpi(
        self, name: str, window: Window, *, by: str | None = None, filters: Filters | None = None
    ) -> Row:
        """Return `kpi` (as its file describes it), `since`, `until`, `by`, `rows`.

        `by` None is the KPI's own grain, `total` one row.
        """
        ...

    def overview(self, window: Window, *, filters: Filters | None = None) -> Row:
        """Return `since`, `until` and `kpis`: each with its `headline` and its row in total."""
        ...

    def runs(
        self,
        window: Window,
        *,
        status: Sequence[str] = (),
        filters: Filters | None = None,
        limit: int = 20,
    ) -> Row:
        """Return `since`, `until` and `runs`, newest first."""
        ...

    def run(self, run: str) -> Row:
        """Return one run by the beginning of its id: `run`, `spans`, `handoffs`."""
        ...

    def health(self) -> Row:
        """Return `status`, `version`, `newest` (when the newest fact ended, or None) and more."""
        ...

    def close(self) -> None:
        """Give everything free."""
        ...


class DirectAnswers:
    """Answers from a session with the store."""

    def __init__(self, connection: Connection, *, about: Mapping[str, str] | None = None) -> None:
        """Take over `connection`; `about` is added to what `health` says."""
        self._connection = connection
        self._about = dict(about or {})

    def kpi(
        self, name: str, window: Window, *, by: str | None = None, filters: Filters | None = None
    ) -> Row:
        """Answer one KPI."""
        found = kpi.find(name)
        grouped = kpi.grouping(found, found.grain if by is None else by)
        rows = self._rows(found, window, grouped, filters)
        return {**_said(window), "by": grouped, "kpi": described(found), "rows": rows}

    def overview(self, window: Window, *, filters: Filters | None = None) -> Row:
        """Answer every KPI in total."""
        return {**_said(window), "kpis": [self._line(k, window, filters) for k in kpi.catalog()]}

    def runs(
        self,
        window: Window,
        *,
        status: Sequence[str] = (),
        filters: Filters | None = None,
        limit: int = 20,
    ) -> Row:
        """List runs."""
        found = runs.listed(self._connection, window, status=status, filters=filters, limit=limit)
        return {**_said(window), "runs": found}

    def run(self, run: str) -> Row:
        """Show one run."""
        return runs.show(self._connection, run)

    def health(self) -> Row:
        """Tell that the store answers, and how new its data is."""
        return {
            "status": "ok",
            "version": version("handspan"),
            "newest": runs.newest(self._connection),
            "spans": runs.raw_spans(self._connection),
            **self._about,
        }

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def _line(self, found: Kpi, window: Window, filters: Filters | None) -> Row:
        (row,) = self._rows(found, window, kpi.TOTAL, filters)
        return {**described(found), "headline": kpi.measures(row)[0], "row": row}

    def _rows(self, found: Kpi, window: Window, by: str, filters: Filters | None) -> list[Row]:
        return kpi.answer(
            self._connection, found.name, window.since_ns, window.until_ns, by, filters
        )


def described(found: Kpi) -> Row:
    """Return what a KPI's file says of it, as JSON has it."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(found).items()
    }


def _said(window: Window) -> Row:
    return {"since": iso(window.since_ns), "until": iso(window.until_ns)}
