"""Facts: each rule of kpis.md on runs, agent runs, calls and handoffs, on real statements."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.exporter import span_trees as spans
from tests.exporter.computed import IDLE_S
from tests.exporter.span_trees import (
    Trace,
    agent,
    at,
    handoff,
    llm,
    span,
    store,
    store_foreign,
    tool,
    trace,
    workflow,
)

from handspan_exporter.processor.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.exporter.computed import Facts

    from handspan_exporter.store.connection import Connection

Row = dict[str, Any]


# Run -------------------------------------------------------------------------------------------


def test_a_workflow_span_opens_a_run_named_by_its_workflow_id(facts: Facts) -> None:
    """The user's id is what joins the run with their own records."""
    facts.add(trace("t1", workflow("research", 0, 10, workflow_id="order-7", project="shop")))
    run = facts.run("order-7")
    assert (run["workflow"], run["project"], run["outcome"]) == ("research", "shop", "success")
    assert (run["duration_ns"], run["root_trace_id"], run["implicit"]) == (10 * 10**9, "t1", False)


def test_without_a_workflow_id_the_trace_id_names_the_run(facts: Facts) -> None:
    """Handspan's own default id is the trace id; others say none: both must agree."""
    facts.add(trace("t1", workflow("w", 0, 1)) + trace("t2", workflow("w", 0, 1, workflow_id="t2")))
    assert facts.rows("runs", "run_id") == [("t1",), ("t2",)]


def test_an_agent_that_is_a_trace_root_opens_a_run(facts: Facts) -> None:
    """Single agents without a workflow are runs too, at once."""
    facts.add(trace("t1", agent("solo", 0, 5)))
    assert facts.rows("runs", "run_id", "agents", "implicit") == [("t1", ["solo"], False)]


def test_a_second_root_of_a_trace_is_a_run_of_its_own(facts: Facts) -> None:
    """One request of a web server may start two workflows, both with the trace id as default id."""
    facts.add(
        trace(
            "t1",
            workflow("first", 0, 4, [agent("a", 0, 4)], workflow_id="t1"),
            workflow("second", 5, 9, [agent("b", 5, 9)], workflow_id="t1"),
        )
    )
    assert facts.rows("runs", "run_id", "workflow", "agents") == [
        ("t1", "first", ["a"]),
        ("t1-0003", "second", ["b"]),
    ]
    assert facts.rows("agent_runs", "agent", "run_id") == [("a", "t1"), ("b", "t1-0003")]


def test_an_equal_workflow_id_joins_traces_into_one_run(facts: Facts) -> None:
    """Work that crosses a queue loses its trace but not the id."""
    facts.add(trace("t1", workflow("order", 0, 5, [agent("a", 0, 5)], workflow_id="w1")))
    facts.add(trace("t2", agent("b", 6, 9, [tool("search", 7, 8)], workflow_id="w1").lost()))
    lost = agent("b", 6, 9, [tool("search", 7, 8, workflow_id="w1")]).lost()
    facts.add(trace("t3", lost))
    facts.add(trace("t4", span("foreign", 6, 9, [agent("b", 6, 9, workflow_id="w1")])))
    run = facts.run("w1")
    assert (run["trace_ids"], run["agents"]) == (["t1", "t3", "t4"], ["a", "b"])
    assert facts.rows("agent_runs", "agent", "run_id", "workflow") == [
        ("a", "w1", "order"),
        ("b", "w1", "order"),
    ]


@pytest.mark.parametrize("first", [("t1", "t2", "t3"), ("t3", "t2", "t1"), ("t2", "t3", "t1")])
def test_a_link_that_resumes_continues_the_run(facts: Facts, first: Sequence[str]) -> None:
    """A pause for a human ends the trace, not the run; links may arrive before their targets."""
    parts = {
        "t1": trace("t1", workflow("w", 0, 4, [agent("a", 0, 4)], workflow_id="w1")),
        "t2": trace("t2", workflow("w", 10, 12, status="Error", resumes=["t1"])),
        "t3": trace("t3", workflow("w", 20, 25, [agent("b", 20, 25)], resumes=["t2"])),
    }
    for name in first:
        facts.add(parts[name])
    assert facts.rows("runs", "run_id", "trace_ids", "outcome", "duration_ns") == [
        ("w1", ["t1", "t2", "t3"], "success", 25 * 10**9)
    ]


