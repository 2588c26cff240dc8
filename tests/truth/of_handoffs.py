"""KPIs of handoffs and critical paths, counted in plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.numbers import (
    added,
    ratio,
    wilson,
)
from tests.truth.question import number, said, spread, why

if TYPE_CHECKING:
    from tests.truth.question import Fact, Facts, Question, Row, Simple, Whole

HANDOFF_OUTCOMES = ("accepted", "refused", "lost", "pending")


def _handoffs(rows: list[Fact]) -> Row:
    return {
        "handoffs": len(rows) or None,
        **{one: number(rows, "outcome", one) for one in HANDOFF_OUTCOMES},
        **spread(said(rows, "latency_ns"), "latency_{}_s", 50, 90, 95),
        "latency_n": len(said(rows, "latency_ns")),
        "payload_bytes": added(row["payload_bytes"] for row in rows),
        "payload_n": len(said(rows, "payload_bytes")),
        "cost_usd": added(row["cost"] for row in rows),
        "cost_n": len(said(rows, "cost")),
        "n": len(rows),
        "reason": why(len(rows), (True, "no handoff in the window")),
    }


def _loss(rows: list[Fact]) -> Row:
    found = {one: number(rows, "outcome", one) for one in HANDOFF_OUTCOMES}
    n = found["lost"] + found["accepted"]
    low, high = wilson(found["lost"], n)
    return {
        "handoff_loss_ratio": ratio(found["lost"], n),
        **found,
        "n": n,
        "low": low,
        "high": high,
        "reason": why(
            n,
            (not rows, "no handoff in the window"),
            (True, "no handoff was accepted or lost"),
        ),
    }


def _ping_pong(rows: list[Fact]) -> Row:
    back, n = sum(row["ping_pong"] for row in rows), len(rows)
    low, high = wilson(back, n)
    return {
        "ping_pong_ratio": ratio(back, n),
        "ping_pongs": back,
        "n": n,
        "low": low,
        "high": high,
        "reason": why(n, (True, "no handoff passed control in the window")),
    }


def _bottlenecks(facts: Facts, asked: Question) -> dict[str, Row]:
    rows = [r | _step(r) for r in asked.asked(facts["critical_paths"]) if r["run_id"]]
    whole = sum(row["critical_ns"] for row in rows)
    found = {}
    for group, some in asked.grouped(rows).items():
        own = sum(row["critical_ns"] for row in some)
        n = len({row["run_id"] for row in some})
        found[group] = {
            "share": ratio(own, whole),
            "critical_s": own / 1e9 if own else None,
            "spans": len(some),
            "n": n,
            "low": None,
            "high": None,
            "reason": why(n, (True, "no critical path in the window")),
        }
    return found


def _step(row: Fact) -> Row:
    return {"step": f"{row['part']} {row['name']}"}


SIMPLE: Simple = {
    "handoffs": ("handoffs", lambda _: True, _handoffs),
    "handoff_loss_ratio": ("handoffs", lambda _: True, _loss),
    "ping_pong_ratio": ("handoffs", lambda row: row["mode"] == "pass_control", _ping_pong),
}
WHOLE: Whole = {
    "bottlenecks": _bottlenecks,
}
