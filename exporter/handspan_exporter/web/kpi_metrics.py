"""KPIs as Prometheus gauges, for who asks for them: bounded in groups, asked at most so often.

Each number of a KPI's answer is a family `handspan_kpi_<kpi>_<measure>` (the headline without its
name twice), units as Prometheus writes them, labels `by` and `group`. What is unknown is absent, as
Prometheus wants it; `..._n` says how many cases there were.
"""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi as kpis
from handspan_exporter.query.window import Window
from handspan_exporter.telemetry import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.query.answers import Answers, Row
    from handspan_exporter.settings import Settings

_SECOND_NS = 10**9
_BOUNDS = ("n", "low", "high")
_LEFT_OUT = "handspan_kpi_groups_left_out"


class Sample(NamedTuple):
    """One number of one group."""

    family: str
    help: str
    by: str
    group: str
    value: float


def groupings(settings: Settings) -> tuple[str, ...]:
    """Return the groupings of `metrics_kpis`; none when KPIs are not wanted at /metrics.

    Raises:
        UsageError: one is not a grouping that every KPI has.
    """
    asked = tuple(filter(None, settings.metrics_kpis.replace(" ", "").split(",")))
    known = (kpis.TOTAL, *kpis.filters())
    for one in asked:
        if one not in known:
            raise UsageError(f"--metrics-kpis: {one[:60]!r} is unknown; use {', '.join(known)}")
    return asked


class KpiMetrics:
    """The KPIs of the last window, in Prometheus' text format."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings `metrics_kpi*`.

        Raises:
            UsageError: a grouping is unknown.
        """
        self._groupings = groupings(settings)
        self._window_ns = round(settings.metrics_kpi_window_s * _SECOND_NS)
        self._every_ns = round(settings.metrics_kpi_every_s * _SECOND_NS)
        self._most = settings.metrics_kpi_groups
        self._lock = threading.Lock()
        self._asked_ns = 0
        self._text = ""

    def exposition(self, answers: Answers, now_ns: int) -> str:
        """Return the families; answers as old as `metrics_kpi_every_s` are told again. Blocks.

        Raises:
            QueryFailed: the store refused a question.
            StoreDown: the store cannot be reached.
        """
        with self._lock:
            if not self._text or not 0 <= now_ns - self._asked_ns < self._every_ns:
                self._text = "".join(f"{line}\n" for line in self._lines(answers, now_ns))
                self._asked_ns = now_ns
            return self._text

    def _lines(self, answers: Answers, now_ns: int) -> Iterator[str]:
        families: dict[str, list[Sample]] = {}
        left_out = 0
        window = Window(now_ns - self._window_ns, now_ns)
        for kpi in kpis.catalog():
            for by in self._groupings:
                rows = answers.kpi(kpi.name, window, by=by)["rows"]
                left_out += max(len(rows) - self._most, 0)
                for row in rows[: self._most]:
                    for sample in _samples(kpi, by, row):
                        families.setdefault(sample.family, []).append(sample)
        for family, samples in sorted(families.items()):
            yield from _family(family, samples)
        yield f"# HELP {_LEFT_OUT} Groups of KPIs beyond --metrics-kpi-groups."
        yield f"# TYPE {_LEFT_OUT} gauge"
        yield f"{_LEFT_OUT} {left_out}"


def _family(family: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP {family} {samples[0].help}"
    yield f"# TYPE {family} gauge"
    for one in samples:
        yield f'{family}{{by="{one.by}",group="{escaped(one.group)}"}} {one.value!r}'


def _samples(kpi: kpis.Kpi, by: str, row: Row) -> Iterator[Sample]:
    for measure in (*kpis.measures(row), *_BOUNDS):
        value = row[measure]
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            told = kpi.meaning.split(";")[0].split(":")[0]
            yield Sample(_named(kpi.name, measure), told, by, str(row["group"]), float(value))


def _named(kpi: str, measure: str) -> str:
    if measure == kpi:
        return _in_units(f"handspan_kpi_{kpi}")
    base = kpi.removesuffix("_s")
    # workflow_duration_s has duration_p50_s: the word is said once.
    again = base.rpartition("_")[2] + "_"
    return _in_units(f"handspan_kpi_{base}_{measure.removeprefix(again)}")


def _in_units(name: str) -> str:
    return f"{name.removesuffix('_s')}_seconds" if name.endswith("_s") else name
