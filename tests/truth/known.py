"""The facts of a history by the definitions of kpis.md: plain loops over what was delivered.

Slow and obvious on purpose. A fact is a dictionary in the words of the definitions.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.truth import path, prices, trouble
from tests.truth.calls import (
    CALLS,
    counts,
    delegates,
    in_coordination,
    known_call,
)
from tests.truth.history import clipped, covered_ns
from tests.truth.runs import World, agent_above, agent_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.truth.history import Node, Span
    from tests.truth.runs import Run

Fact = dict[str, Any]

COORDINATORS = ("orchestrator", "router", "planner")
NO_SIBLINGS = (
    *("llm", "embedding", "workflow", "task", "chain", "fault", "recovery", "rating"),
    *("budget", "metric", "queued", "session", "decision", "message"),
)
"""What is not the next thing that an agent does after a call (a call that counts is)."""


class Known:
    """Every fact of what was delivered, by the name of what it is about."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.world = World(spans)
        self.calls = [node for node in self.world.work if counts(node)]
        self.coordinating = {n.key for n in self.calls if self._coordinates(n)}
        self.costs = {node.key: prices.cost_of(node) for node in self.calls}
        agents = self._of("agent")
        self.facts: dict[str, list[Fact]] = {
            "agent_runs": [self._agent_run(node) for node in agents],
            "llm_calls": [self._call(node) for node in self.calls],
            "tool_calls": [self._tool(node) for node in self._of("tool")],
        }
        self.facts["runs"] = [self._run(run) for run in self.world.runs.values() if not run.parent]
        self.facts["handoffs"] = self._handoffs()
        ended = {run["run_id"]: run for run in self.facts["runs"] if run["ended_ns"] is not None}
        self.facts["faults"] = [
            self._base(fault.node) | fault.fact() for fault in trouble.faults(self, ended)
        ]
        self.facts["critical_paths"] = [
            self._base(node) | {"part": part, "name": name, "critical_ns": own_ns}
            for node, part, name, own_ns in path.critical(self)
        ]
        self._narrow()

    # --- what every fact says ---

    def _of(self, kind: str) -> list[Node]:
        """Return what has ended of a kind; a wait for a person is one from its beginning on."""
        return [
            node
            for node in self.world.work
            if node.kind == kind and (kind == "human" or not node.span.unended)
        ]

    def _base(self, node: Node) -> Fact:
        run = self.world.run_of(node)
        above = agent_above(node)
        return {
            "trace_id": node.span.trace,
            "span_id": node.span.id,
            "run_id": run.id if run else "",
            "agent_run": above.span.id if above else "",
            "service": node.span.service,
            "agent": agent_name(node),
            "started_ns": node.start_ns,
            "ended_ns": node.end_ns,
            "duration_ns": node.duration_ns,
            "outcome": "failure" if node.span.failed else "success",
            "error_type": node.span.error_type,
            "project": self.world.dimension(node, "project"),
            "workflow": self.world.dimension(node, "workflow"),
            "feature": self.world.dimension(node, "feature"),
            "user": self.world.dimension(node, "user_id"),
            "conversation": self.world.dimension(node, "conversation_id"),
            "session": self.world.dimension(node, "session_id"),
        }

    # --- calls of models ---

    def _call(self, node: Node) -> Fact:
        cost, reason = self.costs[node.key]
        fact = self._base(node)
        if node.kind == "agent":
            fact["agent_run"] = node.span.id
        return fact | {
            "container": node.kind not in CALLS,
            "coordination": node.key in self.coordinating,
            "model": node.says.get("model", ""),
            "provider": node.says.get("provider", ""),
            "cost": cost,
            "unknown_reason": reason,
            "first_token_s": node.says.get("first_token_s"),
            **{word: node.says.get(word) for word in TOKENS},
        }

    def _coordinates(self, node: Node) -> bool:
        if in_coordination(node):
            return True
        holder = node if node.kind == "agent" else agent_above(node)
        if holder is not None and holder.says.get("agent_type") in COORDINATORS:
            return True
        following = self._next_sibling(node) if node.kind in CALLS else None
        return following is not None and (following.kind == "handoff" or delegates(following))

    def _next_sibling(self, node: Node) -> Node | None:
        above = agent_above(node)
        later = [
            one
            for one in self.world.traces[node.span.trace]
            if one.order > node.order
            and agent_above(one) is above
            and (one.kind not in NO_SIBLINGS or counts(one))
        ]
        return min(later, key=lambda one: one.order, default=None)

    def cost_behind(self, agent: Node) -> Any:  # noqa: ANN401 - Decimal or None
        """Return the cost of the calls whose nearest agent run is this one, None: unknown."""
        return prices.total(self.costs[node.key][0] for node in self._calls_of(agent))

    def _calls_of(self, agent: Node) -> list[Node]:
        return [
            node
            for node in self.calls
            if (node if node.kind == "agent" else agent_above(node)) is agent
        ]

    # --- agents ---

    def _agent_run(self, node: Node) -> Fact:
        inside = [one for one in node.below() if agent_above(one) is node]
        away = clipped(_times(inside, "agent", "human"), node.start_ns, node.end_ns)
        coordination = [
            *_times(inside, "plan", "handoff"),
            *((n.start_ns, n.end_ns) for n in inside if self._is_coordinating_call(n)),
        ]
        covered = covered_ns([*away, *clipped(coordination, node.start_ns, node.end_ns)])
        calls = self._calls_of(node)
        costs = [self.costs[one.key] for one in calls]
        return self._base(node) | {
            "agent_time_ns": node.duration_ns - covered_ns(away),
            "coordination_ns": covered - covered_ns(away),
            "away": away,
            "agent_version": node.says.get("agent_version", ""),
            "task_id": node.says.get("task_id", ""),
            "task_type": node.says.get("task_type", ""),
            "task_domain": node.says.get("task_domain", ""),
            "attempt": node.says.get("attempt", 0),
            "input_tokens": total(one.says.get("input_tokens") for one in calls),
            "output_tokens": total(one.says.get("output_tokens") for one in calls),
            "cost": prices.total(cost for cost, _ in costs),
            "unpriced": sum(known_call(one) and self.costs[one.key][0] is None for one in calls),
        }

    def _is_coordinating_call(self, node: Node) -> bool:
        return node.kind in CALLS and node.key in self.coordinating

    # --- tools and handoffs ---

    def _tool(self, node: Node) -> Fact:
        return self._base(node) | {
            "tool": node.says.get("tool") or node.span.name,
            "delegation": delegates(node),
        }

    def _handoffs(self) -> list[Fact]:
        targets = self._targets()
        nodes = sorted(self._of("handoff"), key=lambda node: node.order)
        facts = [self._handoff(node, targets) for node in nodes]
        by_scope: dict[str, list[Fact]] = defaultdict(list)
        for node, fact in zip(nodes, facts, strict=True):
            by_scope[self.world.scope(node)].append(fact)
        for following in by_scope.values():
            for one, after in pairwise(following):
                back = (after["source"], after["target"]) == (one["target"], one["source"])
                one["ping_pong"] = bool(back and one["source"] and one["mode"] == "pass_control")
        return facts

    def _targets(self) -> dict[tuple[str, str, str], list[Node]]:
        """Return what a handoff may have started, in time order, by run, type and name."""
        found: dict[tuple[str, str, str], list[Node]] = defaultdict(list)
        for node in self.world.work:
            if node.kind in ("agent", "human", "workflow"):
                name = {"agent": agent_name(node), "human": ""}.get(
                    node.kind, self.world.dimension(node, "workflow")
                )
                found[self.world.scope(node), node.kind, name].append(node)
        return found

    def _handoff(self, node: Node, targets: dict[tuple[str, str, str], list[Node]]) -> Fact:
        kind = node.says.get("target_type") or "agent"
        target = node.says.get("target", "")
        said = node.says.get("outcome", "")
        started = None
        if said not in ("refused", "lost"):
            waiting = targets[self.world.scope(node), kind, "" if kind == "human" else target]
            started = next((one for one in waiting if one.start_ns >= node.start_ns), None)
            if started is not None:
                waiting.remove(started)
        source = agent_name(node)
        run = self.world.run_of(node)
        outcome = "pending" if run is None or run.unended else "lost"
        return self._base(node) | {
            "source": source,
            "target": target,
            "mode": node.says.get("mode", ""),
            "outcome": said or ("accepted" if started else outcome),
            "payload_bytes": node.says.get("payload_bytes"),
            "latency_ns": started.start_ns - node.start_ns if started else None,
            "cost": self.cost_behind(started) if started else None,
            "target_key": started.key if started else None,
            "ping_pong": False,
        }

    # --- runs ---

    def _run(self, run: Run) -> Fact:
        start = min(node.start_ns for node in run.openers)
        end = None if run.unended else max(node.end_ns for node in run.openers)
        last = max(run.openers, key=lambda node: (node.end_ns, *node.key))
        queued = min((at for n in run.members if (at := _queued_ns(n))), default=None)
        agents = [node for node in run.members if node.kind == "agent"]
        spent = [self._agent_run(node) for node in agents if not node.span.unended]
        people = _times(run.members, "human")
        gap = covered_ns(_times(run.members, "workflow", "agent", "human")) - covered_ns(
            _times(run.members, "agent", "human")
        )
        members = {node.key for node in run.members}
        calls = [node for node in self.calls if node.key in members]
        return {
            "run_id": run.id,
            "service": run.first.span.service,
            "agents": sorted({agent_name(node) for node in agents}),
            "path": path.pattern(agents),
            # So long after the last word of it, what has not ended never will.
            "outcome": "lost"
            if end is None
            else last.says.get("workflow_outcome")
            or ("failure" if last.span.failed else "success"),
            "started_ns": start,
            "ended_ns": end,
            "duration_ns": None if end is None else end - start,
            "active_ns": None
            if end is None
            else end - start - covered_ns(clipped(people, start, end)),
            "queued_ns": queued if queued is not None and queued <= start else None,
            "agent_time_ns": sum(one["agent_time_ns"] for one in spent) + gap,
            "coordination_ns": sum(one["coordination_ns"] for one in spent) + gap
            if self._works(run) and end is not None
            else None,
            "estimated_s": _first(sorted(run.openers, key=lambda n: n.order), "estimated_s"),
            "estimated_cost": self._estimates(run),
            "said_score": _first(
                sorted(run.openers, key=lambda n: (-n.end_ns, n.key)), "resilience_score"
            ),
            "spans": sum(_is_stored(node) for node in run.members),
            "missing": sum(
                node.span.parent != "" and node.parent is None and _is_stored(node)
                for node in run.members
            ),
            "traces": {node.span.trace for node in run.members},
            "multi_root": {t for t in {n.span.trace for n in run.members} if self._roots(t) > 1},
            "cost": prices.total(self.costs[node.key][0] for node in calls),
            "unpriced": sum(known_call(node) and self.costs[node.key][0] is None for node in calls),
            **{word: self._run_dimension(run, word) for word in RUN_DIMENSIONS},
        }

    def _roots(self, trace: str) -> int:
        return sum(not node.span.parent for node in self.world.traces[trace])

    def _run_dimension(self, run: Run, word: str) -> str:
        said = str(run.first.inherited(RUN_DIMENSIONS[word]))
        if said or word == "workflow":
            return said
        found = (self.world.dimension(node, RUN_DIMENSIONS[word]) for node in run.members)
        return next((one for one in found if one), "")

    def _works(self, run: Run) -> bool:
        """Say whether the run has work, or an agent with nothing below it that could be work."""
        return any(self._is_work(node) for node in run.members)

    def _is_work(self, node: Node) -> bool:
        if node.kind == "agent":
            return not any(agent_above(one) is node for one in node.below())
        if node.kind == "llm":
            return counts(node) and node.key not in self.coordinating
        work = node.kind in ("tool", "retrieval", "embedding")
        return work and not delegates(node) and not in_coordination(node)

    def _estimates(self, run: Run) -> Any:  # noqa: ANN401 - Decimal or None
        said = {
            (node.says.get("task_id") or node.span.id, node.says["estimated_cost"])
            for node in run.members
            # A task that is queued says its estimate again when it starts.
            if node.kind != "queued" and node.says.get("estimated_cost") is not None
        }
        return prices.total(cost for _, cost in said)

    # --- one row per span of a kind ---

    def _narrow(self) -> None:
        """Add the facts that say little more than their spans do."""
        for kind, (name, words) in NARROW.items():
            self.facts[name] = [
                self._base(node) | {word: node.says.get(word) for word in words}
                for node in self._of(kind)
            ]
        for node, fact in zip(self._of("human"), self.facts["human_waits"], strict=True):
            fact["over"] = not node.span.unended
        for fact in self.facts["budget_events"]:
            fact["budget"] = fact["budget"] or fact["scope"] or ""
            inside = fact["run_id"] or fact["trace_id"]
            fact["pot"] = inside if fact["scope"] in ("workflow", "agent") else ""
        self.facts["run_metrics"] = [
            fact for fact in self.facts["run_metrics"] if fact["value"] is not None
        ]
        self.facts["run_metrics"] += [
            self._base(node)
            | {
                "span_id": f"{self._base(node)['span_id']}.{name}",
                "metric": name,
                "value": float(node.says[name]),
            }
            for node in self._of("session")
            for name in ("performance_impact", "cpu_ratio", "memory_bytes")
            if node.says.get(name) is not None
        ]
        for fact in self.facts["messages"]:
            fact["source"] = fact["source"] or fact["agent"]
        self.facts["ratings"] = [self._rating(node) for node in self._of("rating")]

    def _rating(self, node: Node) -> Fact:
        linked = next(
            ((trace, span) for trace, span, why in node.span.links if why == "rates"), None
        )
        rated = self.world.by_key.get(linked, node) if linked else node
        fact = self._base(rated)
        own = {word: self._base(node)[word] for word in ("started_ns", "ended_ns", "duration_ns")}
        quality = node.says.get("quality")
        return (
            fact
            | own
            | {
                "quality": quality if quality in range(1, 6) else None,
                "success": node.says.get("success"),
                "use_again": node.says.get("use_again"),
                "alternative": node.says.get("alternative", ""),
                "source": node.says.get("rated_by", ""),
                "of_agent": rated.kind == "agent" or agent_above(rated) is not None,
                **{word: rated.says.get(word, "") for word in _OF_RATED},
            }
        )


