"""KPIs and runs in Python, from a service or from the store itself."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from handspan_exporter.errors import UsageError
from handspan_exporter.query import analyses, kpi, records
from handspan_exporter.query.alerts import read
from handspan_exporter.query.answers import states
from handspan_exporter.query.comparison import Group, default_windows
from handspan_exporter.query.kpi import TOTAL
from handspan_exporter.query.listing import Wanted
from handspan_exporter.query.opening import open_answers
from handspan_exporter.query.window import Window, window
from handspan_exporter.query.wire import to_json
from handspan_exporter.settings import from_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    import pandas as pd
    import pyarrow as pa

    Filters = Mapping[str, str | Sequence[str]]
    Moment = str | datetime

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and what the answer says beside them."""

    rows: list[Row]
    said: Row
    """Window, grouping, the KPI's description, and whatever else the API answers."""
    record: str
    """Type of the rows, see `query.records`."""

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def arrow(self) -> pa.Table:
        """Return the rows as an Arrow table; columns are typed also where all is unknown."""
        from handspan_exporter.query.tables import table  # noqa: PLC0415 - pyarrow takes 0.2 s

        return table(self.rows, self.record)

    def pandas(self) -> pd.DataFrame:
        """Return the rows as a DataFrame, in pandas' nullable types.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - an option of the user's
        except ImportError:
            raise UsageError("this needs pandas: pip install pandas") from None
        table = self.arrow()
        # Arrow's own types: an unknown whole number must not become a float.
        frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
        return frame


class Client:
    """Asks one service or store. Not for several threads at once.

    Every method raises UsageError (the question is wrong), NotFound, NotAuthenticated,
    NotPermitted, QueryFailed or StoreDown of `handspan_exporter.errors`, and blocks until answered.
    `since` and `until` are text as on the command line (`24h`, `2026-11-20`, `now`) or datetimes.
    """

    def __init__(
        self,
        url_or_dsn: str | None = None,
        *,
        token: str | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Connect.

        Args:
            url_or_dsn: `http://host:8317`, `chdb:///folder` or `clickhouse://user:pw@host/db`;
                None: HANDSPAN_URL, else HANDSPAN_STORE, else the store of this user.
            token: For a service that asks for one; None: HANDSPAN_TOKEN.
            clock_ns: What `now` means, in ns since the epoch.

        Raises:
            UsageError: the DSN is not one.
            NotFound: there is no store yet.
            StoreHeld: another process has the store, and answers nothing.
            StoreUnsuitable: its schema is not this version's.
            StoreDown: it cannot be reached.
        """
        where = url_or_dsn or os.environ.get("HANDSPAN_URL") or from_environment(os.environ).store
        shown = os.environ.get("HANDSPAN_TOKEN", "") if token is None else token
        self._clock_ns = clock_ns
        self._opened = ExitStack()
        self._answers = self._opened.enter_context(open_answers(where, token=shown))

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Give the connection, and the store if it was opened, free."""
        self._opened.close()

    @staticmethod
    def kpis() -> list[str]:
        """Return the names of all KPIs."""
        return [one.name for one in kpi.catalog()]

    def kpi(
        self,
        name: str,
        *,
        since: Moment = "24h",
        until: Moment = "now",
        by: str | None = None,
        filters: Filters | None = None,
        compare: str = "",
    ) -> Answer:
        """Return one KPI, a row per group.

        Args:
            name: As in docs/kpis.md.
            since: Start of the window.
            until: End of the window, itself outside.
            by: Grouping; `total` is one row; None: the KPI's own.
            filters: `{"agent": "writer"}`, or several values of one: any of them.
            compare: `previous` or `7d` adds what was before, and the change.
        """
        between = self._window(since, until)
        given = _filters(filters)
        answer = self._answers.kpi(name, between, by=by, filters=given, compare=compare)
        return _answer(answer, "rows", records.kpi_record(name))

    def history(
        self,
        name: str,
        *,
        since: Moment = "7d",
        until: Moment = "now",
        grain: str = "hour",
        by: str = "",
        measure: str = "",
        groups: Sequence[str] = (),
        filters: Filters | None = None,
    ) -> Answer:
        """Return one measure of a KPI (its headline if none is named) per hour or day."""
        between, given = self._window(since, until), _filters(filters)
        answer = self._answers.history(
            name, between, grain=grain, by=by, measure=measure, groups=groups, filters=given
        )
        return _answer(answer, "points", "HistoryPoint")

    def overview(
        self,
        *,
        since: Moment = "24h",
        until: Moment = "now",
        filters: Filters | None = None,
        compare: str = "",
    ) -> Row:
        """Return every KPI in total, as `GET /api/v1/kpis` does."""
        between = self._window(since, until)
        return self._answers.overview(between, filters=_filters(filters), compare=compare)

    def runs(  # noqa: PLR0913 - each narrows the list
        self,
        *,
        since: Moment = "24h",
        until: Moment = "now",
        filters: Filters | None = None,
        status: Sequence[str] = (),
        text: str = "",
        min_cost_usd: Decimal | None = None,
        min_duration_s: float | None = None,
        sort: str = "started",
        limit: int = 20,
        cursor: str = "",
    ) -> Answer:
        """Return runs; `said["next"]` is the cursor of the next page, or None."""
        wanted = Wanted(
            status=status,
            text=text,
            min_cost_usd=min_cost_usd,
            min_duration_s=min_duration_s,
            sort=sort,
            limit=limit,
            cursor=cursor,
        )
        between = self._window(since, until)
        answer = self._answers.runs(between, wanted, filters=_filters(filters))
        return _answer(answer, "runs", "Run")

    def run(self, run: str) -> Row:
        """Return one run by the beginning of its id: its spans, agents, faults and more."""
        return self._answers.run(run)

    def spans(self, run: str) -> Answer:
        """Return the spans of one run, in the order of its tree."""
        return _answer(self._answers.run(run), "spans", "Span")

    def compare_runs(self, run_ids: Sequence[str]) -> Row:
        """Compare runs with the first: where they part, and by how much they differ."""
        return self._answers.compare_runs(run_ids)

    def compare_groups(
        self,
        a: tuple[Moment, Moment] | None = None,
        b: tuple[Moment, Moment] | None = None,
        *,
        split: str = TOTAL,
        a_values: Sequence[str] = (),
        b_values: Sequence[str] = (),
        of: str = "",
        filters: Filters | None = None,
    ) -> Row:
        """Compare two groups of runs: windows, or values of the dimension `split`, or both.

        Windows left out are last week and this week, and with `split` the last 30 days twice.
        """
        usual_a, usual_b = default_windows(split)
        window_a, window_b = self._window(*(a or usual_a)), self._window(*(b or usual_b))
        groups = Group(window_a, a_values), Group(window_b, b_values)
        given = _filters(filters)
        return self._answers.compare_groups(*groups, split=split, of=of, filters=given)

    def alerts(self, file: Path | None = None) -> Answer:
        """Return the state of each alert of a file; None: of the service's own."""
        if file is None:
            answer = self._answers.alerts()
        else:
            answer = states(self._answers, read(file), self._clock_ns())
        return _answer(answer, "alerts", "Alert")

    def health(self) -> Row:
        """Return whether the service answers, and when the newest fact ended."""
        return self._answers.health()

    def analyze_workflows(self, since: Moment = "30d", until: Moment = "now") -> Row:
        """Return total_workflows, avg_duration_minutes, success_rate and more of all runs."""
        return analyses.workflows(self._answers, self._window(since, until))

    def calculate_coordination_overhead(self, since: Moment = "30d", until: Moment = "now") -> Row:
        """Return coordination_overhead_pct, recommendation, avg_coordination_minutes."""
        return analyses.coordination(self._answers, self._window(since, until))

    def get_agent_performance_trends(self, agent_name: str, days: int = 30) -> Row:
        """Return the trend of one agent: improving, stable, declining, or insufficient."""
        return analyses.trend(self._answers, self._window(f"{days}d", "now"), agent_name)

    def get_agent_ranking(
        self, task_type: str | None = None, since: Moment = "30d", until: Moment = "now"
    ) -> list[Row]:
        """Return the agents, the surest first."""
        return analyses.ranking(self._answers, self._window(since, until), task_type or "")

    def query_best_agent(
        self,
        task_description: str = "",
        domain: str | None = None,
        min_confidence: float = 0.5,
        since: Moment = "30d",
    ) -> Row | None:
        """Return who should do a task, or None when nobody reaches `min_confidence`."""
        between = self._window(since, "now")
        return analyses.best_agent(
            self._answers, between, task_description, domain or "", min_confidence
        )

    def generate_statistics(self, since: Moment = "30d", until: Moment = "now") -> Row:
        """Return workflows, coordination and agents: the analyses above in one."""
        return analyses.statistics(self._answers, self._window(since, until))

    def save_statistics(self, path: Path, since: Moment = "30d", until: Moment = "now") -> None:
        """Write `generate_statistics` as JSON.

        Raises:
            OSError: the file cannot be written.
        """
        found = self.generate_statistics(since, until)
        path.write_text(to_json(found, indent=2) + "\n", encoding="utf-8")

    def print_summary(self, since: Moment = "30d", until: Moment = "now") -> None:
        """Print `generate_statistics` for people."""
        sys.stdout.write(analyses.summary(self.generate_statistics(since, until)) + "\n")

    def get_run_statistics(self, run_id: str) -> Row:
        """Return the numbers of one run."""
        return analyses.run_statistics(self._answers, run_id)

    def aggregate_metrics(
        self,
        name: str,
        since: Moment = "30d",
        until: Moment = "now",
        filters: Filters | None = None,
    ) -> Row:
        """Return count, mean and quantiles of a number that users recorded on runs."""
        between = self._window(since, until)
        return analyses.metrics(self._answers, between, name, _filters(filters))

    def query_decisions_for_actor(
        self,
        actor: str,
        run_id: str | None = None,
        since: Moment = "30d",
        until: Moment = "now",
        limit: int = 1000,
    ) -> Answer:
        """Return what an agent, a validator or people (`human`) decided, in time order."""
        between = self._window(since, until)
        answer = self._answers.decisions(between, actor=actor, run=run_id or "", limit=limit)
        return _answer(answer, "decisions", "Decision")

    def _window(self, since: Moment, until: Moment) -> Window:
        return window(_text(since), _text(until), now_ns=self._clock_ns())


def _answer(answer: Row, rows: str, record: str) -> Answer:
    said = {name: value for name, value in answer.items() if name != rows}
    return Answer(answer[rows], said, record)


def _text(moment: Moment) -> str:
    """Return a moment as text; a datetime without a zone is UTC, as everywhere here."""
    if isinstance(moment, str):
        return moment
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat()


def _filters(given: Filters | None) -> dict[str, list[str]]:
    return {
        name: [values] if isinstance(values, str) else list(values)
        for name, values in (given or {}).items()
    }
