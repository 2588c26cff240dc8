"""The order in which agents took part in a run, and what its end waited for."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from tests.truth.history import FOREIGN, Node
from tests.truth.runs import agent_above, agent_name, opens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.truth.known import Known

MOST_STEPS = 32
Interval = tuple[int, int]


def pattern(agents: list[Node]) -> str:
    """Return the path: overlapping agents joined, repeats collapsed."""
    families: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for node in agents:
        above = agent_above(node)
        families[above.key if above else ("", "")].append(node)
    steps: list[tuple[int, int, str, str]] = []
    for parent, family in families.items():
        steps.extend(_steps(parent, sorted(family, key=lambda node: node.order)))
    names: list[str] = []
    for *_, step in sorted(steps):
        if not names or names[-1] != step:
            names.append(step)
    return " > ".join(names[:MOST_STEPS])


def _steps(parent: tuple[str, str], family: list[Node]) -> Iterator[tuple[int, int, str, str]]:
    """Yield start, depth, parent and names of each step among the agents of one parent."""
    step: list[Node] = []
    for node in [*family, None]:
        ends = max((math.inf if one.span.unended else one.end_ns for one in step), default=0)
        if step and (node is None or node.start_ns >= ends):
            names = " + ".join(sorted({agent_name(one) for one in step}))
            depth = min(sum(1 for _ in one.above()) for one in step)
            yield step[0].start_ns, depth, "".join(parent), names
            step = []
        if node is not None:
            step.append(node)


def critical(known: Known) -> Iterator[tuple[Node, str, str, int]]:
    """Yield what is on the critical path of each run: part, name and its own time."""
    world = known.world
    for node in world.work:
        top = opens(node) and world.top_above(node) is None
        if top or any(node in run.openers for run in world.runs.values() if run.implicit):
            for one, own_ns in _path(node):
                if own_ns > 0:
                    yield one, *_named(known, one), own_ns


def _path(top: Node) -> Iterator[tuple[Node, int]]:
    """Yield each span on the path below an opener, with the time for which nothing below it ran."""
    start, end = top.start_ns, top.end_ns
    inside = {top: (start, end)} if end > start else {}
    for node in top.below():
        if node.kind != FOREIGN:
            part = max(node.start_ns, start), min(node.end_ns, end)
            if part[0] < part[1]:
                inside[node] = part
    held: dict[Node, list[Node]] = defaultdict(list)
    for node, part in inside.items():
        if node is not top and (holder := _holder(node, top, part, inside)) is not None:
            held[holder].append(node)
    waiting = [top] if top in inside else []
    while waiting:
        node = waiting.pop()
        waited_for = _waited_for(inside[node], [(inside[one], one) for one in held[node]])
        yield node, _length(inside[node]) - sum(_length(inside[one]) for one in waited_for)
        waiting.extend(waited_for)


def _holder(node: Node, top: Node, part: Interval, inside: dict[Node, Interval]) -> Node | None:
    """Return the nearest thing above that was there all the time."""
    for one in node.above():
        if one in inside and inside[one][0] <= part[0] and inside[one][1] >= part[1]:
            return one
        if one is top:
            break
    return None


def _waited_for(whole: Interval, children: list[tuple[Interval, Node]]) -> list[Node]:
    """Return, backwards from the end, the child that ended last before each moment."""
    found: list[Node] = []
    moment = whole[1]
    left = sorted(children, key=lambda child: (child[0][1], -child[0][0], child[1].key))
    while left:
        (start, end), node = left.pop()
        if end <= moment:
            found.append(node)
            moment = start
    return found


def _length(part: Interval) -> int:
    return part[1] - part[0]


def _named(known: Known, node: Node) -> tuple[str, str]:
    """Return which part of the work it was, and its name."""
    if node.kind == "tool" and not any(one.kind == "agent" for one in node.below()):
        return "tool", node.says.get("tool") or node.span.name
    if node.kind == "handoff":
        return "handoff", f"{agent_name(node)} > {node.says.get('target', '')}"
    if node.kind == "human":
        return "human", node.says.get("human_reason") or node.span.name
    if name := agent_name(node):
        return "agent", name
    return "workflow", known.world.dimension(node, "workflow")