RUN_DIMENSIONS = {
    "workflow": "workflow",
    "project": "project",
    "feature": "feature",
    "session": "session_id",
    "conversation": "conversation_id",
    "user": "user_id",
}
_OF_RATED = ("task_type", "task_domain", "agent_version")
TOKENS = ("input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning")
NARROW = {
    "human": ("human_waits", ("human_reason", "priority", "decision")),
    "validation": ("validations", ("validation", "validator", "role", "result")),
    "budget": ("budget_events", ("budget", "scope", "limit_usd", "used_usd", "state")),
    "metric": ("run_metrics", ("metric", "value")),
    "decision": ("decisions", ("decided", "choice", "confidence")),
    "message": ("messages", ("source", "target", "message_type", "payload_bytes")),
    "task": ("tasks", ("task_id", "task_type", "task_domain", "attempt")),
}


def total(values: Iterable[int | None]) -> int | None:
    """Return the sum of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _is_stored(node: Node) -> bool:
    """Say whether it is a span, and not only known to have begun."""
    return not node.is_event and not node.span.unended


def _queued_ns(node: Node) -> int:
    """Return when a task that it tells of was queued, 0 where it tells of none."""
    return node.start_ns if node.kind == "queued" else node.says.get("queued_ns") or 0


def _times(nodes: Iterable[Node], *kinds: str) -> list[tuple[int, int]]:
    return [(node.start_ns, node.end_ns) for node in nodes if node.kind in kinds]


def _first(nodes: Iterable[Node], word: str) -> Any:  # noqa: ANN401 - a number or None
    said = (node.says.get(word) for node in nodes)
    return next((value for value in said if value is not None), None)
