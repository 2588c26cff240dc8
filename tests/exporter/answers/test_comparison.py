"""Comparisons: with the window before, of runs with a run, and of groups."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exporter.answers import team
from tests.exporter.answers.facts import at
from tests.truth import numbers

from handspan_exporter.query import kpi
from handspan_exporter.query.alignment import aligned
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.query.comparison import Group
from handspan_exporter.query.intervals import Sample, student, welch, wilson
from handspan_exporter.query.period import beside, earlier
from handspan_exporter.query.window import Window, window
from handspan_exporter.store.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exporter.answers.facts import Facts

    from handspan_exporter.query.answers import Answers

DAY = window("2026-01-05", "2026-01-06", now_ns=0)
NEXT = window("2026-01-06", "2026-01-07", now_ns=0)
DAY_S = 86_400


@pytest.fixture(scope="module")
def answers(store: Facts) -> Iterator[Answers]:
    """Answers about the team, and about 40 runs of another workflow on two days."""
    team.insert(store)
    store.insert("runs", *(_mail(day, number) for day in (0, 1) for number in range(20)))
    store.insert("agent_runs", *(_agent_run(number) for number in range(12)))
    store.insert("ratings", *(_rating(day, quality) for day, quality in _RATED))
    answers = DirectAnswers(connect(store.dsn, settings=LIMITS))
    yield answers
    answers.close()


def _mail(day: int, number: int) -> dict[str, Any]:
    """On the first day 10 of 20 succeed and take 1 or 2 s; on the second 19, and 2 or 4 s."""
    began, lasted = 100 + number + day * DAY_S, (1 + number % 2) * (1 + day)
    succeeded = number < (19 if day else 10)
    return {
        "workflow": "mail",
        "started_at": at(began),
        "ended_at": at(began + lasted),
        "outcome": "success" if succeeded else "failure",
        "cost_usd": "0.01" if day else "0.02",
        "unpriced_calls": number == 19,
    }


def _agent_run(number: int) -> dict[str, Any]:
    version = "1.1" if number % 2 else "1.0"
    known = {"agent": "sender", "agent_version": version, "outcome": "success"}
    return known | {"started_at": at(100), "ended_at": at(101 + number), "workflow": "mail"}


_RATED = ((0, 1), (0, 2), (0, 2), (1, 3), (1, 4), (1, 5), (1, 5))


def _rating(day: int, quality: int) -> dict[str, Any]:
    moment = at(100 + day * DAY_S)
    return {"agent": "sender", "quality": quality, "started_at": moment, "ended_at": moment}


def test_a_share_is_compared_with_the_window_before(answers: Answers) -> None:
    """19 of 20 after 10 of 20: Newcombe's interval of +45 points, computed by hand."""
    asked = {"filters": {"workflow": ["mail"]}, "compare": "previous"}
    answer = answers.kpi("workflow_success_ratio", NEXT, **asked)  # type: ignore[arg-type]
    (row,) = answer["rows"]

    assert answer["before"]["since"].startswith("2026-01-05T00:00:00")
    assert (row["workflow_success_ratio"], row["before_workflow_success_ratio"]) == (0.95, 0.5)
    assert (row["n"], row["before_n"]) == (20, 20)
    assert row["change_workflow_success_ratio"] == pytest.approx(0.45)
    # Wilson: 0.95 in (0.76387, 0.99112), 0.5 in (0.29930, 0.70070).
    low = 0.45 - math.hypot(0.95 - 0.763868, 0.700702 - 0.5)
    high = 0.45 + math.hypot(0.991119 - 0.95, 0.5 - 0.299298)
    assert (row["change_low"], row["change_high"]) == pytest.approx((low, high), abs=1e-5)


def test_a_group_that_is_gone_stands_at_the_end(answers: Answers) -> None:
    """What is no longer there is a change, too; and what is new has no before."""
    compared = answers.kpi("workflow_success_ratio", NEXT, by="workflow", compare="previous")
    rows = {row["group"]: row for row in compared["rows"]}

    assert list(rows) == ["mail", "report"]
    gone = rows["report"]
    assert (gone["n"], gone["before_n"], gone["reason"]) == (0, 2, "not in the window")
    assert gone["change_workflow_success_ratio"] is None
    earlier_day = answers.kpi("workflow_success_ratio", DAY, by="workflow", compare="previous")
    assert {row["change_reason"] for row in earlier_day["rows"]} == {"before: not in the window"}


def test_what_has_no_interval_says_so(answers: Answers) -> None:
    """A sum's change is a number, and no more than that."""
    answer = answers.kpi("cost_usd", NEXT, by="total", compare="1d")
    (row,) = answer["rows"]

    assert row["change_cost_usd"] is None
    assert row["change_reason"] == "no LLM call in the window"
    mail = {"workflow": ["mail"]}
    asked = {"compare": "1d", "filters": mail}
    (row,) = answers.kpi("coordination_overhead_ratio", NEXT, **asked)["rows"]  # type: ignore[arg-type]
    assert (row["change"], row["change_low"]) == (None, None)
    (row,) = answers.kpi("agents_per_workflow", NEXT, **asked)["rows"]  # type: ignore[arg-type]
    assert (row["change_low"], row["change_reason"]) == (None, "no value differs")


