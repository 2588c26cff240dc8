"""What happens inside a run: agents, their calls, tools and handoffs, and all that goes wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.truth.history import Event, Says
from tests.truth.prices import OWN_MODEL
from tests.truth.scene import AGENTS, MODELS, PLANS, TOOLS, WORKFLOWS, Place
from tests.truth.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable


class Steps(Words):
    """Invents steps, each inside the one before or after it, and returns when they are over."""

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
