"""On many random facts, every KPI is what plain Python counts."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from statistics import NormalDist, quantiles
from typing import TYPE_CHECKING, Any

import pytest
from tests.exporter.answers.facts import at

from handspan_exporter.query import kpi
from handspan_exporter.query.window import window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.exporter.answers.facts import Facts

Row = dict[str, Any]
DAY = window("2026-01-05", "2026-01-06", now_ns=0)
AGENTS = ("triage", "research", "writer", "critic")


def runs(dice: random.Random, count: int) -> list[Row]:
    """Return runs of every outcome, some priced in part, some inside another."""
    return [_run(dice, number) for number in range(count)]


def _run(dice: random.Random, number: int) -> Row:
    agents = dice.sample(AGENTS, dice.randint(1, 4))
    outcome = dice.choice(["success", "success", "failure", "cancelled", "running", "lost"])
    unpriced = dice.choice([0, 0, 1])
    row: Row = {
        "run_id": f"run-{number}",
        "parent_run_id": "run-0" if dice.random() < 0.1 else "",
        "workflow": dice.choice(["report", "review"]),
        "agents": sorted(agents),
        "path": " > ".join(agents),
        "outcome": outcome,
        "cost_usd": dice.choice([None, f"0.{dice.randint(1, 10**12 - 1):012d}"]),
        "unpriced_calls": unpriced,
    }
    if outcome not in ("running", "lost"):
        row["ended_at"] = at(dice.randint(1, 10**8) / 1e6)
    return row


def calls(dice: random.Random, count: int) -> list[Row]:
    """Return LLM calls, some without price, model or usage."""
    return [_call(dice, number) for number in range(count)]


def _call(dice: random.Random, number: int) -> Row:
    cost = dice.choice([None, f"0.{dice.randint(1, 10**12 - 1):012d}"])
    return {
        "span_id": f"call-{number}",
        "run_id": f"run-{dice.randint(0, 20)}",
        "agent": dice.choice(AGENTS),
        "model": dice.choice(["", "gpt-4o", "claude"]),
        "input_tokens": dice.choice([None, dice.randint(0, 5000)]),
        "output_tokens": dice.choice([None, dice.randint(0, 500)]),
        "cache_read_tokens": dice.choice([None, 0, dice.randint(0, 100)]),
        "cost_usd": cost,
        "unknown_reason": "" if cost else dice.choice(["no price", "no usage"]),
    }


def wilson(k: int, n: int) -> tuple[float, float] | tuple[None, None]:
    """Return Wilson's interval as the textbook writes it: p, z and a root."""
    if n == 0:
        return None, None
    z, p = NormalDist().inv_cdf(0.975), k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def quantile(values: Iterable[float], percent: int) -> float | None:
    """Return the quantile by Python's own statistics module."""
    found = list(values)
    if len(found) < 2:
        return found[0] if found else None
    return quantiles(found, n=100, method="inclusive")[percent - 1]


def grouped(rows: Iterable[Row], by: str) -> dict[str, list[Row]]:
    """Return rows by group; a run stands in the group of each of its agents."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        names = row["agents"] if by == "agent" and "agents" in row else [row.get(by, "")]
        for name in names:
            groups[name].append(row)
    return groups


def success(rows: list[Row]) -> Row:
    """Recount workflow_success_ratio."""
    won = sum(row["outcome"] == "success" for row in rows)
    n = won + sum(row["outcome"] == "failure" for row in rows)
    low, high = wilson(won, n)
    ratio = won / n if n else None
    return {"workflow_success_ratio": ratio, "n": n, "low": low, "high": high}


def duration(rows: list[Row]) -> Row:
    """Recount workflow_duration_s, from the times themselves."""
    seconds = [_seconds(row["ended_at"]) for row in rows if "ended_at" in row]
    return {
        "duration_p50_s": quantile(seconds, 50),
        "duration_p95_s": quantile(seconds, 95),
        "duration_mean_s": sum(seconds) / len(seconds) if seconds else None,
        "n": len(seconds),
    }


def _seconds(ended_at: str) -> float:
    minutes, seconds = ended_at.removeprefix("2026-01-05T09:").removesuffix("Z").split(":")
    return 60 * int(minutes) + float(seconds)


def agents(rows: list[Row]) -> Row:
    """Recount agents_per_workflow."""
    counts = [len(row["agents"]) for row in rows if "ended_at" in row]
    mean = sum(counts) / len(counts) if counts else None
    most = max(counts, default=None)
    return {"agents_mean": mean, "agents_max": most, "agents_p90": quantile(counts, 90)}


def cost(rows: list[Row]) -> Row:
    """Recount cost_usd."""
    counted = [row for row in rows if _counts(row)]
    priced = [Decimal(row["cost_usd"]) for row in counted if row["cost_usd"]]
    return {"cost_usd": sum(priced) if priced else None, "n": len(counted)}


def coverage(rows: list[Row]) -> Row:
    """Recount cost_coverage_ratio."""
    counted = [row for row in rows if _counts(row)]
    priced, n = sum(row["cost_usd"] is not None for row in counted), len(counted)
    low, high = wilson(priced, n)
    ratio = priced / n if n else None
    return {"cost_coverage_ratio": ratio, "n": n, "low": low, "high": high}


def _counts(call: Row) -> bool:
    said = (call["cost_usd"], call["input_tokens"], call["output_tokens"])
    return call["model"] != "" or any(one is not None for one in said)


def tokens(rows: list[Row]) -> Row:
    """Recount tokens and the cache's share, over all and over runs."""
    say = [r for r in rows if None not in (r["input_tokens"], r["cache_read_tokens"])]
    ratios = [_hit_ratio(of_run) for of_run in grouped(say, "run_id").values()]
    known = [ratio for ratio in ratios if ratio is not None]
    given = [row["input_tokens"] for row in rows if row["input_tokens"] is not None]
    return {
        "input_tokens": sum(given) if given else None,
        "cache_hit_ratio": _hit_ratio(say),
        "cache_hit_p50_ratio": quantile(known, 50),
        "cache_hit_runs_n": len(known),
        "n": len(given),
    }


