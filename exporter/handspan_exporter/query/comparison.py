"""Comparisons: runs with a run, structure and numbers; and a group of runs with another group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi, runs
from handspan_exporter.query.alignment import Pair, aligned, label
from handspan_exporter.query.intervals import newcombe, wilson
from handspan_exporter.query.window import Window, iso, parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handspan_exporter.store.connection import Connection

Row = dict[str, Any]

MOST_COMPARED = 10
"""Runs in one comparison; the others are compared with the first."""
MOST_LINES = 2000
"""Lines of an alignment that are answered: whole where all fit, else from the start."""

_COUNTS = ("agent_runs", "handoffs", "llm_calls", "tool_calls")
_SUMS = ("duration_ns", "cost_usd", "input_tokens", "output_tokens", *_COUNTS)
_SUMMARY = ("run_id", "workflow", "service", "started", "outcome", "error_type", "path")
_OF_AGENT = ("agent_runs", "failed", "agent_time_ns", "input_tokens", "output_tokens", "cost_usd")
_RUN_SPLITS = ("service", "project", "workflow", "feature", "user", "conversation")
_AGENT_SPLITS = ("agent", "agent_version", "task_type", "task_domain")
SPLITS = (*_RUN_SPLITS, *_AGENT_SPLITS)
"""Dimensions whose values can make two groups; the later ones are those of agent runs."""


def compare_runs(connection: Connection, ids: Sequence[str]) -> Row:
    """Return `runs`, and `comparisons` of each further run (B) with the first (A).

    A comparison has `a`, `b` (ids), `outcome`, the numbers of `numbers` with their `change`,
    `agents` (the same per agent), `spans` (how many are in both, in A or in B only),
    `divergence` (where the two part first, or None) and `alignment`.

    Raises:
        UsageError: fewer than two runs, too many, or an id is ambiguous.
        NotFound: no run's id begins so.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    if not 2 <= len(ids) <= MOST_COMPARED:
        text = f"two to {MOST_COMPARED} runs can be compared, not {len(ids)}"
        raise UsageError(text, parameter="run")
    found = [runs.show(connection, one) for one in ids]
    return {
        "runs": [_summary(one["run"]) for one in found],
        "comparisons": [_compared(found[0], other) for other in found[1:]],
    }


def _summary(run: Row) -> Row:
    return {name: run[name] for name in (*_SUMMARY, *_SUMS, "unpriced_calls")}


def _compared(a: Row, b: Row) -> Row:
    pairs = list(aligned(a["spans"], b["spans"]))
    return {
        "a": a["run"]["run_id"],
        "b": b["run"]["run_id"],
        "outcome": {"a": a["run"]["outcome"], "b": b["run"]["outcome"]},
        "numbers": _numbers(a["run"], b["run"], _SUMS),
        "agents": _agents(a["agents"], b["agents"]),
        "spans": {
            "both": sum(pair.a is not None and pair.b is not None for pair in pairs),
            "only_a": sum(pair.b is None for pair in pairs),
            "only_b": sum(pair.a is None for pair in pairs),
            "left_out": a["spans_left_out"] + b["spans_left_out"],
        },
        "divergence": _divergence(pairs),
        "alignment": [_line(pair) for pair in pairs[:MOST_LINES]],
        "alignment_left_out": max(0, len(pairs) - MOST_LINES),
    }


def _numbers(a: Row | None, b: Row | None, names: Sequence[str]) -> Row:
    """Return both sides and B - A; a change is None where a side is unknown, with the reason."""
    sides = {name: one and {key: one[key] for key in names} for name, one in (("a", a), ("b", b))}
    change, reasons = dict.fromkeys(names), {}
    for name in names:
        if reason := _unknown(name, a, b):
            reasons[name] = reason
        elif a is not None and b is not None:
            change[name] = b[name] - a[name]
    return {**sides, "change": change, "reasons": reasons}