def test_links_that_resume_in_a_circle_do_not_stop_the_processor(facts: Facts) -> None:
    """A wrong link must not hold up everybody else's facts."""
    facts.add(
        trace("t1", workflow("w", 0, 4, resumes=["t2"]))
        + trace("t2", workflow("w", 5, 6, resumes=["t1"]))
    )
    assert sum(row[0] for row in facts.rows("runs", "spans_seen")) == 2


def test_a_conversation_does_not_join_traces(facts: Facts) -> None:
    """A conversation is a dimension: each of its turns succeeds or fails by itself."""
    for trace_id in ("t1", "t2"):
        facts.add(trace(trace_id, agent("a", 0, 1, conversation_id="c1")))
    assert facts.rows("runs", "run_id", "conversation_id") == [("t1", "c1"), ("t2", "c1")]


def test_without_an_opener_the_topmost_agent_is_a_run_only_when_idle(facts: Facts) -> None:
    """Under a web request nobody knows whether more comes: five minutes of silence decide."""
    rows = trace("t1", span("foreign", 0, 9, [agent("a", 1, 8, [agent("b", 2, 3)])]))
    (done,) = facts.add(rows, now_s=20)
    assert done.unsettled
    assert facts.rows("runs", "run_id") == []
    assert facts.rows("agent_runs", "agent", "run_id") == [("a", ""), ("b", "")]
    facts.compute(["t1"], now_s=IDLE_S)
    assert facts.rows("runs", "run_id", "implicit", "root_span_id", "agents") == [
        ("t1", True, "0002", ["a", "b"])
    ]


def test_an_implicit_run_vanishes_when_the_real_root_arrives(facts: Facts) -> None:
    """What time alone decided is taken back by a fact."""
    root = workflow("w", 0, 9, [agent("a", 1, 8)], workflow_id="w9")
    late, early = trace("t1", root)
    facts.add([early], now_s=IDLE_S)
    assert facts.rows("runs", "run_id", "implicit") == [("t1", True)]
    facts.add([late], now_s=IDLE_S)
    assert facts.rows("runs", "run_id", "implicit") == [("w9", False)]
    assert facts.rows("agent_runs", "run_id") == [("w9",)]
    assert facts.rows("run_traces", "run_id", "trace_id") == [("w9", "t1")]


def test_a_nested_workflow_is_a_run_inside_a_run(facts: Facts) -> None:
    """KPIs count top runs; the inner one can still be looked at, with what is below it."""
    inner = workflow("inner", 2, 6, [agent("b", 2, 6, [llm(3, 4, usd="0.5")])], workflow_id="w1")
    facts.add(trace("t1", workflow("outer", 0, 9, [agent("a", 1, 8, [inner])], workflow_id="w1")))
    columns = ("run_id", "parent_run_id", "workflow", "agents", "llm_calls", "spans_seen")
    assert facts.rows("runs", *columns) == [
        ("t1-0003", "w1", "inner", ["b"], 1, 3),
        ("w1", "", "outer", ["a", "b"], 1, 5),
    ]
    assert facts.rows("agent_runs", "agent", "run_id") == [("a", "w1"), ("b", "w1")]


def test_a_nested_workflow_keeps_an_id_of_its_own(facts: Facts) -> None:
    """The user may name the inner run as well."""
    inner = workflow("inner", 2, 6, workflow_id="w2")
    facts.add(trace("t1", workflow("outer", 0, 9, [inner], workflow_id="w1")))
    assert facts.rows("runs", "run_id", "parent_run_id") == [("w1", ""), ("w2", "w1")]