def _hit_ratio(rows: list[Row]) -> float | None:
    given = sum(row["input_tokens"] for row in rows)
    return sum(row["cache_read_tokens"] for row in rows) / given if given else None


RECOUNTS: dict[str, tuple[str, Callable[[list[Row]], Row]]] = {
    "workflow_success_ratio": ("runs", success),
    "workflow_duration_s": ("runs", duration),
    "agents_per_workflow": ("runs", agents),
    "cost_usd": ("llm_calls", cost),
    "cost_coverage_ratio": ("llm_calls", coverage),
    "tokens": ("llm_calls", tokens),
}


ASKED = [
    (name, by)
    for name in RECOUNTS
    for by in ("total", "workflow", "agent", "model")
    if by in kpi.find(name).groupings
]


@pytest.mark.parametrize(("name", "by"), ASKED)
def test_a_kpi_is_what_plain_python_counts(name: str, by: str, facts: Facts) -> None:
    """Two ways to the same number; the seed is fixed, the facts are not chosen."""
    table, recount = RECOUNTS[name]
    dice = random.Random(f"{name} {by}")  # noqa: S311 - a dice, not a secret
    made = runs(dice, 200) if table == "runs" else calls(dice, 300)
    facts.insert(table, *made)
    top = [row for row in made if not row.get("parent_run_id")]

    answer = kpi.answer(facts.connection, name, DAY.since_ns, DAY.until_ns, by)

    found = {row["group"]: row for row in answer}
    expected = grouped(top, by) if by != "total" else {"": top}
    assert found.keys() == expected.keys()
    for group, rows in expected.items():
        for measure, value in recount(rows).items():
            assert found[group][measure] == _near(value), (group, measure)


def _near(value: object) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value


def test_patterns_share_all_ended_runs(facts: Facts) -> None:
    """The shares of all patterns are one; each counts its own runs."""
    made = [row for row in runs(random.Random(4), 300) if not row["parent_run_id"]]  # noqa: S311
    facts.insert("runs", *made)
    ended = [row for row in made if "ended_at" in row]

    answer = kpi.answer(
        facts.connection, "workflow_patterns", DAY.since_ns, DAY.until_ns, "pattern"
    )

    expected = grouped(ended, "path")
    assert {row["group"]: row["runs_n"] for row in answer} == {
        path: len(of_path) for path, of_path in expected.items()
    }
    assert sum(row["share"] for row in answer) == pytest.approx(1)
    for row in answer:
        assert row["n"] == len(ended)
        assert (row["low"], row["high"]) == pytest.approx(wilson(row["runs_n"], len(ended)))
        known = [
            Decimal(one["cost_usd"])
            for one in expected[row["group"]]
            if one["cost_usd"] and not one["unpriced_calls"]
        ]
        assert row["cost_n"] == len(known)
        if known:
            # ClickHouse cuts a quotient of Decimals after the twelfth digit.
            assert 0 <= sum(known) / len(known) - row["cost_mean_usd"] < Decimal("1e-12")
        else:
            assert row["cost_mean_usd"] is None
