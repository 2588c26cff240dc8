"""Which run everything belongs to (kpis.md "Run"), counted by hand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.truth.history import FOREIGN, Node, forest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.truth.history import Span

MOST_RESUMED = 32


@dataclass
class Run:
    """One run and what opened it."""

    id: str
    openers: list[Node] = field(default_factory=list)
    implicit: bool = False
    parent: str = ""
    members: list[Node] = field(default_factory=list)
    """Agent work of the run, that of runs inside it too."""

    @property
    def unended(self) -> bool:
        """Say whether what opened it goes on, or is lost."""
        return any(node.span.unended for node in self.openers)

    @property
    def first(self) -> Node:
        """Return the opener that began first."""
        return min(self.openers, key=lambda node: node.order)


class World:
    """What was delivered, as it hangs together once everything has settled."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.nodes = forest(spans)
        self.work = [node for node in self.nodes if node.kind != FOREIGN]
        self.traces: dict[str, list[Node]] = defaultdict(list)
        for node in self.work:
            self.traces[node.span.trace].append(node)
        self.by_key = {node.key: node for node in self.work}
        self.runs: dict[str, Run] = {}
        self._opened: dict[tuple[str, str], str] = {}
        self._open()
        self._nest()
        self._of: dict[tuple[str, str], str] = {}
        for node in self.work:
            self._join(node)

    def run_of(self, node: Node) -> Run | None:
        """Return the top run of a node."""
        found = self._of[node.key]
        return self.runs[self.lineage(found)[-1]] if found else None

    def scope(self, node: Node) -> str:
        """Return within what things follow one another: the run, else the trace."""
        run = self.run_of(node)
        return run.id if run else node.span.trace

    def lineage(self, run_id: str) -> list[str]:
        """Return a run, the run that holds it, and so on up to the top run."""
        line = [run_id]
        while (parent := self.runs[line[-1]].parent) and parent not in line:
            line.append(parent)
        return line

    def dimension(self, node: Node, word: str) -> str:
        """Return who or what it was for: said by it or above it, else by its run's opener."""
        said = node.inherited(word)
        found = self._of[node.key]
        if not said and found:
            said = self.runs[found].first.inherited(word)
        return str(said)

    def top_above(self, opener: Node) -> Node | None:
        """Return the opener above; a lost parent was below the trace's only root."""
        for node in opener.above():
            if opens(node):
                return node
        if opener.span.parent and top_of(opener).span.parent:
            roots = [n for n in self.traces[opener.span.trace] if opens(n) and not n.span.parent]
            return roots[0] if len(roots) == 1 else None
        return None

    def _openers_above(self, opener: Node) -> list[Node]:
        found: list[Node] = []
        one = self.top_above(opener)
        while one is not None:
            found.append(one)
            one = self.top_above(one)
        return found

    def _open(self) -> None:
        names: dict[tuple[str, str], str] = {}
        tops: dict[str, Node] = {}
        for trace, nodes in self.traces.items():
            openers = [node for node in nodes if opens(node)]
            above = {node.key: self._openers_above(node) for node in openers}
            top = [node for node in openers if not above[node.key]]
            for node in openers:
                own = node.says.get("workflow_id", "")
                handed = {one.says.get("workflow_id", "") for one in above[node.key]}
                if own and own != trace and own not in handed:
                    names[node.key] = own
                elif top and node is top[0]:
                    names[node.key] = trace
                else:
                    names[node.key] = f"{trace}-{node.span.id}"
            if top:
                tops[trace] = top[0]
        implicit = self._implicit(set(names.values()))
        names |= implicit
        for key in implicit:
            tops.setdefault(key[0], self.by_key[key])
        for key, name in names.items():
            node = self.by_key[key]
            run_id = name if self.top_above(node) else self._resumed(node, name, tops, names)
            run = self.runs.setdefault(run_id, Run(run_id))
            run.openers.append(node)
            run.implicit |= key in implicit
            self._opened[key] = run_id

    def _implicit(self, known: set[str]) -> dict[tuple[str, str], str]:
        """Return the topmost agents of traces without an opener, and the run of each."""
        found = {}
        for trace, nodes in self.traces.items():
            if any(opens(node) for node in nodes):
                continue
            for node in nodes:
                if node.kind == "agent" and not any(one.kind == "agent" for one in node.above()):
                    said = node.inherited("workflow_id")
                    if said not in known:
                        found[node.key] = said or trace
        return found

    def _resumed(
        self, node: Node, name: str, tops: dict[str, Node], names: dict[tuple[str, str], str]
    ) -> str:
        """Return the run that an opener continues, its own if none."""
        for _ in range(MOST_RESUMED):
            resumed = next((trace for trace, _, why in node.span.links if why == "resumes"), "")
            if not resumed:
                return name
            if resumed not in tops:
                return resumed
            node = tops[resumed]
            name = names[node.key]
        return name

    def _nest(self) -> None:
        for run in self.runs.values():
            holders = {self._above_run(node) for node in run.openers} - {run.id}
            run.parent = max(holders, default="")

    def _above_run(self, opener: Node) -> str:
        above = self.top_above(opener)
        return self._opened[above.key] if above else ""

    def _join(self, node: Node) -> None:
        run_id = self._run_id(node)
        self._of[node.key] = run_id
        if run_id:
            for one in self.lineage(run_id):
                self.runs[one].members.append(node)

    def _run_id(self, node: Node) -> str:
        for one in node.up():
            if one.kind != FOREIGN and opens(one):
                return self._opened[one.key]
        for one in node.up():
            if one.key in self._opened:
                return self._opened[one.key]
        said = str(node.inherited("workflow_id"))
        if said in self.runs:
            return said
        opened = (self._opened.get(one.key) for one in self.traces[node.span.trace])
        tops = {self.lineage(one)[-1] for one in opened if one}
        return tops.pop() if len(tops) == 1 else ""


def opens(node: Node) -> bool:
    """Say whether it opens a run: a workflow, or an agent that is a trace root."""
    return node.kind == "workflow" or (node.kind == "agent" and not node.span.parent)


def top_of(node: Node) -> Node:
    """Return the topmost thing above it that came, foreign or not."""
    top = node
    for one in node.above():
        top = one
    return top


def agent_above(node: Node) -> Node | None:
    """Return the nearest agent run above."""
    return next((one for one in node.above() if one.kind == "agent"), None)


def agent_name(node: Node) -> str:
    """Return which agent did it; of a handoff, who gives work away."""
    said = node.says.get("agent", "")
    if node.kind == "handoff":
        said = node.says.get("source") or said
    if not said and node.kind == "agent":
        said = node.span.name
    above = agent_above(node)
    return said or (agent_name(above) if above else "")