def test_a_fragment_whose_parent_was_lost_stays_in_the_run_of_its_trace(facts: Facts) -> None:
    """A dropped span must not take the agents below it out of every KPI."""
    lost = agent("gone", 1, 8, [agent("b", 2, 3), workflow("inner", 4, 5)]).lost()
    facts.add(trace("t1", workflow("w", 0, 9, [lost])))
    assert facts.rows("runs", "run_id", "parent_run_id") == [("t1", ""), ("t1-0004", "t1")]
    assert facts.rows("agent_runs", "agent", "run_id") == [("b", "t1")]


def test_a_gap_further_up_keeps_what_is_below_it_unsettled(facts: Facts) -> None:
    """Its parent is stored, the parent of that is not yet: it will be the agent's all the same."""
    call = span("foreign", 2, 7, [span("foreign", 3, 6, [llm(4, 5)])])
    whole = Trace("t1", [workflow("w", 0, 9, [agent("a", 1, 8, [call])])])
    upper, lower = whole.foreign()
    store_foreign(facts.connection, [lower])
    (done,) = facts.add(whole.rows())
    assert (done.unsettled, done.gap) == (True, True)
    store_foreign(facts.connection, [upper])
    (done,) = facts.compute(["t1"])
    assert (done.unsettled, done.gap) == (False, False)
    assert facts.rows("llm_calls", "agent_run") == [("0002",)]


def test_a_foreign_span_between_agents_does_not_break_the_tree(facts: Facts) -> None:
    """An HTTP call lies between caller and callee as soon as agents are services."""
    call = span("foreign", 2, 7, [span("foreign", 2, 7, [agent("b", 3, 6, [llm(4, 5, usd="1")])])])
    whole = Trace("t1", [workflow("w", 0, 9, [agent("a", 1, 8, [call])])])
    store_foreign(facts.connection, whole.foreign())
    (done,) = facts.add(whole.rows())
    assert not done.unsettled
    assert facts.rows("agent_runs", "agent", "parent_agent_run", "agent_time_ns") == [
        ("a", "", 4 * 10**9),
        ("b", "0002", 3 * 10**9),
    ]


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        ({}, "success"),
        ({"status": "Ok"}, "success"),
        ({"status": "Error", "error_type": "Timeout"}, "failure"),
        ({"status": "Error", "workflow_outcome": "success"}, "success"),
        ({"workflow_outcome": "cancelled"}, "cancelled"),
        ({"status": "Ok", "workflow_outcome": "failure"}, "failure"),
    ],
)
def test_the_outcome_of_a_run(facts: Facts, says: Mapping[str, str], outcome: str) -> None:
    """What the user says wins over the status, that over having ended."""
    facts.add(trace("t1", workflow("w", 0, 9, [agent("a", 1, 2, status="Error")], **says)))
    run = facts.run("t1")
    assert (run["outcome"], run["error_type"]) == (outcome, says.get("error_type", ""))


def test_a_run_says_its_plan_estimate_and_when_it_was_queued(facts: Facts) -> None:
    """Time to completion starts in the queue; a task queued inside the run is not the run's."""
    inside = span("task", 2, 3, queued_at=at(1))
    facts.add(
        trace(
            "t1",
            workflow(
                "w",
                0,
                9,
                [inside],
                workflow_plan=["b", "a"],
                workflow_estimated_s=12.5,
                queued_at=at(-4),
            ),
        )
        + trace("t2", workflow("w", 0, 9, [span("task", 2, 3, queued_at=at(1))]))
    )
    columns = ("run_id", "plan", "estimated_s", "dateDiff('second', queued_at, started_at)")
    assert facts.rows("runs", *columns) == [("t1", ["b", "a"], 12.5, 4), ("t2", [], None, None)]


