"""A question to a KPI, and what answers have in common."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.truth.numbers import average, deviation, quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Fact = dict[str, Any]
Facts = dict[str, list[Fact]]
Row = dict[str, Any]
Rows = list[Fact]
Simple = dict[str, tuple[str, Callable[[Fact], bool], Callable[[Rows], Row]]]
"""KPI -> the facts it is about, which of them, and how they are counted."""
Whole = dict[str, Callable[[Facts, "Question"], dict[str, Row]]]
"""KPI -> how it is counted, where a group is more than its own facts."""


@dataclass(frozen=True)
class Question:
    """One question to a KPI."""

    kpi: str
    by: str
    since_ns: int
    until_ns: int
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def has(self, fact: Fact) -> bool:
        """Say whether a fact passes the filters; a run, by any of its agents."""
        for name, wanted in self.filters.items():
            said = fact["agents"] if name == "agent" and "agents" in fact else [fact[name]]
            if not set(said) & set(wanted):
                return False
        return True

    def ends_inside(self, fact: Fact) -> bool:
        """Say whether a fact belongs to the window: it holds its end."""
        return self.since_ns <= moment_ns(fact) < self.until_ns

    def asked(self, facts: Iterable[Fact]) -> list[Fact]:
        """Return the facts that are asked for."""
        return [fact for fact in facts if self.ends_inside(fact) and self.has(fact)]

    def ended(self, facts: Iterable[Fact]) -> list[Fact]:
        """Return those of the facts that are asked for which have an end."""
        return [fact for fact in self.asked(facts) if fact["ended_ns"] is not None]

    def groups(self, fact: Fact) -> list[str]:
        """Return the groups in which a fact stands: a run, in one for each agent."""
        if self.by == "total":
            return [""]
        if self.by == "agent" and "agents" in fact:
            wanted = self.filters.get("agent", ())
            return [name for name in fact["agents"] if not wanted or name in wanted]
        return [str(fact[self.by])]

    def grouped(self, facts: Iterable[Fact]) -> dict[str, list[Fact]]:
        """Return facts by group; the total is there even without any."""
        found: dict[str, list[Fact]] = {"": []} if self.by == "total" else {}
        for fact in facts:
            for group in self.groups(fact):
                found.setdefault(group, []).append(fact)
        return found


def moment_ns(fact: Fact) -> int:
    """Return when a fact is counted: at its end, or where it has none at its start."""
    moment: int = fact["started_ns"] if fact["ended_ns"] is None else fact["ended_ns"]
    return moment


def why(n: int, *reasons: tuple[bool, str]) -> str:
    """Return why a KPI is unknown: the first reason that holds, '' with n."""
    return "" if n else next(text for holds, text in reasons if holds)


def by_error(rows: Iterable[Fact]) -> dict[str, int]:
    """Count failures by the type of their error."""
    return dict(Counter(row["error_type"] for row in rows if row["outcome"] == "failure"))


def number(rows: Iterable[Fact], word: str, *values: str) -> int:
    """Count the facts that say one of the values."""
    return sum(row[word] in values for row in rows)


def said(rows: Iterable[Fact], word: str) -> list[Any]:
    """Return what is said, where it is."""
    return [row[word] for row in rows if row[word] is not None]


def spread(values: list[Any], name: str, *percents: int, scale: float = 1e9) -> Row:
    """Return quantiles in seconds, named as in `name.format(percent)`."""
    found = {}
    for percent in percents:
        value = quantile(values, percent / 100)
        found[name.format(f"p{percent}")] = None if value is None else value / scale
    return found


def logarithmic(values: list[Any], name: str, *, scale: float = 1e9) -> Row:
    """Return the geometric mean in seconds, and how far the logarithms of values lie apart."""
    logs = [math.log(value) for value in values if value > 0]
    mean = average(logs) if len(logs) == len(values) else None
    if mean is None and all(value >= 0 for value in values) and values:
        return {f"{name}_geometric_mean_s": 0.0, f"{name}_log_sd": None}
    return {
        f"{name}_geometric_mean_s": None if mean is None else math.exp(mean) / scale,
        f"{name}_log_sd": None if mean is None else deviation(logs),
    }


def known_cost(row: Fact) -> bool:
    """Say whether all that it cost is known."""
    return row["cost"] is not None and row["unpriced"] == 0
