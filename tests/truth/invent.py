"""Invents histories of teams of agents: the same seed, the same history.

Topologies, conventions and numbers are random; so is what is lost, late or delivered twice.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.truth.history import FOREIGN, SECOND_NS, Event, History, Says, Span
from tests.truth.otlp import WORDS
from tests.truth.prices import OWN_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

START_NS = 1_795_176_000 * SECOND_NS
"""2026-11-20 12:00:00 UTC."""
MINUTE_NS = 60 * SECOND_NS

AGENTS = ("triage", "research", "writer", "critic", "billing")
WORKFLOWS = ("report", "review", "refund")
TOOLS = ("search", "fetch", "calculate")
MODELS = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-3-5-haiku-latest"),
    ("", OWN_MODEL),
    ("", ""),
)
ERRORS = ("Timeout", "RateLimit", "ValueError")
CONVENTIONS = ("handspan",) * 5 + ("otel", "otel", "openinference", "openllmetry")
PLANS = {
    "handspan": ("plan", "retrieval", "embedding", "memory", "human", "validation", "recovery"),
    "otel": ("plan", "retrieval", "embedding", "memory"),
    "openinference": ("retrieval", "embedding", "chain"),
    "openllmetry": ("chain",),
}
"""Steps besides calls, tools, handoffs and agents that a convention has words for."""


@dataclass(frozen=True)
class Place:
    """Where in a trace something is about to happen."""

    trace: str
    parent: str = ""
    convention: str = "handspan"
    service: str = "team"
    attribution: tuple[tuple[str, Any], ...] = ()
    """What every span in here says, in our own convention."""
    agent: str = ""
    depth: int = 0

    def under(self, span_id: str, **attribution: Any) -> Place:  # noqa: ANN401 - see Says
        """Return the place inside a span."""
        said = dict(self.attribution) | attribution
        agent = attribution.get("agent", self.agent)
        known = tuple((word, value) for word, value in said.items() if value)
        return replace(self, parent=span_id, attribution=known, agent=agent, depth=self.depth + 1)


def invent(seed: object, *, start_ns: int = START_NS, project: str = "") -> History:
    """Return the history of a seed: one to four runs that begin within an hour of `start_ns`.

    `project` is said by every workflow; '': a random one, or none.
    """
    dice = random.Random(str(seed))  # noqa: S311 - a dice, not a secret
    team = _Team(dice, project)
    for _ in range(dice.choice((1, 1, 2, 2, 3))):
        team.play(start_ns + dice.randrange(60) * MINUTE_NS)
    team.afterwards()
    spans = team.skewed()
    return History(seed, spans, deliveries(dice, spans))


def deliveries(dice: random.Random, spans: list[Span]) -> list[list[Span]]:
    """Return requests that deliver the spans in any order, some twice, a few never."""
    lost = dice.choice((0, 0, 0, 1, 2, 3))
    kept = dice.sample(spans, max(1, len(spans) - lost))
    if dice.random() < 0.1:  # the process of a root was killed
        kept = [span for span in kept if span.parent] or kept
    twice = dice.sample(kept, dice.randrange(min(4, len(kept) + 1)))
    coming = kept + twice
    dice.shuffle(coming)
    if dice.random() < 0.3:
        coming.sort(key=lambda span: span.end_ns)
    cuts = sorted(dice.randrange(len(coming) + 1) for _ in range(dice.randrange(4)))
    edges = [0, *cuts, len(coming)]
    requests = [coming[a:b] for a, b in pairwise(edges)]
    # Spans of others wake nobody: one that comes when its trace has long been idle is not seen.
    others = [span for span in coming if span.kind == FOREIGN]
    return [others + requests[0], *requests[1:]]


class _Team:
    """Writes down what a team of agents does."""

    def __init__(self, dice: random.Random, project: str) -> None:
        self.dice = dice
        self.spans: list[Span] = []
        self.slow = dice.choice((1, 1, 1, 1, 1000))
        self.project = project or dice.choice(("", "books"))
        self.convention = "handspan"
        self.faults: list[tuple[str, str]] = []

    # --- dice ---

    def maybe(self, chance: float) -> bool:
        return self.dice.random() < chance

    def lasts(self, most_s: float = 3) -> int:
        """Return a length in ns; odd ones, so that few things happen at the same moment."""
        return self.dice.randrange(1, int(most_s * SECOND_NS)) * self.slow

    def hex(self, digits: int) -> str:
        return f"{self.dice.getrandbits(4 * digits) or 1:0{digits}x}"

    def usd(self) -> Decimal:
        return Decimal(self.dice.randrange(1, 10**6)) / 10**7

    # --- runs ---

    def play(self, at_ns: int) -> None:
        """Invent one run."""
        self.convention = self.dice.choice(CONVENTIONS)
        shapes: tuple[Callable[[Place, int], object], ...] = (
            self._plain,
            self._plain,
            self._plain,
            self._agent_alone,
            self._behind_http,
            self._implicit,
            self._twice_in_a_trace,
            self._over_two_traces,
            self._resumed,
            self._in_no_run,
        )
        self.dice.choice(shapes)(self._new_trace(), at_ns)

    def _new_trace(self) -> Place:
        service = self.dice.choice(("team", "team", "shop"))
        return Place(self.hex(32), convention=self.convention, service=service)

    def _plain(self, place: Place, at_ns: int) -> int:
        return self._workflow(place, at_ns)

    def _agent_alone(self, place: Place, at_ns: int) -> None:
        self._agent(place, at_ns)

    def _behind_http(self, place: Place, at_ns: int) -> None:
        self._around(place, at_ns, self._workflow)

    def _implicit(self, place: Place, at_ns: int) -> None:
        self._around(place, at_ns, self._agent)
        if self.maybe(0.3):
            self._around(place, at_ns + self.lasts(), self._agent)

    def _in_no_run(self, place: Place, at_ns: int) -> None:
        """Invent work that nobody opened a run for: what became of it is not known."""
        self._around(replace(place, convention="handspan"), at_ns, self._loose)

    def _loose(self, place: Place, at_ns: int) -> int:
        moment = at_ns
        for name in self.dice.sample(("lost", "searched", "called"), 2):
            end = moment + self.lasts()
            if name == "lost":
                handed = {"source": "triage", "target": "writer", "mode": "pass_control"}
                self._write(place, "handoff", moment, end, handed)
            elif name == "called":
                end = self._call(place, moment)
            else:
                end = self._fault(place, moment)
            moment = end
        return moment

    def _around(self, place: Place, at_ns: int, inside: Callable[[Place, int], int]) -> None:
        root = self.hex(16)
        end = inside(place.under(root), at_ns + self.lasts(0.01))
        self._write(place, FOREIGN, at_ns, end + self.lasts(0.01), id=root)

    def _twice_in_a_trace(self, place: Place, at_ns: int) -> None:
        end = self._workflow(place, at_ns)
        self._workflow(place, end + self.lasts())

    def _over_two_traces(self, place: Place, at_ns: int) -> None:
        """Invent a run that a queue splits: the same id in two traces."""
        self.convention = "handspan"
        run = f"ticket-{self.hex(8)}"
        end = self._workflow(replace(place, convention="handspan"), at_ns, run=run)
        again = self._new_trace()
        if self.maybe(0.5):
            self._workflow(again, end + self.lasts(), run=run)
        else:
            named = again.under("", workflow_id=run)
            self._around(named, end + self.lasts(), self._agent)

    def _resumed(self, place: Place, at_ns: int) -> None:
        first = len(self.spans)
        end = self._workflow(place, at_ns)
        root = next(span for span in self.spans[first:] if not span.parent)
        links = ((root.trace, root.id, "resumes"),)
        self._workflow(self._new_trace(), end + self.lasts(), links=links)

    def _workflow(
        self,
        place: Place,
        at_ns: int,
        run: str = "",
        links: tuple[tuple[str, str, str], ...] = (),
    ) -> int:
        mine = self.hex(16)
        convention = place.convention
        if convention == "openinference":
            convention = "handspan"  # which has no word for a workflow
        name = self.dice.choice(WORKFLOWS)
        run = run or self.dice.choice(("", "", f"ticket-{self.hex(8)}"))
        nested = bool(dict(place.attribution).get("workflow_id"))
        default = f"{place.trace}-{mine}" if nested else place.trace
        said: Says = {
            "workflow": name,
            "project": self.project,
            "feature": self.dice.choice(("", "login", "search")),
            "user_id": self.dice.choice(("", "ann", "bob")),
            "session_id": self.dice.choice(("", "s1")),
            "conversation_id": self.dice.choice(("", "c1", "c2")),
        }
        handed: Says = {}
        if convention == "handspan":
            handed = {"workflow": name, "workflow_id": run or default}
            said |= {"workflow_id": run or default} | self._promises()
        inside = place.under(mine, **handed)
        end = self._steps(inside, at_ns)
        outcome = self.dice.choice((None, None, None, "success", "failure", "cancelled"))
        if convention == "handspan":
            said["workflow_outcome"] = outcome
        events = self._numbers(at_ns, end) if convention == "handspan" else ()
        failed = self.maybe(0.25) and outcome != "cancelled"
        self._write(
            replace(place, convention=convention, attribution=()),
            "workflow",
            at_ns,
            end,
            said,
            failed=failed,
            id=mine,
            events=events,
            links=links,
        )
        return end

    def _promises(self) -> Says:
        said: Says = {}
        if self.maybe(0.4):
            said["estimated_s"] = self.dice.choice((5.0, 12.5, 0.0))
        if self.maybe(0.2):
            said["resilience_score"] = self.dice.choice((40.0, 75.5))
        return said

    def _numbers(self, start_ns: int, end_ns: int) -> tuple[Event, ...]:
        """Return budgets and numbers as points in time."""
        events = []
        # Of these limits 80 % are a tenth, which what is used may hit.
        limit = Decimal(self.dice.randrange(1, 20) // 5 * 5 or 5) / 10
        scope, name = self.dice.choice((("workflow", None), ("day", "daily"), ("agent", None)))
        used = Decimal(0)
        for _ in range(self.dice.choice((0, 0, 1, 2, 3))):
            used += Decimal(self.dice.randrange(0, 10)) / 10
            state = "exceeded" if used > limit else "warning" if used >= limit * 8 / 10 else "ok"
            said = {"scope": scope, "budget": name, "limit_usd": limit, "used_usd": used}
            said["state"] = None if self.maybe(0.5) else state
            events.append(Event("budget", self._between(start_ns, end_ns), said))
        for _ in range(self.dice.choice((0, 0, 1, 2))):
            name = self.dice.choice(("turns", "score"))
            number: Says = {"metric": name, "value": self.dice.gauss(0, 5)}
            events.append(Event("metric", self._between(start_ns, end_ns), number))
        if self.maybe(0.3):
            queued: Says = {"task_id": self.dice.choice(("", "t1")), "estimated_cost": self.usd()}
            events.append(Event("queued", start_ns + self.lasts(9) - self.lasts(30), queued))
        return (*events, *self._said(start_ns, end_ns))

    def _said(self, start_ns: int, end_ns: int) -> list[Event]:
        """Return decisions, messages and steps of a session."""
        kinds = self.dice.choices(("decision", "message", "session"), k=self.dice.choice((0, 0, 3)))
        return [Event(kind, self._between(start_ns, end_ns), self._says(kind)) for kind in kinds]

    def _says(self, kind: str) -> Says:
        if kind == "decision":
            sure = self.dice.choice((None, 0.25, 1.0))
            return {"decided": "queue", "choice": self.dice.choice(AGENTS), "confidence": sure}
        if kind == "message":
            said: Says = {"source": self.dice.choice(("", "critic")), "message_type": "offer"}
            return said | {"target": self.dice.choice(AGENTS), "payload_bytes": 7}
        figures: Says = {"performance_impact": -0.5, "cpu_ratio": 0.25, "memory_bytes": 2048}
        return {name: self.dice.choice((None, value)) for name, value in figures.items()}

    def _between(self, start_ns: int, end_ns: int) -> int:
        return self.dice.randrange(start_ns, max(end_ns, start_ns + 1))

    # --- agents ---

    def _agent(self, place: Place, at_ns: int, name: str = "") -> int:
        mine = self.hex(16)
        name = name or self.dice.choice(AGENTS)
        if self.maybe(0.2):
            place = replace(place, service=self.dice.choice(("team", "shop", "remote")))
        said: Says = {"agent": name, "agent_version": self.dice.choice(("", "v1", "v2"))}
        if place.convention == "handspan":
            said["agent_type"] = self.dice.choice(("", "", "writer", "router", "planner"))
            said |= self._task_words() if self.maybe(0.3) else {}
        if self.maybe(0.15) and place.convention != "openllmetry":
            said |= self._usage()
        end = self._steps(place.under(mine, agent=name), at_ns)
        if self.maybe(0.05):
            end = self._between(at_ns, end) + 1
        self._write(place, "agent", at_ns, end, said, failed=self.maybe(0.2), id=mine)
        return end

    def _steps(self, place: Place, at_ns: int) -> int:
        """Invent what happens inside something, and return when it is over."""
        moment = at_ns + self.lasts(0.5)
        most = (4, 7, 5, 3, 2, 1)[min(place.depth, 5)]
        for _ in range(self.dice.randrange(most)):
            end = self._step(place, moment)
            if self.maybe(0.15):  # the next one starts before this one is over
                end = self._between(moment, end)
            moment = end + self.lasts(0.3)
        return moment

    def _step(self, place: Place, at_ns: int) -> int:
        if place.depth > 4 or len(self.spans) > 60:
            return self._call(place, at_ns)
        if not place.agent and self.maybe(0.6):
            return self._agent(place, at_ns)
        steps: list[Callable[[Place, int], int]] = [
            self._call,
            self._call,
            self._tool,
            self._delegation,
            self._handoff,
            self._handoff,
            self._other,
            self._other,
        ]
        if place.convention == "handspan":
            steps += [self._task, self._fault, self._nested, self._there_and_back]
        return self.dice.choice(steps)(place, at_ns)

    def _usage(self) -> Says:
        tokens = self.dice.randrange(10, 5000)
        said: Says = {"input_tokens": tokens, "output_tokens": self.dice.randrange(1, 500)}
        if self.maybe(0.3):
            said["cache_read"] = self.dice.randrange(tokens)
        return said

    def _call(self, place: Place, at_ns: int) -> int:
        """Invent a call of a model; sometimes two instrumentors see the same one."""
        provider, model = self.dice.choice(MODELS)
        end = at_ns + self.lasts()
        said: Says = {"provider": provider, "model": model}
        if place.convention == "openllmetry" and not model:
            said["model"] = OWN_MODEL
        if self.maybe(0.8):
            said |= self._usage()
        if model == OWN_MODEL and self.maybe(0.3):
            said.pop("output_tokens", None)
        if self.maybe(0.3) and place.convention != "openllmetry":
            said["cost"] = self.usd()
        if self.maybe(0.3) and place.convention in ("handspan", "otel"):
            said["first_token_s"] = self.dice.randrange(1, 2000) / 1000
        failed = self.maybe(0.2)
        mine = self.hex(16)
        if self.maybe(0.1):
            inner = {word: said[word] for word in said if word != "first_token_s"}
            self._write(place.under(mine), "llm", at_ns + 5, max(at_ns + 6, end - 5), inner)
            said = {word: said[word] for word in ("provider", "model")} | (
                self._usage() if self.maybe(0.5) else {}
            )
        elif self.maybe(0.1) and place.convention in ("handspan", "otel"):
            score = {"validation": "tone", "result": self.dice.choice(("pass", "fail", "odd"))}
            event = Event("validation", self._between(at_ns, end), score)
            self._write(place, "llm", at_ns, end, said, failed=failed, id=mine, events=(event,))
            return end
        self._write(place, "llm", at_ns, end, said, failed=failed, id=mine)
        return end

    def _tool(self, place: Place, at_ns: int) -> int:
        name = self.dice.choice(TOOLS)
        end = at_ns
        for _ in range(self.dice.choice((1, 1, 2))):
            start, end = end, end + self.lasts()
            failed = self.maybe(0.3)
            self._write(place, "tool", start, end, {"tool": name}, failed=failed)
            if not failed:
                break
        return end

    def _delegation(self, place: Place, at_ns: int) -> int:
        mine = self.hex(16)
        end = self._agent(place.under(mine), at_ns + self.lasts(0.1)) + self.lasts(0.1)
        said = {"tool": f"ask_{self.dice.choice(AGENTS)}"}
        self._write(place, "tool", at_ns, end, said, failed=self.maybe(0.1), id=mine)
        return end

    def _handoff(self, place: Place, at_ns: int, source: str = "", target: str = "") -> int:
        """Invent a handoff, whose target mostly starts."""
        target = target or self.dice.choice(AGENTS)
        end = at_ns + self.lasts(0.2)
        said: Says = {"target": target}
        if place.convention in ("handspan", "otel"):
            said["mode"] = self.dice.choice(("pass_control", "pass_control", "return_to_caller"))
        if place.convention in ("handspan", "openllmetry"):
            said["source"] = source or self.dice.choice((place.agent, "triage"))
        if place.convention == "handspan":
            said["outcome"] = self.dice.choice((None,) * 6 + ("accepted", "refused", "lost"))
            said["payload_bytes"] = self.dice.choice((None, 0, 512, 70_000))
            said["target_type"] = self.dice.choice((None, None, None, "agent", "human", "workflow"))
        mine = self.hex(16)
        if self.maybe(0.15):
            end = self._agent(place.under(mine), at_ns, target)
        self._write(place, "handoff", at_ns, end, said, id=mine)
        if self.maybe(0.6):
            return self._agent(place, self.dice.choice((end, at_ns)), target)
        return end

    def _there_and_back(self, place: Place, at_ns: int) -> int:
        ping, pong = self.dice.sample(AGENTS, 2)
        moment = at_ns
        for source, target in ((ping, pong), (pong, ping)):
            moment = self._handoff(place, moment, source, target)
        return moment

    def _nested(self, place: Place, at_ns: int) -> int:
        return self._workflow(place, at_ns)

    # --- everything else ---

    def _other(self, place: Place, at_ns: int) -> int:
        kind = self.dice.choice(PLANS[place.convention])
        mine, end = self.hex(16), at_ns + self.lasts()
        if kind == "plan":
            end = self._call(place.under(mine), at_ns + self.lasts(0.1)) + self.lasts(0.1)
        said: Says = {}
        if kind == "embedding":
            said = {"provider": "", "model": OWN_MODEL, "input_tokens": 12}
        elif kind == "human":
            said = self._person()
        elif kind == "validation":
            said = self._check()
        elif kind == "recovery":
            said = self._recovery_words()
        elif kind == "plan" and place.convention == "otel":
            said = {"agent": place.agent} if place.agent else {}
        self._write(place, kind, at_ns, end, said, id=mine)
        return end

    def _person(self) -> Says:
        return {
            "human_reason": self.dice.choice(("approve", "unclear")),
            "priority": self.dice.choice(("low", "high")),
            "decision": self.dice.choice((None, "approved", "denied", "answered", "timed_out")),
        }

    def _check(self) -> Says:
        return {
            "validation": self.dice.choice(("tone", "facts")),
            "validator": self.dice.choice(("judge", "pytest")),
            "role": self.dice.choice(("critic", "critic", "test", "guard", None)),
            "result": self.dice.choice(("pass", "pass", "fail", "reject", None)),
        }

    def _recovery_words(self) -> Says:
        named = self.dice.choice(self.faults)[0] if self.faults and self.maybe(0.6) else None
        return {
            "of_fault": named,
            "strategy": self.dice.choice(("retry", "use_cache")),
            "recovery_success": self.dice.choice((True, True, False, None)),
        }

    def _task_words(self) -> Says:
        return {
            "task_id": self.dice.choice(("t1", "t2", "t3", "")),
            "task_type": self.dice.choice(("fix", "write")),
            "task_domain": self.dice.choice(("", "web")),
            "attempt": self.dice.choice((1, 1, 2, 3)),
        }

    def _task(self, place: Place, at_ns: int) -> int:
        """Invent an attempt at a task, which may have waited in a queue."""
        mine, said = self.hex(16), self._task_words()
        if self.maybe(0.4):
            said["queued_ns"] = at_ns - self.lasts(300)
        if self.maybe(0.4):
            said["estimated_cost"] = self.usd()
        if self.maybe(0.2):
            said["feature"] = "login"
        inside = place.under(mine, attempt=said["attempt"])
        end = self._steps(inside, at_ns) if self.maybe(0.7) else at_ns + self.lasts()
        self._write(place, "task", at_ns, end, said, failed=self.maybe(0.3), id=mine)
        return end

    def _fault(self, place: Place, at_ns: int) -> int:
        """Invent a fault, inside a call or by itself, and mostly an attempt to overcome it."""
        name, target = self.hex(8), self.dice.choice((*TOOLS, place.agent or "writer", "gpt-4o"))
        said: Says = {
            "fault_id": name,
            "fault_type": self.dice.choice(("timeout", "garbage")),
            "fault_target": target,
            "injected": self.dice.choice((None, True, True, False)),
            "severity": self.dice.choice((None, 1.0, 2.5, 3.0)),
            "deadline_s": self.dice.choice((None, None, 1.0, 5.0, 1e4)),
        }
        self.faults.append((name, target))
        end = at_ns + self.lasts()
        kind = self.dice.choice(("event", "inside", "span"))
        if kind == "span":
            self._write(place, "fault", at_ns, end, said)
        elif kind == "inside":
            mine = self.hex(16)
            tool = {"tool": self.dice.choice(TOOLS)}
            self._write(place.under(mine), "fault", at_ns + 1, at_ns + 1, said)
            self._write(place, "tool", at_ns, end, tool, failed=self.maybe(0.5), id=mine)
        else:
            happened = Event("fault", self._between(at_ns, end), said)
            tool = {"tool": self.dice.choice(TOOLS)}
            events = (happened,)
            self._write(place, "tool", at_ns, end, tool, failed=self.maybe(0.5), events=events)
        if self.maybe(0.6):
            start, end = end, end + self.lasts()
            self._write(place, "recovery", start, end, self._recovery_words())
        return end

    def _write(
        self,
        place: Place,
        kind: str,
        start_ns: int,
        end_ns: int,
        says: Says | None = None,
        *,
        failed: bool = False,
        id: str = "",  # noqa: A002 - as the span calls it
        events: tuple[Event, ...] = (),
        links: tuple[tuple[str, str, str], ...] = (),
    ) -> None:
        known = (says or {}).items()
        words = WORDS[place.convention]
        said = {word: value for word, value in known if value not in (None, "") and word in words}
        if place.convention == "handspan":
            said = dict(place.attribution) | said
        self.spans.append(
            Span(
                trace=place.trace,
                id=id or self.hex(16),
                parent=place.parent,
                kind=kind,
                start_ns=start_ns,
                end_ns=end_ns,
                says=said,
                failed=failed,
                error_type=self.dice.choice(ERRORS) if failed else "",
                name=f"{kind} {said.get(kind, '')}".strip(),
                service=place.service,
                convention=place.convention,
                events=events,
                links=links,
            )
        )

    # --- afterwards ---

    def afterwards(self) -> None:
        """Invent ratings: of a span or a run, from somewhere else, or just so."""
        for _ in range(self.dice.choice((0, 0, 1, 2))):
            rated = self.dice.choice(self.spans)
            at_ns = rated.end_ns + self.lasts(500)
            said: Says = {
                "quality": self.dice.choice((None, 1, 2, 3, 4, 5, 5)),
                "success": self.dice.choice((None, True, False)),
                "use_again": self.dice.choice((None, True, False)),
                "alternative": self.dice.choice((None, "writer", "critic")),
                "rated_by": self.dice.choice(("human", "judge")),
            }
            run = rated.says.get("workflow_id", "")
            if self.maybe(0.5):
                links = ((rated.trace, rated.id, "rates"),)
                self._write(Place(self.hex(32)), "rating", at_ns, at_ns, said, links=links)
            elif run and self.maybe(0.7):
                said["workflow_id"] = run
                self._write(Place(self.hex(32)), "rating", at_ns, at_ns, said)
            else:
                self._write(Place(self.hex(32)), "rating", at_ns, at_ns, said)

    def skewed(self) -> list[Span]:
        """Return the spans; sometimes the clock of one service is wrong."""
        if not self.maybe(0.2):
            return self.spans
        service, by_ns = self.dice.choice(("shop", "remote")), self.dice.choice((-2, 2)) * SECOND_NS
        return [
            replace(
                span,
                start_ns=span.start_ns + by_ns,
                end_ns=span.end_ns + by_ns,
                events=tuple(replace(event, at_ns=event.at_ns + by_ns) for event in span.events),
            )
            if span.service == service
            else span
            for span in self.spans
        ]