def _unknown(name: str, a: Row | None, b: Row | None) -> str:
    for side, one in (("A", a), ("B", b)):
        if one is None:
            return f"not in {side}"
        unpriced = one.get("unpriced_calls") or 0
        if name == "cost_usd" and unpriced:
            return f"{unpriced} calls in {side} have no price"
        if one[name] is None:
            return f"unknown in {side}"
    return ""


def _agents(a: Sequence[Row], b: Sequence[Row]) -> list[Row]:
    left, right = ({one["agent"]: one for one in side} for side in (a, b))
    names = [*left, *(name for name in right if name not in left)]
    return [
        {"agent": name, **_numbers(left.get(name), right.get(name), _OF_AGENT)} for name in names
    ]


def _divergence(pairs: Sequence[Pair]) -> Row | None:
    """Return the first difference, as deep as it goes: a failure shows in all that is above it."""
    at = next((at for at, pair in enumerate(pairs) if _difference(pair)), None)
    if at is None:
        return None
    for below in range(at + 1, len(pairs)):
        if pairs[below].depth <= pairs[at].depth:
            break
        if _difference(pairs[below]):
            at = below
    pair = pairs[at]
    return {"what": _difference(pair), "path": _path(pairs, at), **_line(pair)}


def _difference(pair: Pair) -> str:
    if pair.a is None or pair.b is None:
        return f"only in {'A' if pair.b is None else 'B'}"
    told = [f"{runs.outcome(one)} {one['error_type']}".strip() for one in (pair.a, pair.b)]
    return "" if told[0] == told[1] else f"{told[0] or 'ended'} in A, {told[1] or 'ended'} in B"


def _path(pairs: Sequence[Pair], at: int) -> list[str]:
    """Return the labels from the root down to a pair."""
    path, depth = [_label(pairs[at])], pairs[at].depth
    for pair in reversed(pairs[:at]):
        if pair.depth < depth:
            path.append(_label(pair))
            depth = pair.depth
    return path[::-1]


def _label(pair: Pair) -> str:
    span = pair.a or pair.b
    assert span is not None  # noqa: S101 - a pair has a side
    return label(span)


def _line(pair: Pair) -> Row:
    return {
        "depth": pair.depth,
        "label": _label(pair),
        "a": pair.a and _side(pair.a),
        "b": pair.b and _side(pair.b),
    }


def _side(span: Row) -> Row:
    shown = ("trace_id", "span_id", "duration_ns", "cost_usd", "input_tokens", "output_tokens")
    return {name: span[name] for name in shown} | {
        "outcome": runs.outcome(span),
        "error_type": span["error_type"],
    }


@dataclass(frozen=True, slots=True)
class Group:
    """One side of a comparison of groups."""

    window: Window
    values: Sequence[str] = ()
    """Of the dimension that splits; none means all."""


