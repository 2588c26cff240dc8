"""A small team at work, as facts: what the tests of runs, API and command line look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.exporter.answers.facts import at

if TYPE_CHECKING:
    from tests.exporter.answers.facts import Facts

RUN = "4bf92f3577b34da6a3ce929d0e0e4736"
"""Triage asks a tool, hands over to the writer, whose model has a price; then it succeeds."""
FAILED = "4bf92f0000000000000000000000dead"
"""Another run in another trace, which fails before any model was asked."""
RUNNING = "orders/2026 #7"
"""A run that its user named, and that has not ended."""
EVIL = "\x1b[31mred\x1b[0m"
"""A name that would paint the terminal."""
NOW_NS = 1_767_607_200 * 10**9
"""2026-01-05T10:00:00Z, an hour after the team started."""


def insert(facts: Facts) -> None:
    """Write the team's facts."""
    facts.insert("runs", *_runs())
    facts.insert(
        "run_traces",
        *(
            {"run_id": run["run_id"], "trace_id": trace}
            for run in _runs()
            for trace in run["trace_ids"]
        ),
    )
    facts.insert("agent_spans", *_spans())
    facts.insert("agent_runs", *_agent_runs())
    facts.insert("llm_calls", *_llm_calls())
    facts.insert(
        "tool_calls",
        _of_run("tool-1", 0.1, 0.3, agent="triage", tool="search", agent_run="agent-1"),
    )
    facts.insert("handoffs", _handoff())
    facts.insert("faults", *_faults())
    facts.insert(
        "human_waits",
        _without_outcome(_of_run("wait-1", 1.2, 1.5, agent="writer", reason="approve"))
        | {"decision": "approved", "priority": "high"},
    )
    facts.insert("budget_events", *_budget_events())
    facts.insert(
        "decisions",
        _without_outcome(_of_run("decision-1", 0.4, 0.4, agent="triage", decision="next"))
        | {"choice": "ask the writer", "alternatives": ["give up"], "confidence": 0.8},
    )
    facts.insert(
        "messages",
        _without_outcome(_of_run("message-1", 0.5, 0.5, agent="triage"))
        | {"source": "triage", "target": "writer", "message_type": "brief", "payload_bytes": 512},
    )
    facts.insert(
        "validations",
        _without_outcome(_of_run("check-1", 1.8, 1.9, agent="writer", validation="style"))
        | {"validator": "critic", "role": "critic", "result": "pass"},
    )


def _runs() -> list[dict[str, Any]]:
    common = {"workflow": "report", "project": "books", "service": "team", "started_at": at(0)}
    return [
        common
        | {
            "run_id": RUN,
            "root_trace_id": RUN,
            "root_span_id": "root",
            "trace_ids": [RUN],
            "outcome": "success",
            "ended_at": at(2),
            "agents": ["triage", "writer"],
            "path": "triage > writer",
            "spans_seen": 7,
            "agent_runs": 2,
            "handoffs": 1,
            "llm_calls": 2,
            "tool_calls": 1,
            "input_tokens": 1200,
            "output_tokens": 80,
            "cost_usd": "0.0123",
            "priced_calls": 1,
            "unpriced_calls": 1,
        },
        common
        | {
            "run_id": FAILED,
            "root_trace_id": FAILED,
            "root_span_id": "root",
            "trace_ids": [FAILED],
            "outcome": "failure",
            "error_type": "ValueError",
            "status_message": f"no {EVIL} topic",
            "started_at": at(10),
            "ended_at": at(11),
            "agents": [EVIL],
            "path": EVIL,
            "spans_seen": 1,
        },
        common
        | {
            "run_id": RUNNING,
            "root_trace_id": "trace-7",
            "root_span_id": "root",
            "trace_ids": ["trace-7"],
            "outcome": "running",
            "agents": ["triage"],
            "path": "triage",
            "started_at": at(20),
        },
    ]


