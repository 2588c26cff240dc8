"""Facts on coordination, critical paths and completeness (kpis.md), on real statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.exporter.span_trees import (
    Node,
    agent,
    handoff,
    llm,
    span,
    store,
    tool,
    trace,
    workflow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.exporter.computed import Facts

SECOND_NS = 10**9


def long_handoff(start: float, end: float, inside: Sequence[Node] = ()) -> Node:
    """Return a handoff that takes its time."""
    return Node("handoff", start, end, {"handoff_source": "a", "handoff_target": "b"}, inside)


COORDINATION: list[tuple[list[Node], float, float | None]] = [
    ([agent("a", 0, 10, [llm(1, 4, tokens=1), tool("t", 5, 9)])], 10, 0),
    ([agent("a", 2, 9, [tool("t", 5, 9)])], 10, 3),
    ([agent("a", 0, 10, [span("plan", 1, 4, [llm(2, 3)]), tool("t", 5, 9)])], 10, 3),
    ([agent("a", 0, 10, [llm(1, 3), handoff("a", "b", 4), tool("t", 5, 9)])], 10, 2.1),
    ([agent("a", 0, 10, [llm(1, 3), tool("t", 3, 4), handoff("a", "b", 5)])], 10, 0.1),
    ([agent("a", 0, 10, [llm(1, 3), tool("ask", 4, 9, [agent("b", 5, 9)])])], 10, 2),
    ([agent("a", 0, 10, [long_handoff(1, 9, [agent("b", 2, 8, [llm(2, 8)])])])], 10, 2),
    ([agent("a", 0, 10, [llm(1, 3), tool("t", 4, 5)], agent_type="router")], 10, 2),
    ([agent("a", 0, 10, [span("human", 1, 5), span("plan", 4, 8), llm(8, 9)])], 6, 3),
    ([agent("a", 0, 6), agent("b", 2, 8)], 14, 2),
    ([agent("a", 0, 4), span("human", 4, 9)], 5, 1),
    ([span("plan", 0, 10)], 10, None),
    ([agent("a", 0, 10, [span("plan", 0, 10)])], 10, None),
]
"""What is in a run of 10 s, its agents' time, and how much of that is coordination."""


def test_what_is_coordination(facts: Facts) -> None:
    """Plans, handoffs, calls that only hand over or whose agent routes, and uncovered gaps."""
    for number, (children, _, _) in enumerate(COORDINATION):
        store(facts.connection, trace(f"t{number:02}", workflow("w", 0, 10, children)))
    facts.compute([f"t{number:02}" for number, _ in enumerate(COORDINATION)])
    assert facts.rows("runs", "run_id", "agent_time_ns / 1e9", "coordination_ns / 1e9") == [
        (f"t{number:02}", agent_s, coordination_s)
        for number, (_, agent_s, coordination_s) in enumerate(COORDINATION)
    ]


def test_calls_say_whether_they_coordinate(facts: Facts) -> None:
    """Tokens are split the same way as time."""
    inside = [llm(1, 2, tokens=1), handoff("a", "b", 3), span("plan", 4, 6, [llm(4, 5, tokens=1)])]
    work = [*inside, llm(7, 8, tokens=1)]
    facts.add(trace("t1", workflow("w", 0, 10, [agent("a", 0, 9, work)])))
    assert facts.rows("llm_calls", "span_id", "coordination") == [
        ("0003", True),
        ("0006", True),
        ("0007", False),
    ]


def test_a_run_is_active_while_no_person_is_asked(facts: Facts) -> None:
    """Two people asked at once make it wait once; a wait beyond the end does not count."""
    waits = [span("human", 1, 4), span("human", 2, 5), span("human", 9, 20)]
    facts.add(trace("t1", workflow("w", 0, 10, waits)))
    assert facts.run("t1")["active_ns"] == 5 * SECOND_NS


def test_a_handoff_that_is_given_back_at_once_is_ping_pong(facts: Facts) -> None:
    """Only pass_control, and only the very next handoff of the run."""
    edges = [("a", "b"), ("b", "a"), ("a", "c"), ("c", "b"), ("b", "c")]
    children = [handoff(*edge, start) for start, edge in enumerate(edges)]
    children[3].says["handoff_mode"] = "return_to_caller"
    facts.add(trace("t1", workflow("w", 0, 10, children)))
    assert facts.rows("handoffs", "span_id", "ping_pong") == [
        ("0002", True),
        ("0003", False),
        ("0004", False),
        ("0005", False),
        ("0006", False),
    ]


