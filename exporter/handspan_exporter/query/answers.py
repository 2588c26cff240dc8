"""What can be asked, whoever answers: the store itself, or `serve` which holds it."""

from __future__ import annotations

import time
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from handspan_exporter.errors import NotFound
from handspan_exporter.query import agents, alerts, comparison, history, kpi, listing, runs
from handspan_exporter.query.kpi import TOTAL
from handspan_exporter.query.period import beside, earlier
from handspan_exporter.query.unread import unread
from handspan_exporter.query.window import iso
from handspan_exporter.store.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from handspan_exporter.query.alerts import Alert
    from handspan_exporter.query.comparison import Group
    from handspan_exporter.query.kpi import Kpi
    from handspan_exporter.query.listing import Wanted
    from handspan_exporter.query.window import Window
    from handspan_exporter.store.connection import Connection

Filters = dict[str, list[str]]
Row = dict[str, Any]

LIMITS = {
    "max_execution_time": 20,
    "max_memory_usage": 1 << 30,
    "max_result_rows": 100_000,
    "max_threads": 1,
    # Machine code made for a kind of question holds up its fourth answer by 20 to 160 ms; only
    # sums per run gain by it.
    "compile_aggregate_expressions": 0,
    "compile_expressions": 0,
}
"""ClickHouse settings (s, bytes, rows) of a session for questions: none may stall the ingest."""


class Answers(Protocol):
    """Blocks until answered. Every method raises UsageError, NotFound, QueryFailed, StoreDown."""

    def kpi(
        self,
        name: str,
        window: Window,
        *,
        by: str | None = None,
        filters: Filters | None = None,
        compare: str = "",
    ) -> Row:
        """Return `kpi` (as its file describes it), `since`, `until`, `by`, `rows`.

        `by` None is the KPI's own grain, `total` one row. `compare` is as in `period.earlier`;
        then there is `before` (a window) and each row has what `period.beside` adds.
        """
        ...

    def history(
        self,
        name: str,
        window: Window,
        *,
        grain: str = "hour",
        by: str = "",
        measure: str = "",
        groups: Sequence[str] = (),
        filters: Filters | None = None,
    ) -> Row:
        """Return what `query.history` returns, and `kpi`."""
        ...

    def overview(self, window: Window, *, filters: Filters | None = None, compare: str = "") -> Row:
        """Return `since`, `until` and `kpis`: each with its `headline` and its `row` in total.

        Of a KPI that has no history in total the row is that of its first group: the commonest
        path, the longest step, the busiest agent.
        """
        ...

    def runs(self, window: Window, wanted: Wanted, *, filters: Filters | None = None) -> Row:
        """Return `since`, `until`, `runs` and `next`, the cursor of the next page or None."""
        ...

    def run(self, run: str) -> Row:
        """Return one run by the beginning of its id, as `query.runs.show` does."""
        ...

    def compare_runs(self, ids: Sequence[str]) -> Row:
        """Compare runs with the first, as `query.comparison.compare_runs` does."""
        ...

    def compare_groups(
        self,
        a: Group,
        b: Group,
        *,
        split: str = TOTAL,
        of: str = "",
        filters: Filters | None = None,
    ) -> Row:
        """Compare two groups of runs, as `query.comparison.compare_groups` does."""
        ...

    def best_agents(
        self,
        window: Window,
        *,
        task: str = "",
        domain: str = "",
        task_type: str = "",
        min_confidence: float = 0.5,
        filters: Filters | None = None,
    ) -> Row:
        """Tell who should do a task, as `query.agents.best_agents` does."""
        ...

    def decisions(
        self,
        window: Window,
        *,
        actor: str = "",
        run: str = "",
        limit: int = 1000,
        filters: Filters | None = None,
    ) -> Row:
        """Return decisions of an actor, as `query.agents.decisions` does."""
        ...

    def alerts(self) -> Row:
        """Return the states of the alerts that the service was given (`query.alerts.states`)."""
        ...

    def mapping(self, since_ns: int) -> Row:
        """Return which attributes of spans are not understood, as `query.unread` does."""
        ...

    def health(self) -> Row:
        """Return `status`, `version`, `newest` (when the newest fact ended, or None) and more."""
        ...

    def close(self) -> None:
        """Give everything free."""
        ...


