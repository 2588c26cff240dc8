"""Facts on faults, people, checks, ratings, budgets, numbers and tasks: each rule on real spans."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.exporter.span_trees import Node, agent, llm, span, store, tool, trace, workflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.exporter.computed import Facts

SECOND_NS = 10**9
SHOWN = ("target", "injected", "outcome", "recovered_by", "recovery_ns")


def fault(at_s: float, target: str, fault_id: str = "f", **says: Any) -> Node:  # noqa: ANN401
    """Return a fault that lasts no time."""
    said = {"fault_type": "timeout", "fault_target": target, "fault_id": fault_id, **says}
    return span("fault", at_s, at_s, **said)


def recovery(start: float, end: float, fault_id: str = "", *, success: bool | None = True) -> Node:
    """Return an attempt to overcome a fault."""
    said = {"recovery_fault_id": fault_id, "recovery_success": success}
    return Node("recovery", start, end, {"recovery_strategy": "retry", **said})


OVERCOME: list[tuple[list[Node], str, str, float | None]] = [
    ([recovery(3, 5, "f")], "recovered", "recovery", 3),
    ([recovery(3, 4, "f", success=False), recovery(5, 6, "f")], "recovered", "recovery", 4),
    ([recovery(3, 5)], "recovered", "recovery", 3),
    ([recovery(3, 5, "other")], "unrecovered", "", None),
    ([recovery(3, 5, "f", success=None)], "unrecovered", "", None),
    ([tool("search", 4, 6)], "recovered", "success", 4),
    ([tool("search", 1, 6)], "unrecovered", "", None),
    ([tool("search", 4, 6, status="Error")], "unrecovered", "", None),
    ([tool("other", 4, 6)], "unrecovered", "", None),
    ([tool("search", 4, 6), recovery(3, 8, "f")], "recovered", "recovery", 6),
    ([agent("b", 3, 7, [tool("search", 4, 6)])], "unrecovered", "", None),
    ([], "unrecovered", "", None),
]
"""What follows a fault at 2 s, its outcome, by what, and after how many seconds."""


def test_what_overcomes_a_fault(facts: Facts) -> None:
    """A recovery that says so, or a later success of the same target by the same agent."""
    for number, (inside, *_) in enumerate(OVERCOME):
        work = agent("a", 0, 9, [fault(2, "search"), *inside])
        failed = workflow("w", 0, 10, [work], status="Error")
        store(facts.connection, trace(f"t{number:02}", failed))
    facts.compute([f"t{number:02}" for number, _ in enumerate(OVERCOME)])
    injected = (row[1:] for row in facts.rows("faults", "run_id", *SHOWN) if row[2])
    assert list(injected) == [
        ("search", True, outcome, by, None if after_s is None else after_s * SECOND_NS)
        for _, outcome, by, after_s in OVERCOME
    ]


def test_a_run_that_succeeds_has_recovered_from_its_faults(facts: Facts) -> None:
    """Nobody has to record recoveries to get credit for them; a deadline holds all the same."""
    late = fault(2, "search", "g", fault_deadline_s=7.5, fault_severity=3.0)
    facts.add(trace("t1", workflow("w", 0, 10, [agent("a", 0, 9, [fault(2, "search"), late])])))
    columns = ("fault_id", "recovered_by", "recovery_ns", "within_deadline", "severity")
    assert facts.rows("faults", *columns) == [
        ("f", "run", 8 * SECOND_NS, True, 1.0),
        ("g", "run", 8 * SECOND_NS, False, 3.0),
    ]


def test_a_fault_of_a_run_that_has_not_ended_is_open(facts: Facts) -> None:
    """It may still be overcome: it is in no ratio."""
    root, *rest = trace("t1", workflow("w", 0, 10, [agent("a", 0, 9, [fault(2, "search")])]))
    facts.add(rest)
    assert facts.rows("faults", "outcome", "within_deadline") == [("open", None)]
    facts.add([root])
    assert facts.rows("faults", "outcome", "within_deadline") == [("recovered", True)]


def test_a_fault_overcome_counts_once_its_run_has_ended(facts: Facts) -> None:
    """Counting those that are overcome before those that are not would flatter every open run."""
    inside = [fault(2, "search"), recovery(3, 5, "f")]
    root, *rest = trace("t1", workflow("w", 0, 10, [agent("a", 0, 9, inside)]))
    facts.add(rest)
    columns = ("outcome", "recovered_by", "recovery_ns")
    assert facts.rows("faults", *columns) == [("open", "recovery", None)]
    facts.add([root])
    assert facts.rows("faults", *columns) == [("recovered", "recovery", 3 * SECOND_NS)]


def test_errors_of_tools_and_models_are_real_faults(facts: Facts) -> None:
    """Chaos is not the only thing that goes wrong; a retry of the same model is a recovery."""
    inside = [
        llm(1, 2, tokens=1, status="Error", error_type="RateLimit"),
        llm(3, 4, tokens=1),
        tool("search", 5, 6, status="Error", error_type="Timeout"),
        tool("ask", 6, 8, [agent("b", 6, 7)], status="Error"),
    ]
    facts.add(trace("t1", workflow("w", 0, 10, [agent("a", 0, 9, inside)], status="Error")))
    assert facts.rows("faults", *SHOWN, "fault_type") == [
        ("own-model", False, "recovered", "success", 2 * SECOND_NS, "RateLimit"),
        ("search", False, "unrecovered", "", None, "Timeout"),
    ]


@pytest.mark.parametrize(
    "inside",
    [
        [tool("search", 1, 3, [fault(2, "search")], status="Error")],
        [
            span(
                "fault",
                1,
                3,
                [tool("search", 1, 3, status="Error")],
                fault_id="f",
                fault_target="search",
            )
        ],
    ],
)
def test_the_error_that_a_recorded_fault_causes_is_no_second_fault(
    facts: Facts, inside: Sequence[Node]
) -> None:
    """One injected timeout must not count once as injected and once as real."""
    facts.add(trace("t1", workflow("w", 0, 10, [agent("a", 0, 9, inside)])))
    assert facts.rows("faults", "target", "injected") == [("search", True)]


def test_the_call_around_a_fault_may_succeed_all_the_same(facts: Facts) -> None:
    """A delay that the tool survives is overcome when the tool is done."""
    work = tool("search", 1, 5, [fault(2, "search")])
    facts.add(trace("t1", workflow("w", 0, 10, [agent("a", 0, 9, [work])], status="Error")))
    assert facts.rows("faults", *SHOWN) == [("search", True, "recovered", "success", 3 * SECOND_NS)]


def test_a_recovery_without_a_name_belongs_to_the_newest_fault(facts: Facts) -> None:
    """Older logs pair them by order alone."""
    inside = [fault(1, "x", "f1"), fault(3, "y", "f2"), recovery(4, 5), fault(6, "z", "f3")]
    facts.add(trace("t1", workflow("w", 0, 10, [agent("a", 0, 9, inside)], status="Error")))
    assert facts.rows("faults", "fault_id", "outcome", "recovery_attempts", "strategy") == [
        ("f1", "unrecovered", 0, ""),
        ("f2", "recovered", 1, "retry"),
        ("f3", "unrecovered", 0, ""),
    ]


def test_waits_checks_budgets_numbers_and_tasks_are_facts(facts: Facts) -> None:
    """Each has its own narrow table, with who, where and when like every other."""
    inside = [
        span("human", 1, 3, human_reason="approve", human_priority="high", human_decision="denied"),
        span("validation", 3, 4, validation="tone", validation_role="critic", name="x"),
        span("validation", 4, 4, validation_result="pass", name="validate it"),
        span("budget", 5, 5, budget_scope="workflow", budget_limit_usd=Decimal(2)),
        span("budget", 6, 6, budget="day", budget_scope="day", budget_state="exceeded"),
        span("metric", 6, 6, metric="turns", metric_value=-2.5),
        span("metric", 6, 6, metric="no number"),
        span("session", 6, 6, session_cpu_ratio=0.5, session_memory_bytes=1024),
        span("decision", 6, 6, decision="queue", decision_choice="billing", decision_confidence=2),
        span("message", 6, 6, message_target="b", message_type="offer", message_payload_bytes=12),
        span("message", 7, 7, message_source="c"),
        span("task", 6, 7, task_id="t", attempt=2, task_estimated_cost_usd=Decimal("0.5")),
    ]
    said = {"project": "p", "user_id": "u"}
    facts.add(trace("t1", workflow("w", 0, 10, [agent("a", 0, 9, inside)], **said)))
    who = ("run_id", "agent_run", "agent", "workflow", "project", "user_id")
    said_tables = ("decisions", "messages")
    for table in (
        "human_waits",
        "validations",
        "budget_events",
        "run_metrics",
        "tasks",
        *said_tables,
    ):
        assert set(facts.rows(table, *who)) == {("t1", "0002", "a", "w", "p", "u")}, table
    assert facts.rows("human_waits", "reason", "priority", "decision", "duration_ns") == [
        ("approve", "high", "denied", 2 * SECOND_NS)
    ]
    assert facts.rows("validations", "validation", "role", "result") == [
        ("tone", "critic", ""),
        ("validate it", "", "pass"),
    ]
    assert facts.rows("budget_events", "budget", "pot", "limit_usd", "state") == [
        ("day", "", None, "exceeded"),
        ("workflow", "t1", 2, ""),
    ]
    assert facts.rows("run_metrics", "metric", "value") == [
        ("cpu_ratio", 0.5),
        ("memory_bytes", 1024.0),
        ("turns", -2.5),
    ]
    assert facts.rows("decisions", "decision", "choice", "confidence") == [
        ("queue", "billing", None)
    ]
    assert facts.rows("messages", "source", "target", "message_type", "payload_bytes") == [
        ("a", "b", "offer", 12),
        ("c", "", "", None),
    ]
    assert facts.rows("tasks", "task_id", "attempt", "outcome") == [("t", 2, "success")]
    assert facts.run("t1")["estimated_cost_usd"] == Decimal("0.5")


@pytest.mark.parametrize("rated_first", [True, False])
def test_a_rating_belongs_to_what_it_rates(facts: Facts, rated_first: bool) -> None:  # noqa: FBT001
    """It comes days later from a form, or is stored before the spans of a slow sender."""
    rated = trace("t1", workflow("w", 0, 9, [agent("a", 0, 5, task_type="fix")], workflow_id="w1"))
    link = {"rates_trace_id": "t1", "rates_span_id": "0002"}
    rating = trace("t2", Node("rating", 50, 50, {"rating_quality": 4, "agent": "form", **link}))
    for rows in (rated, rating) if rated_first else (rating, rated):
        facts.add(rows)
    columns = ("run_id", "agent_run", "agent", "workflow", "task_type", "quality")
    assert facts.rows("ratings", *columns) == [("w1", "0002", "a", "w", "fix", 4)]


def test_a_rating_may_name_a_run_or_nothing(facts: Facts) -> None:
    """Who has only the run's id can rate it; a quality off the scale is none."""
    facts.add(trace("t1", workflow("w", 0, 9, workflow_id="w1")))
    by_id = span("rating", 50, 50, rating_quality=9, rating_success=True, workflow_id="w1")
    facts.add(trace("t2", by_id))
    facts.add(trace("t3", span("rating", 60, 60, rating_quality=1, agent="b")))
    assert facts.rows("ratings", "run_id", "workflow", "agent", "quality", "success") == [
        ("", "", "b", 1, None),
        ("w1", "w", "", None, True),
    ]


def test_a_fact_whose_span_became_something_else_is_removed(facts: Facts) -> None:
    """A better mapping after an update must not leave the old reading beside the new one."""
    root, wait = trace("t1", workflow("w", 0, 9, [span("human", 1, 3)]))
    facts.add([root, wait])
    assert len(facts.rows("human_waits", "span_id")) == 1
    facts.add([wait | {"kind": "chain", "received_at": wait["received_at"] + 1}])
    assert facts.rows("human_waits", "span_id") == []