def test_times_are_compared_by_a_factor(answers: Answers) -> None:
    """2 or 4 s after 1 or 2 s is twice as long; the interval is the engine's own Welch test."""
    asked = {"compare": "previous", "filters": {"workflow": ["mail"]}}
    (row,) = answers.kpi("workflow_duration_s", NEXT, **asked)["rows"]  # type: ignore[arg-type]
    groups = answers.compare_groups(Group(DAY), Group(NEXT), filters={"workflow": ["mail"]})
    (judged,) = (one for one in groups["measures"] if one["measure"].startswith("duration"))

    assert row["change_duration_p50_s"] == pytest.approx(1.5)
    assert (row["change_of"], row["change_is"]) == ("duration_geometric_mean_s", "factor")
    assert row["change"] == pytest.approx(2)
    for mine, theirs in (("change_low", "low"), ("change_high", "high")):
        assert row[mine] == pytest.approx(judged[theirs], rel=1e-9)
    assert row["change_reason"] == ""


def test_means_are_compared_by_welch(answers: Answers) -> None:
    """Ratings of 3, 4, 5, 5 after 1, 2, 2: the interval of the difference, as the textbook's."""
    asked = {"by": "agent", "compare": "previous", "filters": {"agent": ["sender"]}}
    (row,) = answers.kpi("quality_rating", NEXT, **asked)["rows"]  # type: ignore[arg-type]
    true = numbers.welch([3, 4, 5, 5], [1, 2, 2])

    assert (row["change_of"], row["change_is"]) == ("quality_mean", "difference")
    assert row["change"] == row["change_quality_mean"]
    assert (row["change"], row["change_low"], row["change_high"]) == pytest.approx(true)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [
        (1, 12.7062047364),
        (2, 4.3026527299),
        (5, 2.5705818366),
        (30, 2.0422724563),
        (1e6, 1.9599664),
    ],
)
def test_students_quantiles_are_those_of_the_tables(freedom: float, quantile: float) -> None:
    """An interval of few values is wide; one of many is the normal one."""
    assert student(freedom) == pytest.approx(quantile, rel=3e-7)
    assert student(freedom + 0.4) == pytest.approx(numbers.student(0.975, freedom + 0.4))


def test_a_mean_without_spread_or_of_one_value_has_no_interval() -> None:
    """Two values on one side and one on the other are three, and still no test."""
    assert welch(Sample(1.0, 0.5, 2), Sample(1.0, 0.0, 1)) is None
    assert welch(Sample(1.0, 0.0, 9), Sample(2.0, 0.0, 9)) is None
    assert welch(Sample(1.0, 0.0, 9), Sample(2.0, 0.1, 9)) is not None


def test_the_window_before_is_as_long() -> None:
    """`previous` touches it; a length moves it."""
    assert earlier(NEXT, "previous") == DAY
    assert earlier(NEXT, "1d") == DAY
    moved = earlier(NEXT, "7d")
    assert NEXT.since_ns - moved.since_ns == 7 * DAY_S * 10**9
    assert moved.until_ns - moved.since_ns == NEXT.until_ns - NEXT.since_ns


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_the_interval_of_a_change_holds_the_change(n: int, m: int, data: st.DataObject) -> None:
    """And lies within what a difference of shares can be."""
    success = kpi.find("workflow_success_ratio")
    rows = []
    for total in (n, m):
        k = data.draw(st.integers(0, total))
        low, high = wilson(k, total)
        shown: dict[str, Any] = {"group": "", success.headline: k / total, "n": total}
        rows.append(shown | {"low": low, "high": high, "reason": ""})
    (row,) = beside(success, rows[:1], rows[1:])

    ends = [row["change_low"], row[f"change_{success.headline}"], row["change_high"]]
    assert sorted(ends) == ends
    assert max(map(abs, ends)) <= 1 + 1e-9


