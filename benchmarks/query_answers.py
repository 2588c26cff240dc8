"""Asks a store everything, over and over, and notes what it cost."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import peak_mb, quantile
from benchmarks.query_store import DAY_NS, DAYS, END_NS, statement
from benchmarks.report import say

from handspan_exporter.query import kpi
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.query.listing import Wanted
from handspan_exporter.query.window import Window, parameter
from handspan_exporter.store.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.query_store import Built

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

_RAW = "raw"
RAW_ROUNDS = 3
"""How often raw spans are asked at most: some of their answers take seconds."""
_UNLIMITED = {**LIMITS, "max_execution_time": 0, "max_memory_usage": 0}
"""Nobody stops who asks raw spans."""
_UNTIL_NS = END_NS + DAY_NS // 24
"""The newest runs end some seconds after the last begins."""
WINDOWS = {"24 h": DAY_NS, "30 d": DAYS * DAY_NS + DAY_NS // 24}


@dataclass(slots=True)
class Measured:
    """One question and its answers."""

    kind: str
    """kpi, list, show, or raw: the same asked of raw spans."""
    name: str
    window: str
    took_s: list[float] = field(default_factory=list)
    read_bytes: int = 0
    """Of the last answer."""
    peak_mb: float = 0.0
    """Resident, the whole process with its engine."""

    @property
    def p50_ms(self) -> float:
        """Return the median time."""
        return quantile(self.took_s, 0.5) * 1e3

    @property
    def p95_ms(self) -> float:
        """Return the time that 95 % of the answers do not exceed."""
        return quantile(self.took_s, 0.95) * 1e3


@dataclass(frozen=True, slots=True)
class Table:
    """What one table has on disk."""

    name: str
    rows: int
    bytes: int
    compression: float


def measure(dsn: Dsn, built: Built, *, rounds: int) -> list[Measured]:
    """Return every question, asked so often; blocks for minutes."""
    with (
        closing(connect(dsn, settings=LIMITS)) as session,
        closing(connect(dsn, settings=_UNLIMITED)) as unlimited,
        closing(connect(dsn)) as engine,
    ):
        answers = DirectAnswers(session)
        found = []
        # Raw questions come last: they leave the engine's caches full of what only they read.
        for one, ask in [*_kpis(answers), *_runs(answers, built), *_raw(unlimited, built)]:
            found.append(replace(one, took_s=[]))
            most = RAW_ROUNDS if one.kind == _RAW else rounds
            _ask(found[-1], ask, engine, min(rounds, most))
        slowest = max(found, key=lambda one: one.p95_ms)
        say(f"the slowest: {slowest.name} over {slowest.window}, {slowest.p95_ms:.0f} ms")
    return found


def disk(dsn: Dsn) -> list[Table]:
    """Return what each table has on disk, the largest first."""
    with closing(connect(dsn)) as session:
        rows = session.rows(statement("disk"), {"database": dsn.database})
    return [
        Table(one["table"], one["rows"], one["bytes"], one["uncompressed"] / one["compressed"])
        for one in rows
    ]


_Question = tuple[Measured, "Callable[[], Any]"]


def _ask(one: Measured, ask: Callable[[], Any], engine: Connection, rounds: int) -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    for _ in range(rounds):
        before = _read(engine)
        began_s = time.perf_counter()
        ask()
        one.took_s.append(time.perf_counter() - began_s)
        one.read_bytes = _read(engine) - before
    one.peak_mb = peak_mb([os.getpid()])


def _read(engine: Connection) -> int:
    (row,) = engine.rows(statement("read"))
    return int(row["bytes"])


def _kpis(answers: DirectAnswers) -> Iterator[_Question]:
    for window in WINDOWS:
        for one in kpi.catalog():
            for by in dict.fromkeys((kpi.TOTAL, one.grain)):
                name = one.name if by == kpi.TOTAL else f"{one.name} by {by}"

                def ask(name: str = one.name, by: str = by, window: str = window) -> Any:  # noqa: ANN401 - thrown away
                    return answers.kpi(name, _window(window), by=by)

                yield Measured("kpi", name, window), ask


def _runs(answers: DirectAnswers, built: Built) -> Iterator[_Question]:
    agent, feature = {"agent": ["team-3/critic"]}, {"feature": ["feature-3"]}
    lists: dict[str, tuple[Wanted, dict[str, list[str]]]] = {
        "newest": (Wanted(), {}),
        "status failure": (Wanted(status=["failure"]), {}),
        "still running": (Wanted(status=["running"]), {}),
        "agent": (Wanted(), agent),
        "workflow": (Wanted(), {"workflow": ["risk_report"]}),
        "feature": (Wanted(), feature),
        "user": (Wanted(), {"user_id": ["user-7"]}),
        "min cost": (Wanted(min_cost_usd=Decimal("0.2")), {}),
        "min duration": (Wanted(min_duration_s=24.0), {}),
        "text": (Wanted(text="conv-7f"), {}),
        "longest": (Wanted(sort="duration"), {}),
        "dearest": (Wanted(sort="cost"), {}),
        "1000 runs": (Wanted(limit=1000), {}),
    }
    for window in WINDOWS:
        for name, (wanted, filters) in lists.items():
            known = {key: value for key, value in filters.items() if key in kpi.filters()}

            def ask(
                wanted: Wanted = wanted,
                filters: dict[str, list[str]] = known,
                window: str = window,
            ) -> Any:  # noqa: ANN401 - thrown away
                return answers.runs(_window(window), wanted, filters=filters)

            yield Measured("list", f"runs list, {name}", window), ask
    small = answers.runs(_window("30 d"), Wanted(limit=20))["runs"][-1]["run_id"]
    for name, run in (("53 spans", small), ("the large run", built.large_run)):
        yield Measured("show", f"runs show, {name}", ""), partial(answers.run, run)
    yield Measured("show", "health", ""), answers.health


def _raw(session: Connection, built: Built) -> Iterator[_Question]:
    for path in sorted((Path(__file__).parent / "sql" / "query" / _RAW).glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        for window in WINDOWS if "{since" in text else ("",):
            asked = {"run": built.large_run} | (_ends(window) if window else {})

            def ask(text: str = text, asked: dict[str, str] = asked) -> Any:  # noqa: ANN401 - thrown away
                return session.rows(text, asked)

            yield Measured(_RAW, path.stem, window), ask


def _window(name: str) -> Window:
    return Window(_UNTIL_NS - WINDOWS[name], _UNTIL_NS)


def _ends(name: str) -> dict[str, str]:
    window = _window(name)
    return {"since": parameter(window.since_ns), "until": parameter(window.until_ns)}