def test_what_a_workflow_says_holds_for_everything_in_it(facts: Facts) -> None:
    """Cost per feature, user or project needs the dimension on each call, not on the root only."""
    said = {
        "project": "p",
        "feature": "f",
        "session_id": "s",
        "conversation_id": "c",
        "user_id": "u",
    }
    inner = [agent("a", 1, 8, [llm(2, 3), tool("t", 3, 4), handoff("a", "b", 5)])]
    facts.add(trace("t1", workflow("w", 0, 9, inner, **said)))
    expected = [("w", *said.values(), "a")]
    for table in ("agent_runs", "llm_calls", "tool_calls", "handoffs"):
        assert facts.rows(table, "workflow", *said, "agent") == expected, table


def test_a_run_takes_a_dimension_from_inside_where_its_root_says_none(facts: Facts) -> None:
    """Many instrumentors put the conversation on the calls only."""
    facts.add(
        trace(
            "t1",
            workflow("w", 0, 9, [llm(2, 3, conversation_id="c2"), llm(1, 2, conversation_id="c1")]),
        )
    )
    assert facts.run("t1")["conversation_id"] == "c1"


# Agent runs and paths --------------------------------------------------------------------------


def test_agent_time_is_the_span_minus_child_agents_and_human_waits(facts: Facts) -> None:
    """Overlapping children count once, and only inside the span."""
    children = [
        agent("b", 1, 4, [agent("d", 1, 2)]),
        agent("c", 3, 5),
        span("human", 6, 8),
        agent("late", 9, 15),
        tool("search", 5, 6, [agent("e", 5, 5.5)]),
    ]
    facts.add(trace("t1", workflow("w", 0, 10, [agent("a", 0, 10, children)])))
    found = {row[0]: row[1] for row in facts.rows("agent_runs", "agent", "agent_time_ns")}
    assert found["a"] == (10 - 4 - 2 - 1 - 0.5) * 10**9
    assert found["b"] == 2 * 10**9


@pytest.mark.parametrize(
    ("children", "path"),
    [
        ([agent("a", 0, 1), agent("b", 1, 2), agent("b", 2, 3), agent("a", 3, 4)], "a > b > a"),
        ([agent("a", 0, 1), agent("c", 1, 4), agent("b", 2, 3), agent("d", 4, 5)], "a > b + c > d"),
        ([agent("b", 0, 5), agent("a", 1, 2), agent("c", 3, 4)], "a + b + c"),
        ([agent("a", 0, 9, [agent("b", 1, 2), agent("c", 3, 4)])], "a > b > c"),
        (
            [agent("a", 0, 9, [agent("b", 1, 4), agent("c", 3, 5)]), agent("d", 9, 10)],
            "a > b + c > d",
        ),
        (
            [agent("a", 0, 4, [agent("x", 1, 2)]), agent("b", 0, 4, [agent("y", 3, 4)])],
            "a + b > x > y",
        ),
        ([agent(f"a{n % 2}", n, n + 1) for n in range(40)], " > ".join(["a0", "a1"] * 16)),
        ([], ""),
    ],
)
def test_the_path_of_a_run(facts: Facts, children: Sequence[spans.Node], path: str) -> None:
    """Repeats collapse, overlapping siblings join, an agent and its caller never do; 32 steps."""
    facts.add(trace("t1", workflow("w", 0, 50, children)))
    assert facts.run("t1")["path"] == path


# Calls, tokens, cost ---------------------------------------------------------------------------


def test_a_containers_usage_counts_only_if_nothing_below_reports_any(facts: Facts) -> None:
    """Strands and others repeat the sum on the agent: adding it doubles the bill."""
    repeats = agent("a", 1, 3, [llm(1, 2, tokens=10, usd="0.1")], input_tokens=10, output_tokens=10)
    stands = agent("b", 4, 6, [tool("t", 4, 5)], input_tokens=7, output_tokens=7, cost_usd=1)
    facts.add(trace("t1", workflow("w", 0, 9, [repeats, stands], input_tokens=17)))
    columns = ("span_id", "container", "agent", "agent_run", "input_tokens", "cost_usd")
    assert facts.rows("llm_calls", *columns) == [
        ("0003", False, "a", "0002", 10, Decimal("0.1")),
        ("0004", True, "b", "0004", 7, 1),
    ]
    run = facts.run("t1")
    assert (run["input_tokens"], float(run["cost_usd"])) == (17, 1.1)


