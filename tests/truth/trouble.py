"""Faults and what overcame them (kpis.md "fault_recovery_ratio"), counted by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.truth.calls import CALLS, counts, delegates
from tests.truth.runs import agent_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.truth.history import Node
    from tests.truth.known import Known


@dataclass
class Fault:
    """Something that went wrong, on purpose or for real."""

    node: Node
    recorded: bool
    at_ns: int
    hit: str
    tries: list[Node]
    again_ns: int | None
    run: Mapping[str, Any] | None
    """Of the run, once that has ended."""

    def fact(self) -> dict[str, Any]:
        """Return what is known of it."""
        by, recovery_ns, strategy = self._recovered()
        outcome = "open" if self.run is None else "recovered" if by else "unrecovered"
        says, recorded = self.node.says, self.recorded
        deadline_s = says.get("deadline_s") if recorded else None
        severity = says.get("severity") if recorded else None
        in_time = outcome == "recovered" and (
            deadline_s is None or (recovery_ns or 0) <= deadline_s * 1e9
        )
        return {
            "fault_type": says.get("fault_type", "") if recorded else self.node.span.error_type,
            "target": self.hit,
            "injected": recorded and says.get("injected", True) is not False,
            "severity": 1.0 if severity is None or severity < 0 else severity,
            "outcome": outcome,
            "recovered_by": by,
            "strategy": strategy,
            "recovery_ns": recovery_ns if outcome != "open" else None,
            "in_time": in_time,
        }

    def _recovered(self) -> tuple[str, int | None, str]:
        won = [node for node in self.tries if node.says.get("recovery_success") is True]
        if won:
            first = min(won, key=lambda node: (node.end_ns, node.says.get("strategy", "")))
            strategy = first.says.get("strategy", "")
            return "recovery", max(0, first.end_ns - self.at_ns), strategy
        if self.again_ns is not None:
            return "success", max(0, self.again_ns - self.at_ns), ""
        if self.run is not None and self.run["outcome"] == "success":
            return "run", max(0, self.run["ended_ns"] - self.at_ns), ""
        return "", None, ""


def faults(known: Known, ended: Mapping[str, Any]) -> list[Fault]:
    """Return every fault, with what came of it."""
    found = [_fault(known, node, ended) for node in known.world.work if is_fault(node)]
    for node in known.world.work:
        if node.kind == "recovery":
            for fault in _tried(known, node, found):
                fault.tries.append(node)
    return found


def is_fault(node: Node) -> bool:
    """Say whether it is a recorded fault, or an error that no recorded fault explains."""
    if node.kind == "fault":
        return True
    call = node.kind in CALLS and counts(node)
    tool = node.kind == "tool" and not delegates(node)
    return node.span.failed and (call or tool) and not _struck(node)


def _struck(node: Node) -> bool:
    if any(one.kind == "fault" for one in node.above()):
        return True
    return any(one.kind == "fault" and _around(one) is node for one in node.below())


def _around(fault: Node) -> Node | None:
    """Return the tool or call in which a fault happened."""
    return next((one for one in fault.above() if one.kind in ("tool", *CALLS)), None)


def _target(node: Node) -> str:
    if node.kind == "agent":
        return agent_name(node)
    if node.kind == "tool":
        return str(node.says.get("tool") or node.span.name)
    return str(node.says.get("model", ""))


def _fault(known: Known, node: Node, ended: Mapping[str, Any]) -> Fault:
    recorded = node.kind == "fault"
    hit = str(node.says.get("fault_target", "")) if recorded else _target(node)
    at_ns = node.start_ns if recorded else node.end_ns
    scope = known.world.scope(node)
    successes = [
        one.end_ns
        for one in known.world.work
        if one is not node
        and one.kind in ("tool", "agent", *CALLS)
        and not one.span.failed
        and not one.span.unended
        and known.world.scope(one) == scope
        and _target(one) == hit
        and (one.kind == "agent" or agent_name(one) == agent_name(node))
        and one.end_ns >= at_ns
        and (one.start_ns >= at_ns or (recorded and one is _around(node)))
    ]
    run = known.world.run_of(node)
    return Fault(
        node,
        recorded,
        at_ns,
        hit,
        tries=[],
        again_ns=min(successes, default=None),
        run=ended.get(run.id) if run else None,
    )


def _tried(known: Known, recovery: Node, found: list[Fault]) -> list[Fault]:
    """Return the faults that a recovery is for: those it names, else the newest so far."""
    scope = known.world.scope(recovery)
    here = [fault for fault in found if known.world.scope(fault.node) == scope]
    if named := recovery.says.get("of_fault"):
        return [f for f in here if f.recorded and f.node.says.get("fault_id") == named]
    before = [fault for fault in here if fault.at_ns <= recovery.start_ns]
    return [max(before, key=lambda fault: fault.at_ns)] if before else []