def _without_outcome(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a table whose facts end in no outcome."""
    return {name: value for name, value in row.items() if name != "outcome"}


def _of_run(span: str, start: float, end: float, **values: Any) -> dict[str, Any]:  # noqa: ANN401
    common = {"trace_id": RUN, "span_id": span, "run_id": RUN, "outcome": "success"}
    own = {"workflow": "report", "project": "books", "service": "team"}
    return common | own | {"started_at": at(start), "ended_at": at(end)} | values


def _agent_runs() -> list[dict[str, Any]]:
    spent = {"input_tokens": 1000, "output_tokens": 50, "cost_usd": "0.0123", "priced_calls": 1}
    return [
        _of_run("agent-1", 0, 0.6, agent="triage", input_tokens=200, output_tokens=30)
        | {"unpriced_calls": 1, "llm_calls": 1, "tool_calls": 1},
        _of_run("agent-2", 0.7, 1.9, agent="writer", **spent),
    ]


def _llm_calls() -> list[dict[str, Any]]:
    return [
        _of_run("llm-1", 0.3, 0.5, agent="triage", agent_run="agent-1", model="in-house")
        | {"input_tokens": 200, "output_tokens": 30, "unknown_reason": "no price for this model"},
        _of_run("llm-2", 0.8, 1.8, agent="writer", agent_run="agent-2", model="gpt-4o")
        | {"input_tokens": 1000, "output_tokens": 50, "cost_usd": "0.0123"},
    ]


def _faults() -> list[dict[str, Any]]:
    """A search that failed and was repeated, and an error of the model that nothing overcame."""
    return [
        _of_run("tool-1", 0.1, 0.3, agent="triage", agent_run="agent-1", fault_type="TimeoutError")
        | {"target": "search", "outcome": "recovered", "recovered_by": "success"}
        | {"recovery_ns": 100_000_000, "within_deadline": True, "severity": 1.0},
        _of_run("llm-2", 0.8, 1.8, agent="writer", agent_run="agent-2", fault_type="RateLimit")
        | {"target": "gpt-4o", "outcome": "unrecovered", "injected": True, "severity": 1.0}
        | {"deadline_s": 0.5, "within_deadline": False},
    ]


def _budget_events() -> list[dict[str, Any]]:
    own = {"budget": "report", "scope": "workflow", "pot": RUN, "limit_usd": "0.015"}
    said = [
        _of_run("budget-1", 0.6, 0.6, used_usd="0.001", state="ok", **own),
        _of_run("budget-2", 1.9, 1.9, used_usd="0.0123", state="warning", **own),
    ]
    return [_without_outcome(one) for one in said]


def _tool_call() -> dict[str, Any]:
    return _of_run("tool-1", 0.1, 0.3, agent="triage", agent_run="agent-1", tool="search")


def _handoff() -> dict[str, Any]:
    target = {"target": "writer", "target_trace_id": RUN, "target_span_id": "agent-2"}
    return _of_run("handoff-1", 0.5, 0.51, agent="triage", source="triage", **target) | {
        "outcome": "accepted",
        "mode": "pass_control",
        "target_type": "agent",
        "latency_ns": 200_000_000,
        "payload_bytes": 512,
        "cost_usd": "0.0123",
    }


def _spans() -> list[dict[str, Any]]:
    return [
        _span("root", "", "workflow", 0, 2, name="invoke_workflow report", workflow="report"),
        _span("agent-1", "root", "agent", 0, 0.6, name="invoke_agent triage", agent="triage"),
        _span("tool-1", "agent-1", "tool", 0.1, 0.3, name="execute_tool search", tool="search"),
        # Its parent is an HTTP span, which is no agent work: the facts know its agent.
        _span("llm-1", "http-span", "llm", 0.3, 0.5, name="chat in-house", model="in-house"),
        _span("handoff-1", "agent-1", "handoff", 0.5, 0.51, name="handoff writer"),
        _span("agent-2", "root", "agent", 0.7, 1.9, name="invoke_agent writer", agent="writer"),
        _span("llm-2", "agent-2", "llm", 0.8, 1.8, name="chat gpt-4o", model="gpt-4o"),
        _span("root", "", "workflow", 10, 11, name="invoke_workflow report", workflow="report")
        | {"trace_id": FAILED, "status": "Error", "error_type": "ValueError"},
    ]


def _span(
    span: str,
    parent: str,
    kind: str,
    start: float,
    end: float,
    **values: str,
) -> dict[str, Any]:
    return {
        "trace_id": RUN,
        "span_id": span,
        "parent_span_id": parent,
        "kind": kind,
        "started_at": at(start),
        "duration_ns": round((end - start) * 1e9),
        "status": "Ok",
        **values,
    }
