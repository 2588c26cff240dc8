"""KPIs: what their files say of themselves, and their answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from handspan_exporter import sql
from handspan_exporter.errors import NoSuchKpi, UsageError
from handspan_exporter.query.window import parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handspan_exporter.store.connection import Connection

TOTAL = "total"
"""The grouping without groups: one row, whose group is ''."""

_FRAGMENTS = "kpi/fragments"
_WINDOWS = "kpi/windows"
_HEADER = re.compile(r"^-- (\w[\w ]*): (.+(?:\n--   .+)*)", re.MULTILINE)
_FILTER = re.compile(r"empty\(\{(\w+):Array\(String\)\}\)")
_GRAIN = re.compile(r"one row (?:in |per )(\w+)(?:; also per (.+))?")
_HEADLINE = re.compile(r'AS "group",\n(?:.*\n)*?    .*\bAS (\w+),\n')
_BESIDE = frozenset({"group", "n", "low", "high", "reason"})
"""What stands in every answer beside the measures."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI, as the header of its file describes it."""

    name: str
    headline: str
    """The measure that the KPI is about; `low`, `high` and `reason` are its own."""
    meaning: str
    unit: str
    undefined_when: str
    grain: str
    """The grouping that is asked for when nobody says another one; often `total`."""
    groupings: tuple[str, ...]
    """What it can be grouped by; the first is `total`."""
    history: tuple[str, ...]
    """The groupings that kpi_history keeps."""
    reads: tuple[str, ...]
    used_by: tuple[str, ...]


@cache
def filters() -> tuple[str, ...]:
    """Return the names that every KPI can be filtered by."""
    return tuple(_FILTER.findall(sql.load("kpi/fragments/filters_facts")))


@cache
def catalog() -> tuple[Kpi, ...]:
    """Return every KPI that this version knows, sorted by name."""
    return tuple(_read(name) for name in sql.names("kpi"))


def header(name: str) -> dict[str, str]:
    """Return the header of `sql/kpi/<name>.sql`, keys in the order of the file."""
    lines = _HEADER.findall(sql.load(f"kpi/{name}"))
    return {key: " ".join(text.replace("\n--", " ").split()) for key, text in lines}


def find(name: str) -> Kpi:
    """Return the KPI of that name.

    Raises:
        NoSuchKpi: there is none; the message lists what there is.
    """
    for kpi in catalog():
        if kpi.name == name:
            return kpi
    known = ", ".join(kpi.name for kpi in catalog())
    raise NoSuchKpi(f"no KPI is called {name[:60]!r}; there are: {known}")


def answer(
    connection: Connection,
    kpi_name: str,
    since_ns: int,
    until_ns: int,
    by: str = "",
    filters: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, Any]]:
    """Return the KPI over [since, until): one row per group, columns as in its file.

    `by` is '' or `total` for one row (even without any data, then with `n` 0 and a reason), else
    one of the KPI's groupings. Columns are `group`, the measures (the first is the KPI's headline;
    names that end in `_usd` are Decimal), `n`, `low` and `high` (95 % interval of the headline,
    where there is one) and `reason`: why the headline is None, else ''.

    Raises:
        NotFound: no KPI has that name.
        UsageError: the grouping or a filter is unknown.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    kpi = find(kpi_name)
    parameters = {
        "since": parameter(since_ns),
        "until": parameter(until_ns),
        "by": grouping(kpi, by),
        **filter_parameters(filters or {}),
    }
    return connection.rows(filled(f"kpi/{kpi.name}"), parameters)


def filled(name: str, **holes: str) -> str:
    """Return `<name>.sql`, its holes filled with `holes`, else with their fragments."""
    named = {hole: fragment(hole) for hole in sql.holes(name) if hole not in holes}
    return sql.render(name, {**named, **holes})


def fragment(hole: str) -> str:
    """Return what fills a hole of a KPI's file: `<fragment>`, or `<fragment>_<table>` of a window.

    Raises:
        FileNotFoundError: there is no such fragment.
    """
    start, _, table = hole.partition("_")
    if start in sql.names(_WINDOWS):
        return window_fragment(start, table)
    return sql.load(f"{_FRAGMENTS}/{hole}").rstrip()


def window_fragment(name: str, table: str, *, since: str = "since") -> str:
    """Return a fragment about a window of `table`; `since` is the parameter of its beginning."""
    return sql.render(f"{_WINDOWS}/{name}", {"table": table, "since": since}).rstrip()


def grouping(kpi: Kpi, by: str) -> str:
    """Return the grouping that `by` means; '' means `total`.

    Raises:
        UsageError: the KPI cannot be grouped so.
    """
    if by and by not in kpi.groupings:
        use = ", ".join(kpi.groupings)
        text = f"{kpi.name} cannot be grouped by {by[:60]!r}; use {use}"
        raise UsageError(text, parameter="by")
    return by or TOTAL


def measures(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the numeric measures of an answer's row; the first is the headline."""
    return tuple(
        name for name, value in row.items() if name not in _BESIDE and not isinstance(value, dict)
    )


def filter_parameters(given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return one server-side parameter per filter; one that is not given lets all through.

    Raises:
        UsageError: a filter is unknown.
    """
    if unknown := sorted(set(given) - set(filters())):
        text = f"{unknown[0][:60]!r} is unknown; use {', '.join(filters())}"
        raise UsageError(text, parameter="filter")
    return {name: list(given.get(name, ())) for name in filters()}


def _read(name: str) -> Kpi:
    said = header(name)
    grain = _GRAIN.fullmatch(said["grain"])
    assert grain is not None, name  # noqa: S101 - a file of ours; a test reads every one
    own = () if grain[1] in (TOTAL, *filters()) else (grain[1],)
    return Kpi(
        name=name,
        headline=_headline(name),
        meaning=said["kpi"],
        unit=said["unit"],
        undefined_when=said["undefined when"],
        grain=grain[1],
        groupings=(TOTAL, *filters(), *own, *_names(grain[2])),
        history=_names(said["groupings kept in history"]),
        reads=_names(said["reads"]),
        used_by=_names(said["used by"]),
    )


def _headline(name: str) -> str:
    found = _HEADLINE.search(sql.load(f"kpi/{name}"))
    assert found is not None, name  # noqa: S101 - a file of ours; a test reads every one
    return found[1]


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
