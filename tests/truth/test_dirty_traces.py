"""Traces as they really come: each way of being dirty by itself, and the numbers stay true."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.truth import compare
from tests.truth.check import first_error, report
from tests.truth.history import SECOND_NS, History, Span
from tests.truth.question import Question
from tests.truth.scene import START_NS
from tests.truth.store import AFTERWARDS_NS

if TYPE_CHECKING:
    from tests.truth.history import Says
    from tests.truth.store import Store

HOUR_S = 3600
TRACE, OTHER = "a1" * 16, "b2" * 16


def span(kind: str, number: int, parent: int, start_s: float, end_s: float, **says: object) -> Span:
    """Return a span; parent 0 is none, times are seconds after the start."""
    said: Says = {"workflow_id": TRACE, **says}
    return Span(
        trace=TRACE,
        id=f"{number:016x}",
        parent=f"{parent:016x}" if parent else "",
        kind=kind,
        start_ns=START_NS + round(start_s * SECOND_NS),
        end_ns=START_NS + round(end_s * SECOND_NS),
        says=said,
        name=kind,
    )


def elsewhere(spans: list[Span], **says: object) -> list[Span]:
    """Return the spans as those of another trace, an hour later."""
    later = HOUR_S * SECOND_NS
    return [
        replace(
            one,
            trace=OTHER,
            start_ns=one.start_ns + later,
            end_ns=one.end_ns + later,
            says=one.says | {"workflow_id": OTHER} | says,
        )
        for one in spans
    ]


TEAM = [
    span("workflow", 1, 0, 0, 60, workflow="report", project="books", conversation_id="c1"),
    span("agent", 2, 1, 1, 20, agent="triage"),
    span("llm", 3, 2, 2, 8, agent="triage", model="our-own-model", input_tokens=10),
    span("handoff", 4, 2, 9, 10, agent="triage", source="triage", target="writer"),
    span("agent", 5, 1, 21, 59, agent="writer"),
    span("tool", 6, 5, 22, 30, agent="writer", tool="search"),
    span("human", 7, 5, 31, 50, agent="writer", human_reason="approve", decision="approved"),
]
ROOT, *REST = TEAM

DIRTY: dict[str, list[list[Span]]] = {
    "whole": [TEAM],
    "child first, span by span": [[one] for one in reversed(TEAM)],
    "every span twice": [TEAM, [*reversed(TEAM)], TEAM[2:4]],
    "a child hours late": [TEAM[:5], TEAM[5:]],
    "the root hours late": [REST, [ROOT]],
    "without its root": [REST],
    "without the agent in the middle": [[one for one in TEAM if one.id != REST[0].id]],
    "a child that began before its parent": [
        [*TEAM[:5], replace(TEAM[5], start_ns=START_NS - SECOND_NS), TEAM[6]]
    ],
    "a child that ended after its parent": [
        [*TEAM[:5], replace(TEAM[5], end_ns=START_NS + 90 * SECOND_NS), TEAM[6]]
    ],
    "a run of three days": [
        TEAM[1:],
        [replace(ROOT, end_ns=START_NS + 72 * HOUR_S * SECOND_NS)],
    ],
    "two workflows in one trace": [
        TEAM,
        [
            replace(one, id=f"f{one.id[1:]}", parent=one.parent and f"f{one.parent[1:]}")
            for one in TEAM
        ],
    ],
    "one workflow over two traces, by its id": [
        [replace(one, says=one.says | {"workflow_id": "order-7"}) for one in TEAM],
        elsewhere(TEAM, workflow_id="order-7"),
    ],
    "one workflow over two traces, by a link": [
        [replace(one, links=((TRACE, ROOT.id, "resumes"),)) for one in elsewhere([ROOT])]
        + elsewhere(REST),
        TEAM,
    ],
    "two runs of one conversation": [TEAM, elsewhere(TEAM)],
}


RUNS = {name: 2 if name.startswith("two ") else 1 for name in DIRTY}
"""How many runs each makes, said by hand: what only counts may err in the same way twice."""


def told_apart(name: str, number: int) -> History:
    """Return what is dirty in one way, with ids and a project of its own."""

    def own(trace: str) -> str:
        return f"{number:02x}{trace[2:]}"

    def renamed(one: Span) -> Span:
        said = one.says["workflow_id"]
        words = {"workflow_id": own(said) if said in (TRACE, OTHER) else f"{said}-{number}"}
        if one.kind == "workflow":
            words["project"] = name
        links = tuple((own(trace), other, why) for trace, other, why in one.links)
        return replace(one, trace=own(one.trace), says=one.says | words, links=links)

    requests = [[renamed(one) for one in request] for request in DIRTY[name]]
    return History(name, [one for request in requests for one in request], requests)


def test_dirty_traces_give_true_numbers(store: Store) -> None:
    """Days pass between two requests, and the processor begins anew."""
    histories = [told_apart(name, number) for number, name in enumerate(DIRTY, 16)]
    if (wrong := first_error(store, histories)) is not None:
        pytest.fail(report(store, histories, wrong))
    asked = Question("workflow_success_ratio", "project", 0, AFTERWARDS_NS)
    found = {group: row["n"] for group, row in compare.found(store.connection, asked).items()}
    # Nothing that is left of it says its project.
    assert found == {"" if name == "without its root" else name: RUNS[name] for name in RUNS}


def test_a_trace_of_30_000_spans_is_counted_whole(store: Store) -> None:
    """Children first and in parts, one of them twice: every call once, and one run."""
    store.clear()
    steps = range(10_000)
    agents = [span("agent", 3 * n + 2, 1, n, n + 1, agent="writer") for n in steps]
    words = {"model": "our-own-model", "input_tokens": 2, "output_tokens": 1}
    calls = [span("llm", 3 * n + 3, 3 * n + 2, n, n + 0.5, **words) for n in steps]
    tools = [span("tool", 3 * n + 4, 3 * n + 2, n + 0.5, n + 1, tool="search") for n in steps]
    root = span("workflow", 1, 0, 0, 10_000, workflow="report")
    for request in (calls, tools, calls[:100], agents, [root]):
        store.receive(request)
        store.tick(after_ns=SECOND_NS)
    store.settle()
    found = {
        kpi: compare.found(store.connection, Question(kpi, "total", 0, AFTERWARDS_NS))[""]
        for kpi in ("workflow_success_ratio", "tokens", "tool_error_ratio", "agent_performance")
    }
    assert {kpi: row["n"] for kpi, row in found.items()} == {
        "workflow_success_ratio": 1,
        "tokens": 10_000,
        "tool_error_ratio": 10_000,
        "agent_performance": 10_000,
    }
    assert found["tokens"]["input_tokens"] == 20_000