def test_the_same_request_seen_by_two_instrumentors_is_one_call(facts: Facts) -> None:
    """The inner span with usage is the request; the outer one repeats it."""
    facts.add(trace("t1", agent("a", 0, 9, [llm(1, 3, [llm(1, 2, tokens=5)], tokens=5)])))
    facts.add(trace("t2", agent("a", 0, 9, [llm(1, 3, [llm(1, 2)], tokens=5)])))
    facts.add(trace("t3", agent("a", 0, 9, [llm(1, 3, [llm(1, 2)])])))
    failed_then_done = [llm(1, 1.5, status="Error"), llm(1.6, 2, tokens=5)]
    facts.add(trace("t4", agent("a", 0, 9, [llm(1, 3, failed_then_done, tokens=5)])))
    assert facts.rows("llm_calls", "trace_id", "span_id", "outcome") == [
        ("t1", "0003", "success"),
        ("t2", "0002", "success"),
        ("t3", "0003", "success"),
        ("t4", "0003", "failure"),
        ("t4", "0004", "success"),
    ]


def test_unknown_cost_stays_unknown_and_is_counted(facts: Facts) -> None:
    """Zero would say that the call was free."""
    calls = [llm(1, 2, tokens=5), llm(2, 3, usd="0.25", tokens=5)]
    facts.add(
        trace("t1", workflow("w", 0, 9, [agent("a", 0, 5, calls), agent("b", 5, 9, [llm(6, 7)])]))
    )
    run = facts.run("t1")
    assert (float(run["cost_usd"]), run["priced_calls"], run["unpriced_calls"]) == (0.25, 1, 2)
    assert facts.rows("agent_runs", "agent", "cost_usd IS NULL", "unpriced_calls") == [
        ("a", False, 1),
        ("b", True, 1),
    ]


def test_a_real_model_is_priced(facts: Facts) -> None:
    """Prices come from the list of genai-prices, by provider, model and day."""
    call = llm(1, 2, tokens=1000, model="gpt-4o", provider="openai")
    facts.add(trace("t1", agent("a", 0, 9, [call])))
    ((source, version, cost),) = facts.rows("llm_calls", "cost_source", "price_version", "cost_usd")
    assert source == "genai-prices"
    assert version
    assert cost == facts.run("t1")["cost_usd"] > 0


def test_a_tool_with_an_agent_below_it_is_a_delegation(facts: Facts) -> None:
    """It coordinates; its time is the agent's work, not its own."""
    ask = tool("ask", 1, 4, [tool("call", 1, 4, [agent("b", 2, 3, [tool("search", 2, 3)])])])
    facts.add(trace("t1", agent("a", 0, 9, [ask])))
    assert facts.rows("tool_calls", "tool", "delegation", "agent_run") == [
        ("ask", True, "0001"),
        ("call", True, "0001"),
        ("search", False, "0004"),
    ]


# Handoffs --------------------------------------------------------------------------------------


def test_each_handoff_takes_the_next_unmatched_run_of_its_target(facts: Facts) -> None:
    """Ping-pong: each of three handoffs to b started another run of b."""
    turns = [agent("a", 0, 1, [handoff("a", "b", 0.5)]), agent("b", 1, 2, [handoff("b", "a", 1.5)])]
    again = [agent("a", 2, 3, [handoff("a", "b", 2.5)]), agent("b", 3, 4, [llm(3, 4, usd="2")])]
    facts.add(trace("t1", workflow("w", 0, 9, [*turns, *again])))
    columns = ("span_id", "source", "target", "outcome", "target_span_id", "latency_ns", "cost_usd")
    half = 10**9 // 2
    assert facts.rows("handoffs", *columns) == [
        ("0003", "a", "b", "accepted", "0004", half, None),
        ("0005", "b", "a", "accepted", "0006", half, None),
        ("0007", "a", "b", "accepted", "0008", half, 2),
    ]


