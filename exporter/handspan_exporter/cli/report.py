"""One run as a report in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handspan_exporter.cli import figures, tree
from handspan_exporter.cli.output import cost
from handspan_exporter.query.runs import outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.query.answers import Row


def markdown(answer: Row) -> str:
    """Return the report: what the run was, its agents, faults, waits and budgets, its tree."""
    run = answer["run"]
    parts = [
        f"# Run {_text(run['run_id'])}\n",
        _table(["", ""], _facts(run)),
        _section("Agents", ["agent", "runs", "failed", "own time", "cost"], _agents(answer)),
        _section("Handoffs", ["from", "to", "outcome", "after"], _handoffs(answer)),
        _section("Faults", ["fault", "target", "agent", "became", "after"], _faults(answer)),
        _section("Waits for people", ["reason", "asked by", "decision", "for"], _waits(answer)),
        _section("Messages", ["from", "to", "type", "at"], _messages(answer)),
        _section("Budgets", ["budget", "used", "limit", "state"], _budgets(answer)),
        _tree(answer),
    ]
    return "\n".join(part for part in parts if part)


def _facts(run: Row) -> list[list[str]]:
    long = run["duration_ns"]
    told = {
        "workflow": run["workflow"],
        "status": f"{run['outcome']} {run['error_type']}".strip(),
        "message": run["status_message"],
        "started": run["started"][:23].replace("T", " ") + " UTC",
        "duration": figures.UNKNOWN if long is None else figures.seconds(long / 1e9),
        "cost": cost(run),
        "tokens": figures.tokens(run["input_tokens"], run["output_tokens"]) or figures.UNKNOWN,
        "path": run["path"],
    }
    return [[name, text] for name, text in told.items() if text]


def _agents(answer: Row) -> list[list[str]]:
    return [
        [
            one["agent"],
            str(one["agent_runs"]),
            str(one["failed"]),
            figures.figure("agent_time_ns", one["agent_time_ns"]),
            cost(one),
        ]
        for one in answer["agents"]
    ]


def _handoffs(answer: Row) -> list[list[str]]:
    return [
        [one["source"], one["target"], one["outcome"], _after(one["latency_ns"])]
        for one in answer["handoffs"]
    ]


def _faults(answer: Row) -> list[list[str]]:
    return [
        [
            one["fault_type"] + (" (injected)" if one["injected"] else ""),
            one["target"],
            one["agent"],
            f"{one['outcome']} {'by ' if one['recovered_by'] else ''}{one['recovered_by']}".strip(),
            _after(one["recovery_ns"]),
        ]
        for one in answer["faults"]
    ]


def _waits(answer: Row) -> list[list[str]]:
    return [
        [one["reason"], one["agent"], one["decision"] or _state(one), _after(one["duration_ns"])]
        for one in answer["waits"]
    ]


def _messages(answer: Row) -> list[list[str]]:
    return [
        [one["source"], one["target"] or "all", one["message_type"], one["at"][11:23]]
        for one in answer["messages"]
    ]


def _state(wait: Row) -> str:
    return "" if wait["state"] == "ended" else str(wait["state"])


def _budgets(answer: Row) -> list[list[str]]:
    return [
        [
            one["budget"],
            figures.figure("used_usd", one["used_usd"]),
            figures.figure("limit_usd", one["limit_usd"]),
            one["state"],
        ]
        for one in answer["budgets"]
    ]


def _tree(answer: Row) -> str:
    lines = []
    for label, span in tree.labelled(answer, ascii_only=False):
        told = [figures.lasted(span["duration_ns"]), outcome(span), span["error_type"]]
        lines.append(f"{label}  {' '.join(figures.clean(one) for one in told if one)}")
    left = answer["spans_left_out"]
    more = [f"... and {left:,} more spans"] if left else []
    # Four spaces, not a fence: a name may hold backticks.
    return "## Spans\n\n" + "".join(f"    {line}\n" for line in [*lines, *more])


def _section(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f"## {title}\n\n{_table(headings, rows)}" if rows else ""


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}\n"
    return head + "".join(f"| {' | '.join(_text(cell) for cell in row)} |\n" for row in rows)


def _text(text: str) -> str:
    """Return text that stays text: names come from whoever sent a span."""
    safe = figures.clean(text).replace("\\", "\\\\")
    for letter in "|`*_[]<>#":
        safe = safe.replace(letter, f"\\{letter}")
    return safe


def _after(length_ns: int | None) -> str:
    return "" if length_ns is None else figures.seconds(length_ns / 1e9)