PATHS: list[tuple[list[Node], dict[tuple[str, str], float]]] = [
    ([], {("workflow", "w"): 10}),
    ([agent("a", 1, 9)], {("workflow", "w"): 2, ("agent", "a"): 8}),
    ([agent("a", 0, 6), agent("b", 2, 10)], {("agent", "b"): 8, ("workflow", "w"): 2}),
    ([agent("a", 0, 10, [tool("t", 2, 5)])], {("agent", "a"): 7, ("tool", "t"): 3}),
    ([agent("a", 0, 4), agent("b", 4, 10)], {("agent", "a"): 4, ("agent", "b"): 6}),
    (
        [agent("a", 0, 10, [tool("ask", 1, 9, [agent("b", 2, 8, [llm(3, 4)])])])],
        {("agent", "a"): 4, ("agent", "b"): 6},
    ),
    (
        [long_handoff(0, 1, [agent("b", 1, 9)]), span("human", 9, 10, human_reason="ok")],
        {("handoff", "a > b"): 1, ("agent", "b"): 8, ("human", "ok"): 1},
    ),
    ([agent("a", -5, 15)], {("agent", "a"): 10}),
    (
        [agent("a", 2, 8), tool("t", 1, 2)],
        {("workflow", "w"): 3, ("agent", "a"): 6, ("tool", "t"): 1},
    ),
]
"""What is in a run of 10 s, and the seconds of its critical path."""


def test_the_critical_path_of_a_run(facts: Facts) -> None:
    """From the end backwards: the child that ended last; what is left is the span's own."""
    for number, (children, _) in enumerate(PATHS):
        store(facts.connection, trace(f"t{number:02}", workflow("w", 0, 10, children)))
    facts.compute([f"t{number:02}" for number, _ in enumerate(PATHS)])
    found: list[dict[tuple[str, str], float]] = [{} for _ in PATHS]
    for run_id, part, name, own_ns in facts.rows(
        "critical_paths", "run_id", "part", "name", "critical_ns"
    ):
        of_run = found[int(run_id[1:])]
        of_run[part, name] = of_run.get((part, name), 0) + own_ns / 1e9
    assert found == [path for _, path in PATHS]


def test_a_fragment_has_no_critical_path_beside_that_of_its_run(facts: Facts) -> None:
    """What a lost span held is waited for once: the rows of a run sum to its length."""
    lost = agent("gone", 1, 8, [agent("b", 2, 7), workflow("v", 2, 7)]).lost()
    facts.add(trace("t1", workflow("w", 0, 10, [lost])))
    assert facts.rows("critical_paths", "name", "critical_ns") == [("w", 10 * SECOND_NS)]


def test_two_that_ended_together_are_always_told_apart_in_the_same_way(facts: Facts) -> None:
    """The order in which rows are read must not change a number."""
    rows = trace("t1", workflow("w", 0, 10, [agent("a", 5, 20), agent("b", 5, 15)]))
    for name, spans in (("t1", rows), ("t2", rows[::-1])):
        facts.add([row | {"trace_id": name} for row in spans])
    assert facts.rows("critical_paths", "trace_id", "name", "critical_ns") == [
        (trace_id, name, 5 * SECOND_NS) for trace_id in ("t1", "t2") for name in ("b", "w")
    ]


def test_ten_thousand_steps_one_after_another_are_all_on_the_path(facts: Facts) -> None:
    """And parallel ones that ended earlier are not."""
    steps = [tool("t", n, n + 1) for n in range(10_000)]
    beside = [tool("beside", n, n + 0.5) for n in range(10_000)]
    facts.add(trace("t1", agent("a", 0, 10_000, [*steps, *beside])))
    assert facts.rows("critical_paths", "DISTINCT name") == [("t",)]
    assert facts.rows("critical_paths", "sum(critical_ns)") == [(10_000 * SECOND_NS,)]


def test_a_run_says_which_parents_are_missing_and_which_traces_have_two_roots(
    facts: Facts,
) -> None:
    """A trace with holes gives KPIs with holes: people must see it."""
    lost = agent("gone", 1, 8, [llm(2, 3), llm(3, 4)]).lost()
    facts.add(trace("t1", workflow("w", 0, 9, [lost, tool("t", 1, 2)])))
    facts.add(trace("t2", workflow("w", 0, 9), workflow("v", 0, 9)))
    assert facts.rows("runs", "run_id", "parents_missing", "multi_root_traces") == [
        ("t1", 2, []),
        ("t2", 0, ["t2"]),
        ("t2-0002", 0, ["t2"]),
    ]