def test_a_handoff_skips_runs_of_the_target_that_began_before_it(facts: Facts) -> None:
    """An earlier run of the same agent was started by someone else."""
    facts.add(
        trace(
            "t1",
            workflow(
                "w",
                0,
                9,
                [
                    agent("b", 0, 1),
                    agent("b", 1, 2),
                    handoff("a", "b", 3),
                    handoff("a", "b", 4),
                    agent("b", 5, 6),
                ],
            ),
        )
    )
    assert facts.rows("handoffs", "span_id", "outcome", "target_span_id") == [
        ("0004", "accepted", "0006"),
        ("0005", "lost", ""),
    ]


def test_two_handoffs_at_once_take_two_runs(facts: Facts) -> None:
    """Matching must never give one run to two handoffs."""
    both = [handoff("a", "b", 1), handoff("a", "b", 1), agent("b", 1, 4), agent("b", 2, 3)]
    facts.add(trace("t1", workflow("w", 0, 9, both)))
    assert facts.rows("handoffs", "span_id", "target_span_id") == [
        ("0002", "0004"),
        ("0003", "0005"),
    ]


def test_an_unmatched_handoff_is_pending_until_its_run_has_ended(facts: Facts) -> None:
    """Before the end the target may still start; after it, it never will."""
    root, *rest = trace("t1", workflow("w", 0, 9, [agent("a", 0, 2, [handoff("a", "b", 1)])]))
    facts.add(rest)
    assert facts.rows("handoffs", "outcome") == [("pending",)]
    facts.add([root])
    assert facts.rows("handoffs", "outcome", "latency_ns") == [("lost", None)]


def test_an_explicit_outcome_wins_and_a_refused_handoff_takes_no_run(facts: Facts) -> None:
    """The run of b belongs to the handoff that b accepted."""
    children = [
        handoff("a", "b", 1, handoff_outcome="refused"),
        handoff("a", "b", 2),
        agent("b", 3, 4),
        handoff("a", "c", 5, handoff_outcome="accepted"),
    ]
    facts.add(trace("t1", workflow("w", 0, 9, children)))
    assert facts.rows("handoffs", "span_id", "outcome", "target_span_id") == [
        ("0002", "refused", ""),
        ("0003", "accepted", "0004"),
        ("0005", "accepted", ""),
    ]


def test_handoffs_to_humans_and_workflows_match_their_own_kinds(facts: Facts) -> None:
    """An agent that happens to be called like a workflow did not receive it."""
    children = [
        handoff("a", "support", 1, handoff_target_type="human"),
        handoff("a", "billing", 2, handoff_target_type="workflow"),
        agent("billing", 3, 4),
        agent("support", 3, 4),
        span("human", 5, 6),
        workflow("billing", 7, 8),
    ]
    facts.add(trace("t1", workflow("w", 0, 9, children)))
    assert facts.rows("handoffs", "target", "target_span_id") == [
        ("billing", "0007"),
        ("support", "0006"),
    ]


def test_a_handoff_is_matched_across_the_traces_of_its_run(facts: Facts) -> None:
    """The target may pick the work up from a queue."""
    facts.add(trace("t1", workflow("w", 0, 4, [handoff("a", "b", 1)], workflow_id="w1")))
    assert facts.rows("handoffs", "outcome") == [("lost",)]
    facts.add(
        trace(
            "t2", span("foreign", 6, 9, [agent("b", 6, 8, [llm(7, 8, usd="3")], workflow_id="w1")])
        )
    )
    columns = ("outcome", "target_trace_id", "latency_ns", "cost_usd")
    assert facts.rows("handoffs", *columns) == [("accepted", "t2", 5 * 10**9, 3)]


