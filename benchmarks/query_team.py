"""Runs for questions: several teams, some of whose calls fail, are repaired, checked and rated.

A run is the 51 spans of `team.trace` in one of many workflows, models, features and versions, and
the rarer kinds beside them. The same seed always gives the same bytes.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from benchmarks import team
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORKFLOWS = tuple(f"{what}_{kind}" for what in ("sales", "risk", "news", "code", "legal")
                   for kind in ("report", "review", "answer", "search"))  # fmt: skip
_MODELS = (
    ("openai", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-3-5-sonnet-20241022"),
    ("acme", "in-house-7b"),  # has no price
)
_CALL_NS = 400_000_000
_FAILED_RATIO, _FAULTY_RATIO, _ASKED_RATIO = 0.08, 0.1, 0.05

Attributes = dict[str, team.Value]


def requests(runs: int, *, seed: int, first_ns: int, every_ns: int) -> Iterator[bytes]:
    """Yield OTLP requests of a few hundred spans each.

    Args:
        runs: How many; about 53 spans each.
        seed: Of ids, choices and lengths.
        first_ns: Start of the first run (Unix time).
        every_ns: From the start of one run to the next one's.
    """
    for first in range(0, runs, 10):
        request, scope = _request()
        for number in range(first, min(first + 10, runs)):
            _Run(random.Random(f"{seed}/{number}"), first_ns + number * every_ns).write(scope)  # noqa: S311 - a load that can be repeated
        yield request.SerializeToString()


def large(spans: int, *, seed: int, first_ns: int) -> Iterator[bytes]:
    """Yield requests of one run of about so many spans: many small teams below one workflow."""
    one = _Run(random.Random(f"{seed}/large"), first_ns)  # noqa: S311 - as above
    for piece in range(max(1, spans // 52)):
        request, scope = _request()
        one.write(scope, joined=piece > 0)
        yield request.SerializeToString()


def _request() -> tuple[ExportTraceServiceRequest, ScopeSpans]:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource: Attributes = {
        semconv.SERVICE_NAME: "research-team",
        "service.version": "1.2.0",
        "deployment.environment.name": "production",
    }
    resource_spans.resource.attributes.extend(team.pair(*one) for one in resource.items())
    scope = resource_spans.scope_spans.add()
    scope.scope.name, scope.scope.version = semconv.SCOPE_NAME, "0.1.0"
    return request, scope


class _Run:
    """One run: chosen once, written as spans, in one piece or several."""

    def __init__(self, chance: random.Random, began_ns: int) -> None:
        self._chance = chance
        self._now_ns = self._began_ns = began_ns
        self._trace = chance.randbytes(16)
        self._root = chance.randbytes(8)
        self._said: Attributes = {
            semconv.WORKFLOW_NAME: chance.choice(_WORKFLOWS),
            semconv.WORKFLOW_ID: self._trace.hex(),
            semconv.PROJECT: f"project-{chance.randrange(5)}",
            semconv.FEATURE: f"feature-{chance.randrange(12)}",
        }
        self._team = f"team-{chance.randrange(8)}"
        self._version = chance.choice(("1.4.0", "1.5.0"))
        self._fails = chance.random() < _FAILED_RATIO

    def write(self, scope: ScopeSpans, *, joined: bool = False) -> None:
        """Add the spans of a team; `joined` ones lie below the workflow written before."""
        works = team.trace(self._chance, self._trace.hex())
        ids = [self._root, *(self._chance.randbytes(8) for _ in works[1:])]
        for place, work in list(enumerate(works))[joined:]:
            above = b"" if work.parent is None else ids[work.parent]
            took_ns = int(self._chance.expovariate(1 / _CALL_NS)) + 1_000_000
            span = self._span(scope, work.name, ids[place], above, took_ns)
            span.attributes.extend(team.pair(*one) for one in self._own(work).items())
            if self._chance.random() < 0.02 and work.parent:
                span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="timed out"))
                span.attributes.append(team.pair("error.type", "TimeoutError"))
        agents = [ids[place] for place, work in enumerate(works) if work.parent == 0]
        self._rare(scope, agents)
        self._closed(scope, set(agents) | {self._root})

    def _own(self, work: team.Work) -> Attributes:
        own = work.attributes | {
            name: value for name, value in self._said.items() if name in work.attributes
        }
        for name in (semconv.AGENT_NAME, semconv.GEN_AI_AGENT_NAME):
            if name in own:
                own[name] = f"{self._team}/{own[name]}"
        for name in (semconv.HANDOFF_SOURCE, semconv.HANDOFF_TARGET):
            if name in own:
                own[name] = f"{self._team}/{own[name]}"
        if own.get(semconv.KIND) == "llm":
            provider, model = self._chance.choice(_MODELS)
            own |= {
                semconv.GEN_AI_PROVIDER_NAME: provider,
                semconv.GEN_AI_RESPONSE_MODEL: model,
                semconv.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: self._chance.random(),
            }
        if semconv.AGENT_VERSION in own:
            own[semconv.AGENT_VERSION] = self._version
        if own.get(semconv.KIND) == "workflow":
            own |= self._said
            own[semconv.WORKFLOW_OUTCOME] = "failure" if self._fails else "success"
        return own

    def _rare(self, scope: ScopeSpans, agents: list[bytes]) -> None:
        """Add what does not happen in every run."""
        agent = self._chance.choice(agents)
        if self._chance.random() < _FAULTY_RATIO:
            fault: Attributes = {
                semconv.FAULT_ID: self._chance.randbytes(16).hex(),
                semconv.FAULT_TYPE: self._chance.choice(("timeout", "rate_limit", "bad_output")),
                semconv.FAULT_TARGET: "web_search",
                semconv.FAULT_INJECTED: True,
            }
            self._add(scope, "fault", agent, fault)
            overcome: Attributes = {
                semconv.RECOVERY_FAULT_ID: fault[semconv.FAULT_ID],
                semconv.RECOVERY_STRATEGY: "retry",
                semconv.RECOVERY_SUCCESS: self._chance.random() < 0.8,
            }
            self._add(scope, "recovery", agent, overcome)
        if self._chance.random() < _ASKED_RATIO:
            asked: Attributes = {
                semconv.HUMAN_REASON: "approval",
                semconv.HUMAN_DECISION: "approved",
            }
            self._add(scope, "human", agent, asked)
        checked: Attributes = {
            semconv.VALIDATION_NAME: "format",
            semconv.VALIDATION_VALIDATOR: f"{self._team}/critic",
            semconv.VALIDATION_RESULT: "pass" if self._chance.random() < 0.9 else "fail",
            semconv.VALIDATION_ROLE: "critic",
        }
        self._add(scope, "validation", agent, checked)
        if self._chance.random() < 0.3:
            rated: Attributes = {semconv.RATING_QUALITY: self._chance.randrange(1, 6)}
            self._add(scope, "rating", agent, rated)
        if self._chance.random() < 0.2:
            used = self._chance.random()
            budget: Attributes = {
                semconv.BUDGET_NAME: "per-run",
                semconv.BUDGET_SCOPE: "run",
                semconv.BUDGET_LIMIT_USD: 1.0,
                semconv.BUDGET_USED_USD: used,
                semconv.BUDGET_STATE: "ok" if used < 0.8 else "warning",
            }
            self._add(scope, "budget", agent, budget)
            counted: Attributes = {semconv.METRIC_NAME: "pages", semconv.METRIC_VALUE: used}
            self._add(scope, "metric", agent, counted)

    def _add(self, scope: ScopeSpans, kind: str, above: bytes, own: Attributes) -> None:
        span = self._span(scope, kind, self._chance.randbytes(8), above, 50_000_000)
        said = {semconv.KIND: kind, **self._said, **own}
        span.attributes.extend(team.pair(*one) for one in said.items())

    def _span(self, scope: ScopeSpans, name: str, own: bytes, above: bytes, took_ns: int) -> Span:
        began_ns, self._now_ns = self._now_ns, self._now_ns + took_ns
        span = scope.spans.add(
            trace_id=self._trace,
            span_id=own,
            parent_span_id=above,
            name=name,
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=began_ns,
            end_time_unix_nano=self._now_ns,
        )
        assert isinstance(span, Span)
        return span

    def _closed(self, scope: ScopeSpans, containers: set[bytes]) -> None:
        """Let agents and workflows end after all that they did."""
        ends: dict[bytes, int] = {}
        for span in reversed(scope.spans):
            ends[span.parent_span_id] = max(
                ends.get(span.parent_span_id, 0), span.end_time_unix_nano
            )
        for span in scope.spans:
            if span.trace_id == self._trace and span.span_id in containers:
                last_ns = self._now_ns if span.span_id == self._root else ends.get(span.span_id, 0)
                span.end_time_unix_nano = max(span.end_time_unix_nano, last_ns)
