"""What a column's name says of it: a title for people and Grafana's id of its unit."""

from __future__ import annotations

from typing import NamedTuple

_UNITS = {
    "_ratio": "percentunit",
    "_share": "percentunit",
    "_usd": "currencyUSD",
    "_s": "s",
    "_bytes": "bytes",
    "_score": "none",
    "_tokens": "short",
}
_KEPT = ("_score", "_tokens")
"""Suffixes that are part of the title as well."""
_WORDS = {
    "p10": "10 %",
    "p50": "median",
    "p90": "90 %",
    "p95": "95 %",
    "vs": "against",
    "n": "n",
    "llm": "LLM",
}
_COUNT = "locale"
_TEXT = frozenset(
    {
        "reason",
        "advice",
        "state",
        "exhausted_at",
        "success_trend",
        "duration_trend",
        "cost_trend",
        "failures_by_error_type",
        "alternatives",
    }
)


class Column(NamedTuple):
    """How a column is shown."""

    title: str
    unit: str
    """Grafana's id; '' for text."""
    width: int = 0
    """Of a table's column, in pixels; 0: as wide as the others."""
    unknown: str = "unknown"
    """What stands for NULL; '' where NULL means that the thing has no such number."""


def column(name: str, *, share: bool = False, headline: str = "") -> Column:
    """Return how the column `name` is shown.

    `share`: its KPI's bounds are shares of one. `headline`: the KPI's name; a ratio of that name is
    what the panel's title says already.
    """
    if name == headline and name.endswith("_ratio"):
        return Column("share", "percentunit")
    if name == "advice":  # a sentence in each row
        return Column(name, "", 420)
    if name in _TEXT:
        return Column(name.replace("_", " "), "")
    if name in {"low", "high"}:
        return Column(f"95 % {name}", "percentunit" if share else "none")
    return Column(_titled(name), _unit(name))


def _unit(name: str) -> str:
    if name == "share":
        return "percentunit"
    if name.startswith("value_"):
        return "short"
    return next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), _COUNT)


def _titled(name: str) -> str:
    suffix = next((one for one in _UNITS if name.endswith(one) and one not in _KEPT), "")
    return " ".join(_WORDS.get(word, word) for word in name.removesuffix(suffix).split("_"))