def test_a_delegation_matches_the_agent_run_below_it(facts: Facts) -> None:
    """An agent used as a tool is a handoff that returns to its caller."""
    edge = handoff("a", "b", 1, handoff_mode="return_to_caller")
    edge.children = [agent("b", 1, 1.1, [llm(1, 1.1, usd="1")])]
    facts.add(trace("t1", agent("a", 0, 9, [edge])))
    assert facts.rows("handoffs", "mode", "target_span_id", "cost_usd") == [
        ("return_to_caller", "0003", 1)
    ]


def test_edges_and_entry_agents_sum_to_the_run(facts: Facts) -> None:
    """Cost behind the edges must not count an agent twice or not at all."""
    facts.add(
        trace(
            "t1",
            workflow(
                "w",
                0,
                9,
                [
                    agent("a", 0, 2, [llm(0, 1, usd="1"), handoff("a", "b", 1.5)]),
                    agent("b", 2, 4, [llm(2, 3, usd="2"), handoff("b", "c", 3.5)]),
                    agent("c", 4, 6, [llm(4, 5, usd="4"), agent("d", 5, 6, [llm(5, 6, usd="8")])]),
                ],
            ),
        )
    )
    edges = facts.rows("handoffs", "target", "cost_usd")
    assert edges == [("b", 2), ("c", 4)]
    assert facts.run("t1")["cost_usd"] == 15


# Delivery --------------------------------------------------------------------------------------


def test_a_span_delivered_twice_is_counted_once(facts: Facts) -> None:
    """A client that got no answer sends again."""
    rows = trace("t1", workflow("w", 0, 9, [agent("a", 0, 5, [llm(1, 2, usd="1")])]))
    facts.add(rows)
    before = spans.facts(facts.connection)
    facts.add([row | {"received_at": at(50)} for row in rows])
    assert spans.facts(facts.connection) == before
    assert facts.run("t1")["spans_seen"] == 3


def test_a_late_span_changes_its_run(facts: Facts) -> None:
    """A run is never closed: what belongs to it is counted whenever it comes."""
    *rows, late = trace(
        "t1", workflow("w", 0, 9, [agent("a", 0, 5), agent("b", 5, 7, status="Error")])
    )
    facts.add(rows)
    facts.add([late])
    assert facts.run("t1")["path"] == "a > b"
    assert facts.rows("agent_runs", "agent", "outcome") == [("a", "success"), ("b", "failure")]


def test_nothing_is_written_when_nothing_changed(facts: Facts) -> None:
    """A long run is recomputed many times: rewriting all its rows would wear out the store."""
    facts.add(trace("t1", workflow("w", 0, 9, [agent("a", 0, 5, [llm(1, 2), tool("t", 3, 4)])])))
    facts.compute(["t1"])
    for table in FACTS:
        found = facts.connection.rows(f"SELECT DISTINCT revision FROM {table}")  # noqa: S608
        assert found in ([{"revision": 1}], []), table


def test_parents_in_a_circle_lose_no_span(facts: Facts) -> None:
    """Ids are whatever a client sends; its agents and calls exist nonetheless."""
    rows = trace("t1", workflow("w", 0, 9), agent("a", 1, 2), agent("b", 1, 2), agent("c", 3, 4))
    rows[1]["parent_span_id"], rows[2]["parent_span_id"] = rows[2]["span_id"], rows[1]["span_id"]
    rows[3]["parent_span_id"] = rows[3]["span_id"]
    facts.add(rows)
    assert facts.rows("agent_runs", "agent", "run_id") == [("a", "t1"), ("b", "t1"), ("c", "t1")]


def test_a_trace_of_30_000_spans_is_computed_whole(facts: Facts) -> None:
    """Real agents loop for hours; their traces are the ones people look at."""
    agents = [
        agent(f"a{n % 7}", n, n + 1, [llm(n, n + 0.5, tokens=1), tool("t", n, n + 1)])
        for n in range(10_000)
    ]
    facts.add(trace("t1", workflow("w", 0, 10_000, agents)))
    run = facts.run("t1")
    assert (run["spans_seen"], run["agent_runs"], run["llm_calls"]) == (30_001, 10_000, 10_000)
    assert run["input_tokens"] == 10_000