class DirectAnswers:
    """Answers from a session with the store."""

    def __init__(
        self,
        connection: Connection,
        *,
        about: Mapping[str, str] | None = None,
        alerts_file: Path | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Take over `connection`.

        Args:
            connection: For questions only, see `LIMITS`.
            about: What `health` says besides.
            alerts_file: What `alerts` looks at; read at each question.
            clock_ns: When alerts are looked at, in ns since the epoch.
        """
        self._connection = connection
        connection.answered = Memory(connection).give_back
        self._about = dict(about or {})
        self._alerts_file = alerts_file
        self._clock_ns = clock_ns

    def kpi(
        self,
        name: str,
        window: Window,
        *,
        by: str | None = None,
        filters: Filters | None = None,
        compare: str = "",
    ) -> Row:
        """Answer one KPI."""
        found = kpi.find(name)
        grouped = kpi.grouping(found, found.grain if by is None else by)
        answer = {**_said(window), "by": grouped, "kpi": described(found)}
        rows = self._rows(found, window, grouped, filters)
        if not compare:
            return {**answer, "rows": rows}
        before = earlier(window, compare)
        was = self._rows(found, before, grouped, filters)
        return {**answer, "before": _said(before), "rows": beside(found, rows, was)}

    def history(
        self,
        name: str,
        window: Window,
        *,
        grain: str = "hour",
        by: str = "",
        measure: str = "",
        groups: Sequence[str] = (),
        filters: Filters | None = None,
    ) -> Row:
        """Answer one KPI over time."""
        found = kpi.find(name)
        told = history.history(
            self._connection,
            name,
            window,
            grain=grain,
            by=by,
            measure=measure,
            groups=groups,
            filters=filters,
        )
        return {**told, "kpi": described(found)}

    def overview(self, window: Window, *, filters: Filters | None = None, compare: str = "") -> Row:
        """Answer every KPI in total."""
        before = earlier(window, compare) if compare else None
        answer = {**_said(window), **({"before": _said(before)} if before else {})}
        lines = [self._line(one, window, filters, before) for one in kpi.catalog()]
        return {**answer, "kpis": lines}

    def runs(self, window: Window, wanted: Wanted, *, filters: Filters | None = None) -> Row:
        """List runs."""
        return listing.listed(self._connection, window, wanted, filters)

    def run(self, run: str) -> Row:
        """Show one run."""
        return runs.show(self._connection, run)

    def compare_runs(self, ids: Sequence[str]) -> Row:
        """Compare runs."""
        return comparison.compare_runs(self._connection, ids)

    def compare_groups(
        self,
        a: Group,
        b: Group,
        *,
        split: str = TOTAL,
        of: str = "",
        filters: Filters | None = None,
    ) -> Row:
        """Compare groups of runs."""
        return comparison.compare_groups(
            self._connection, a, b, split=split, of=of, filters=filters
        )

    def best_agents(
        self,
        window: Window,
        *,
        task: str = "",
        domain: str = "",
        task_type: str = "",
        min_confidence: float = 0.5,
        filters: Filters | None = None,
    ) -> Row:
        """Tell who should do a task."""
        return agents.best_agents(
            self._connection,
            window,
            task=task,
            domain=domain,
            task_type=task_type,
            min_confidence=min_confidence,
            filters=filters,
        )

    def decisions(
        self,
        window: Window,
        *,
        actor: str = "",
        run: str = "",
        limit: int = 1000,
        filters: Filters | None = None,
    ) -> Row:
        """Return decisions of an actor."""
        return agents.decisions(
            self._connection, window, actor=actor, run=run, limit=limit, filters=filters
        )

    def alerts(self) -> Row:
        """Look at the alerts of the file."""
        if self._alerts_file is None:
            raise NotFound("no alerts are defined: name a file with --file or --alerts")
        return states(self, alerts.read(self._alerts_file), self._clock_ns())

    def mapping(self, since_ns: int) -> Row:
        """Tell which attributes of spans are not understood."""
        return unread(self._connection, since_ns)

    def health(self) -> Row:
        """Tell that the store answers, and how new its data is."""
        return {
            "status": "ok",
            "version": version("handspan"),
            "newest": runs.newest(self._connection),
            "spans": runs.raw_spans(self._connection),
            **self._about,
        }

    def state(self) -> str:
        """Return what differs once an answer may; '' on a cluster, where no node knows all."""
        if not self._connection.cluster.is_one_server:
            return ""
        return runs.state(self._connection)

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def _line(
        self, found: Kpi, window: Window, filters: Filters | None, before: Window | None
    ) -> Row:
        # The share of all paths, or the mean of all that was recorded, says nothing in total.
        by = kpi.TOTAL if kpi.TOTAL in found.history else found.history[0]
        rows = self._rows(found, window, by, filters)
        if not rows:
            by = kpi.TOTAL
            rows = self._rows(found, window, by, filters)
        if before is not None:
            rows = beside(found, rows, self._rows(found, before, by, filters))
        return {**described(found), "row": rows[0]}

    def _rows(self, found: Kpi, window: Window, by: str, filters: Filters | None) -> list[Row]:
        return kpi.answer(
            self._connection, found.name, window.since_ns, window.until_ns, by, filters
        )


def states(answers: Answers, defined: Sequence[Alert], now_ns: int) -> Row:
    """Return the states of alerts (`query.alerts.states`), whoever answers."""

    def ask(name: str, window: Window, by: str, filters: Filters) -> list[Row]:
        rows: list[Row] = answers.kpi(name, window, by=by, filters=filters)["rows"]
        return rows

    return alerts.states(defined, now_ns, ask)


def described(found: Kpi) -> Row:
    """Return what a KPI's file says of it, as JSON has it."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(found).items()
    }


def _said(window: Window) -> Row:
    return {"since": iso(window.since_ns), "until": iso(window.until_ns)}
