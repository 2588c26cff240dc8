"""What questions cost, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.query_answers import RAW_ROUNDS
from benchmarks.report import machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.query_answers import Measured, Table
    from benchmarks.query_store import Built

MUST_MS, GOAL_MS, MUST_MB = 1000, 200, 1024
_SLOWEST = 12
_RAW_OF = {"runs_list": "runs list, newest", "runs_show": "runs show, the large run"}
"""Question of raw spans -> what ours is called; others have the KPI's name."""


def is_quick(measured: Sequence[Measured]) -> bool:
    """Tell whether every answer of ours keeps what it must."""
    own = _own(measured)
    return all(one.p95_ms < MUST_MS and one.peak_mb < MUST_MB for one in own)


def text(
    built: Built, measured: Sequence[Measured], disk: Sequence[Table], *, took_s: float, rounds: int
) -> str:
    """Return all figures as one part of RESULTS.md."""
    parts = [
        machine(),
        _conditions(built, took_s, rounds),
        _summary(measured),
        "The slowest KPIs:",
        _table(_slowest(measured)),
        "Runs:",
        _table([one for one in measured if one.kind in ("list", "show")]),
        "The same asked of raw spans (`otel_traces`):",
        _ratios(measured),
        "On disk:",
        _disk(disk, built.spans),
    ]
    return "\n\n".join(parts)


def _slowest(measured: Sequence[Measured]) -> list[Measured]:
    kpis = [one for one in measured if one.kind == "kpi"]
    return sorted(kpis, key=lambda one: -one.p50_ms)[:_SLOWEST]


def _conditions(built: Built, took_s: float, rounds: int) -> str:
    return (
        f"{built.runs} runs with {built.spans} spans over 30 days, made in {took_s:.0f} s; every "
        f"question asked {rounds} times by one thread, raw spans {min(rounds, RAW_ROUNDS)} times."
    )


def _own(measured: Iterable[Measured]) -> list[Measured]:
    return [one for one in measured if one.kind != "raw"]


def _summary(measured: Sequence[Measured]) -> str:
    lines = []
    own = _own(measured)
    for window in ("24 h", "30 d"):
        kpis = [one for one in own if one.kind == "kpi" and one.window == window]
        slow = sum(one.p95_ms >= GOAL_MS for one in kpis)
        totals = sum(one.p50_ms for one in kpis if " by " not in one.name)
        lines.append(
            f"- {len(kpis)} KPI questions over {window}: the slowest p95 "
            f"{max(one.p95_ms for one in kpis):.0f} ms, {slow} at {GOAL_MS} ms or more; all "
            f"totals after one another {totals / 1e3:.1f} s."
        )
    late = [one.name for one in own if one.p95_ms >= MUST_MS]
    lines.append(f"- At {MUST_MS} ms or more (p95): {', '.join(late) or 'none'}.")
    lines.append(f"- Most memory of the process: {max(one.peak_mb for one in own):.0f} MB.")
    return "\n".join(lines)


def _table(rows: Iterable[Measured]) -> str:
    heads = ("question", "window", "p50 ms", "p95 ms", "read MB", "peak MB")
    lines = [
        (
            one.name,
            one.window,
            f"{one.p50_ms:.0f}",
            f"**{one.p95_ms:.0f}**",
            f"{one.read_bytes / 1e6:.1f}",
            f"{one.peak_mb:.0f}",
        )
        for one in rows
    ]
    return _markdown([heads, *lines])


def _ratios(measured: Sequence[Measured]) -> str:
    heads = ("question", "window", "ours p50 ms", "raw p50 ms", "raw / ours", "raw read MB")
    ours = {(one.name, one.window): one for one in _own(measured)}
    lines = []
    for raw in (one for one in measured if one.kind == "raw"):
        own = ours[_RAW_OF.get(raw.name, raw.name), raw.window]
        ratio = raw.p50_ms / own.p50_ms
        read = f"{raw.read_bytes / 1e6:.0f}"
        lines.append(
            (
                own.name,
                raw.window,
                f"{own.p50_ms:.0f}",
                f"{raw.p50_ms:.0f}",
                f"**{ratio:.1f}**",
                read,
            )
        )
    return _markdown([heads, *lines])


def _disk(tables: Sequence[Table], spans: int) -> str:
    heads = ("table", "rows", "MB", "bytes per span", "compression")
    lines = [
        (
            one.name,
            f"{one.rows}",
            f"{one.bytes / 1e6:.1f}",
            f"{one.bytes / spans:.1f}",
            f"{one.compression:.1f}",
        )
        for one in tables
        if one.bytes / spans > 0.05
    ]
    total = sum(one.bytes for one in tables)
    lines.append(("all", "", f"{total / 1e6:.1f}", f"**{total / spans:.1f}**", ""))
    return _markdown([heads, *lines])


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