def test_a_very_deep_trace_is_computed_whole(facts: Facts) -> None:
    """Runaway recursion of agents is a thing to be seen, not a thing to stumble over."""
    inner = llm(1, 2, usd="1")
    for n in range(3000):
        inner = agent(f"a{n % 3}", 0, 9, [inner])
    rows = [{"trace_id": "t1", **row} for row in deep_rows(inner)]
    facts.add(rows)
    run = facts.run("t1")
    assert (run["agent_runs"], run["cost_usd"]) == (3000, 1)
    assert facts.rows("llm_calls", "agent") == [("a0",)]


def deep_rows(node: spans.Node) -> list[Row]:
    """Return the rows of a chain deeper than Python can recurse."""
    rows: list[Row] = []
    children: Sequence[spans.Node] = [node]
    while children:
        (one,) = children
        flat = spans.Node(one.kind, one.start_s, one.end_s, one.says, (), f"{len(rows):04}")
        (row,) = trace("t1", flat)
        rows.append(row | {"parent_span_id": rows[-1]["span_id"] if rows else ""})
        children = one.children
    return rows


# Kill anywhere ---------------------------------------------------------------------------------


class Killed(Exception):
    """The process ends here."""


class Mortal:
    """A session that dies before its n-th statement that writes what outlives it."""

    def __init__(self, connection: Connection, after: int) -> None:
        self._connection = connection
        self._left = after

    def command(self, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement, and count it if it writes to a table that stays."""
        if re.search(r"^INSERT INTO (?!new_|work_|changed_)", statement, re.MULTILINE):
            if not self._left:
                raise Killed
            self._left -= 1
        self._connection.command(statement, parameters)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Pass everything else on."""
        return getattr(self._connection, name)  # type: ignore[no-any-return]


def changing_rows(name: str) -> tuple[list[Row], list[Row]]:
    """Return spans, and later ones that move runs, remove rows and change numbers."""
    inside = [llm(1, 2, usd="1"), handoff("a", "b", 4), span("human", 2, 3), span("task", 3, 4)]
    entry = agent("a", 0, 5, inside, input_tokens=3, cost_usd=Decimal(1))
    failed = tool("t", 6, 7, status="Error")
    root = workflow("w", 0, 9, [entry, agent("b", 5, 9), failed], workflow_id=f"w{name}")
    late, *early = trace(name, root)
    llm_span = next(row for row in early if row["kind"] == "llm")
    early.remove(llm_span)
    return early, [late, llm_span]


def test_a_tick_killed_before_any_statement_and_done_again_gives_the_same(facts: Facts) -> None:
    """The end may come at any moment; nothing of a half tick may be left once it is done again."""
    connection = facts.connection
    names = [f"{number:03}" for number in range(25)]
    early, late = zip(*map(changing_rows, names), strict=True)
    facts.add(list(itertools.chain(*early)), now_s=IDLE_S)
    store(connection, itertools.chain(*late))
    survivor = next(after for after, name in enumerate(names) if not killed(facts, name, after))
    assert survivor == 12
    facts.compute(names, now_s=IDLE_S)
    redone = spans.facts(connection)
    assert all(redone[fact] for fact in ("faults", "human_waits", "tasks", "critical_paths"))
    for table in FACTS:
        connection.command(f"TRUNCATE TABLE {table}")
    facts.compute(names, now_s=IDLE_S)
    assert redone == spans.facts(connection)


def killed(facts: Facts, trace_id: str, after: int) -> bool:
    """Compute one trace and die after so many statements; return whether it came to that."""
    alive = facts.connection
    facts.connection = Mortal(alive, after)  # type: ignore[assignment]
    try:
        facts.compute([trace_id], now_s=IDLE_S)
    except Killed:
        return True
    finally:
        facts.connection = alive
    return False