def default_windows(split: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return `since` and `until` of A and of B where nobody says any.

    Without a dimension it is last week and this one. Two values of one are looked at over the same
    month: two weeks would make a difference of weeks look like one of versions.
    """
    if split == kpi.TOTAL:
        return ("14d", "7d"), ("7d", "now")
    return ("30d", "now"), ("30d", "now")


def compare_groups(
    connection: Connection,
    a: Group,
    b: Group,
    *,
    split: str = kpi.TOTAL,
    of: str = "",
    filters: Mapping[str, Sequence[str]] | None = None,
) -> Row:
    """Return `of`, `split`, `a`, `b` (what they are) and `measures`, with the change from A to B.

    `success_ratio` changes by a difference with Newcombe's interval; `duration_s`, `cost_usd` and
    `tokens` (geometric means) by a factor with the interval of Welch's test on logarithms. Where
    an interval is None, `reason` says why.

    Args:
        connection: The store.
        a: What is compared with.
        b: What is compared.
        split: Dimension of the groups' values, one of `SPLITS`, or `total`.
        of: `runs` or `agent_runs`; '' is the latter where an agent is named.
        filters: What both sides have in common.

    Raises:
        UsageError: `split` or `of` is not one, or a filter.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    of = of or ("agent_runs" if split in _AGENT_SPLITS or "agent" in (filters or {}) else "runs")
    _check_split(split, of)
    parameters = {
        "split": split,
        **kpi.filter_parameters(filters or {}),
    }
    for side, group in (("a", a), ("b", b)):
        parameters[f"since_{side}"] = parameter(group.window.since_ns)
        parameters[f"until_{side}"] = parameter(group.window.until_ns)
        parameters[f"values_{side}"] = list(group.values)
    holes = {
        f"earliest_{side}": kpi.window_fragment("earliest", of, since=f"since_{side}")
        for side in ("a", "b")
    }
    rows = kpi.filled(f"compare/{of}", **holes).rstrip()
    (row,) = connection.rows(kpi.filled("compare/groups", rows=rows), parameters)
    return {
        "of": of,
        "split": split,
        "a": _group(a, row["runs_a"]),
        "b": _group(b, row["runs_b"]),
        "measures": [_success(row), *(_geometric(row, *one) for one in _GEOMETRIC)],
    }


_GEOMETRIC = (("duration", "duration_s"), ("cost", "cost_usd"), ("tokens", "tokens"))


def _check_split(split: str, of: str) -> None:
    known = {"runs": (*_RUN_SPLITS, kpi.TOTAL), "agent_runs": (*SPLITS, kpi.TOTAL)}
    if of not in known:
        raise UsageError(f"{of[:60]!r} is unknown; use runs, agent_runs", parameter="of")
    if split not in (kpi.TOTAL, *SPLITS):
        every = ", ".join((kpi.TOTAL, *SPLITS))
        raise UsageError(f"{split[:60]!r} is unknown; use {every}", parameter="split")
    if split not in known[of]:
        text = f"{of} cannot be split by {split[:60]!r}; use {', '.join(known[of])}"
        raise UsageError(text, parameter="split")


def _group(group: Group, found: int) -> Row:
    return {
        "since": iso(group.window.since_ns),
        "until": iso(group.window.until_ns),
        "values": list(group.values),
        "runs": found,
    }


def _success(row: Row) -> Row:
    sides = []
    for side in ("a", "b"):
        k, n = row[f"success_k_{side}"], row[f"success_n_{side}"]
        low, high = wilson(k, n)
        sides.append({"value": k / n if n else None, "n": n, "low": low, "high": high})
    a, b = sides
    known = a["n"] > 0 and b["n"] > 0
    interval = newcombe(b, a, "value") if known else (None, None)
    return {
        "measure": "success_ratio",
        "a": a["value"],
        "b": b["value"],
        "a_n": a["n"],
        "b_n": b["n"],
        "change_is": "difference",
        "change": b["value"] - a["value"] if known else None,
        "low": interval[0],
        "high": interval[1],
        "reason": "" if known else "a group has no run that ended as success or failure",
    }


def _geometric(row: Row, column: str, name: str) -> Row:
    a, b = row[f"{column}_a"], row[f"{column}_b"]
    n = row[f"{column}_n_a"], row[f"{column}_n_b"]
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    known = a is not None and b is not None
    sure = known and min(n) > 1 and math.isfinite(low) and math.isfinite(high)
    return {
        "measure": f"{name}_geometric_mean",
        "a": a,
        "b": b,
        "a_n": n[0],
        "b_n": n[1],
        "change_is": "factor",
        "change": b / a if known else None,
        "low": math.exp(low) if sure else None,
        "high": math.exp(high) if sure else None,
        "reason": "" if sure else _unsure(n),
    }


def _unsure(n: tuple[int, int]) -> str:
    if min(n) == 0:
        return f"group {'A' if n[0] == 0 else 'B'} has no run where it is known"
    return "a group has fewer than two values" if min(n) < 2 else "all values are equal"