def test_groups_are_windows(answers: Answers) -> None:
    """This day against the day before: success as a difference, the rest as factors."""
    compared = answers.compare_groups(Group(DAY), Group(NEXT), filters={"workflow": ["mail"]})
    measures = {one["measure"]: one for one in compared["measures"]}

    assert (compared["of"], compared["a"]["runs"], compared["b"]["runs"]) == ("runs", 20, 20)
    success = measures["success_ratio"]
    assert (success["change_is"], success["change"]) == ("difference", pytest.approx(0.45))
    assert success["low"] > 0
    duration = measures["duration_s_geometric_mean"]
    assert (duration["a"], duration["b"]) == pytest.approx((math.sqrt(2), 2 * math.sqrt(2)))
    # Twice as long, exactly; Welch's interval with 38 degrees of freedom: t = 2.02439.
    half = 2.024394 * math.sqrt(2 * (math.log(2) / 2) ** 2 / 19)
    assert duration["change"] == pytest.approx(2)
    interval = (2 * math.exp(-half), 2 * math.exp(half))
    assert (duration["low"], duration["high"]) == pytest.approx(interval, rel=1e-4)
    cost = measures["cost_usd_geometric_mean"]
    assert (cost["a_n"], cost["b_n"], cost["change"]) == (19, 19, pytest.approx(0.5))
    # Equal costs leave nothing unsure but the last digits of a logarithm.
    assert (cost["low"], cost["high"]) == pytest.approx((0.5, 0.5), abs=1e-6)
    assert measures["tokens_geometric_mean"]["reason"] == "group A has no run where it is known"


def test_groups_are_versions_of_an_agent(answers: Answers) -> None:
    """Then agent runs are compared, whether or not their runs are."""
    versions = Group(DAY, ["1.0"]), Group(DAY, ["1.1"])
    compared = answers.compare_groups(*versions, split="agent_version")
    duration = compared["measures"][1]

    assert compared["of"] == "agent_runs"
    assert (duration["a_n"], duration["b_n"]) == (6, 6)
    assert duration["change"] == pytest.approx(
        (2 * 4 * 6 * 8 * 10 * 12 / (1 * 3 * 5 * 7 * 9 * 11)) ** (1 / 6)
    )
    assert duration["low"] < 1 < duration["high"]


def test_an_empty_group_is_unknown_with_its_reason(answers: Answers) -> None:
    """Never 0."""
    nobody = Group(DAY, ["nobody"])
    compared = answers.compare_groups(nobody, Group(DAY), split="workflow")

    assert {one["change"] for one in compared["measures"]} == {None}
    assert all(one["reason"] for one in compared["measures"])


def test_runs_part_where_the_first_difference_is(answers: Answers) -> None:
    """As deep as it goes: the failed run has nothing below its root."""
    compared = answers.compare_runs([team.RUN, team.FAILED])["comparisons"][0]

    assert compared["outcome"] == {"a": "success", "b": "failure"}
    assert compared["spans"] == {"both": 1, "only_a": 6, "only_b": 0, "left_out": 0}
    assert compared["divergence"]["path"] == ["workflow report", "agent triage", "tool search"]
    assert compared["divergence"]["what"] == "only in A"
    assert compared["numbers"]["change"]["duration_ns"] == -1_000_000_000
    assert compared["numbers"]["change"]["cost_usd"] is None
    assert compared["numbers"]["reasons"]["cost_usd"] == "1 calls in A have no price"
    triage = compared["agents"][-1]
    assert (triage["agent"], triage["b"]) == ("triage", None)


def test_a_run_does_not_differ_from_itself(answers: Answers) -> None:
    """Whatever is in it."""
    compared = answers.compare_runs([team.RUN, team.RUN])["comparisons"][0]

    assert compared["divergence"] is None
    assert compared["spans"]["both"] == 7


def _span(label: str, depth: int, outcome: str = "success") -> dict[str, Any]:
    return {"kind": "tool", "tool": label, "name": "", "depth": depth, "outcome": outcome}


def _told(a: str, b: str) -> list[tuple[str, str]]:
    """Align children named by the letters of `a` and `b` under one root."""
    roots = ([_span("root", 0), *(_span(one, 1) for one in side)] for side in (a, b))
    left, right = roots
    pairs = list(aligned(left, right))[1:]
    return [(pair.a["tool"] if pair.a else "", pair.b["tool"] if pair.b else "") for pair in pairs]


def test_an_extra_step_shifts_nothing_behind_it() -> None:
    """A retry in the middle is one line of difference."""
    assert _told("abcd", "abxcd") == [("a", "a"), ("b", "b"), ("", "x"), ("c", "c"), ("d", "d")]
    assert _told("abcd", "acd") == [("a", "a"), ("b", ""), ("c", "c"), ("d", "d")]


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_an_alignment_loses_no_span(a: str, b: str) -> None:
    """Every span of each side once, in order; pairs are alike."""
    told = _told(a, b)

    assert "".join(one for one, _ in told) == a
    assert "".join(one for _, one in told) == b
    assert all(one == other for one, other in told if one and other)


def test_thousands_of_siblings_are_aligned_in_time() -> None:
    """A loop of 10,000 calls against one of 9,999 others: pairs in their order."""
    pairs = _told("x" + "ab" * 5000 + "y", "ba" * 5000)

    assert sum(bool(one and other) for one, other in pairs) == 10_000


def test_a_window_is_compared_to_the_nanosecond() -> None:
    """[since, until) of 1 ns has a window before it."""
    assert earlier(Window(10, 11), "previous") == Window(9, 10)
