"""What invented spans and events say of themselves."""

from __future__ import annotations

from decimal import Decimal

from tests.truth.history import Event, Says
from tests.truth.scene import AGENTS, Scene


class Words(Scene):
    """Invents attributes; nothing happens here."""

    def _usage(self) -> Says:
        tokens = self.dice.randrange(10, 5000)
        said: Says = {"input_tokens": tokens, "output_tokens": self.dice.randrange(1, 500)}
        if self.maybe(0.3):
            said["cache_read"] = self.dice.randrange(tokens)
        elif self.maybe(0.3):
            said["cache_write"] = self.dice.randrange(tokens)
            said["cache_write_1h"] = self.dice.randrange(said["cache_write"] + 1)
        return said

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
