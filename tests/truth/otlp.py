"""A history's spans as OTLP requests, in the words of the convention that each span uses."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.logs.v1 import logs_pb2 as logs_pb
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as trace_pb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.truth.history import Event, Span

GENAI = {
    "agent": "gen_ai.agent.name",
    "agent_version": "gen_ai.agent.version",
    "workflow": "gen_ai.workflow.name",
    "tool": "gen_ai.tool.name",
    "provider": "gen_ai.provider.name",
    "model": "gen_ai.request.model",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "cache_write": "gen_ai.usage.cache_creation.input_tokens",
    "cache_write_1h": "gen_ai.usage.details.ephemeral_1h_input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
    "first_token_s": "gen_ai.response.time_to_first_chunk",
    "cost": "gen_ai.usage.cost.amount",
    "conversation_id": "gen_ai.conversation.id",
    "session_id": "session.id",
    "user_id": "user.id",
    "target": "gen_ai.transfer.target.name",
    "mode": "gen_ai.transfer.mode",
    "validation": "gen_ai.evaluation.name",
    "result": "gen_ai.evaluation.score.label",
}
"""The OpenTelemetry GenAI conventions, and proposals to them."""

HANDSPAN = GENAI | {
    "cache_write_1h": "handspan.usage.cache_write_1h_tokens",
    "agent": "handspan.agent.name",
    "workflow_id": "handspan.workflow.id",
    "workflow": "handspan.workflow.name",
    "attempt": "handspan.attempt",
    "project": "handspan.project",
    "feature": "handspan.feature",
    "workflow_outcome": "handspan.workflow.outcome",
    "estimated_s": "handspan.workflow.estimated_s",
    "agent_type": "handspan.agent.type",
    "agent_version": "handspan.agent.version",
    "task_id": "handspan.task.id",
    "task_type": "handspan.task.type",
    "task_domain": "handspan.task.domain",
    "queued_ns": "handspan.task.queued_at_ns",
    "estimated_cost": "handspan.task.estimated_cost_usd",
    "source": "handspan.handoff.source",
    "target": "handspan.handoff.target",
    "mode": "handspan.handoff.mode",
    "target_type": "handspan.handoff.target_type",
    "outcome": "handspan.handoff.outcome",
    "payload_bytes": "handspan.handoff.payload_bytes",
    "cost": "handspan.cost.usd",
    "validation": "handspan.validation.name",
    "validator": "handspan.validation.validator",
    "role": "handspan.validation.role",
    "result": "handspan.validation.result",
    "fault_id": "handspan.fault.id",
    "fault_type": "handspan.fault.type",
    "fault_target": "handspan.fault.target",
    "injected": "handspan.fault.injected",
    "severity": "handspan.fault.severity",
    "deadline_s": "handspan.fault.deadline_s",
    "of_fault": "handspan.recovery.fault_id",
    "strategy": "handspan.recovery.strategy",
    "recovery_success": "handspan.recovery.success",
    "resilience_score": "handspan.resilience.score",
    "human_reason": "handspan.human.reason",
    "priority": "handspan.human.priority",
    "decision": "handspan.human.decision",
    "quality": "handspan.rating.quality",
    "success": "handspan.rating.success",
    "rated_by": "handspan.rating.source",
    "use_again": "handspan.rating.would_use_again",
    "alternative": "handspan.rating.alternative_agent",
    "budget": "handspan.budget.name",
    "scope": "handspan.budget.scope",
    "limit_usd": "handspan.budget.limit_usd",
    "used_usd": "handspan.budget.used_usd",
    "state": "handspan.budget.state",
    "performance_impact": "handspan.performance_impact",
    "cpu_ratio": "handspan.resource.cpu_ratio",
    "memory_bytes": "handspan.resource.memory_bytes",
    "decided": "handspan.decision.name",
    "choice": "handspan.decision.choice",
    "confidence": "handspan.decision.confidence",
    "message_type": "handspan.message.type",
    "metric": "handspan.metric.name",
    "value": "handspan.metric.value",
}

OPENINFERENCE = {
    "agent": "agent.name",
    "tool": "tool.name",
    "provider": "llm.provider",
    "model": "llm.model_name",
    "input_tokens": "llm.token_count.prompt",
    "output_tokens": "llm.token_count.completion",
    "cache_read": "llm.token_count.prompt_details.cache_read",
    "cache_write": "llm.token_count.prompt_details.cache_write",
    "cache_write_1h": "handspan.usage.cache_write_1h_tokens",  # it has no name for it
    "reasoning": "llm.token_count.completion_details.reasoning",
    "cost": "llm.cost.total",
    "conversation_id": "session.id",
    "session_id": "session.id",
    "user_id": "user.id",
    "target": "",  # said in the span's name
}

OPENLLMETRY = {
    "agent": "gen_ai.agent.name",
    "workflow": "traceloop.workflow.name",
    "tool": "traceloop.entity.name",
    "provider": "gen_ai.system",
    "model": "gen_ai.response.model",
    "input_tokens": "gen_ai.usage.prompt_tokens",
    "output_tokens": "gen_ai.usage.completion_tokens",
    "cache_read": "gen_ai.usage.cache_read_input_tokens",
    "cache_write": "gen_ai.usage.cache_creation_input_tokens",
    "cache_write_1h": "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
    "reasoning": "gen_ai.usage.reasoning_tokens",
    "user_id": "traceloop.association.properties.user_id",
    "conversation_id": "traceloop.association.properties.thread_id",
    "source": "gen_ai.handoff.from_agent",
    "target": "gen_ai.handoff.to_agent",
}

WORDS: Mapping[str, Mapping[str, str]] = {
    "handspan": HANDSPAN,
    "otel": GENAI,
    "openinference": OPENINFERENCE,
    "openllmetry": OPENLLMETRY,
}

OPERATIONS = {
    "workflow": "invoke_workflow",
    "agent": "invoke_agent",
    "plan": "plan",
    "tool": "execute_tool",
    "handoff": "execute_tool",
    "llm": "chat",
    "embedding": "embeddings",
    "retrieval": "retrieval",
    "memory": "search_memory",
}
OPENINFERENCE_KINDS = {
    "agent": "AGENT",
    "tool": "TOOL",
    "handoff": "TOOL",
    "llm": "LLM",
    "embedding": "EMBEDDING",
    "retrieval": "RETRIEVER",
    "validation": "GUARDRAIL",
    "chain": "CHAIN",
}
TRACELOOP_KINDS = {"workflow": "workflow", "agent": "agent", "tool": "tool", "chain": "task"}

EVENTS = {
    "fault": "handspan.fault",
    "budget": "handspan.budget",
    "metric": "handspan.metric",
    "queued": "handspan.task.queued",
    "session": "handspan.session",
    "decision": "handspan.decision",
    "message": "handspan.message",
    "validation": "gen_ai.evaluation.result",
}


OF_EVENTS = {
    "message": {
        "source": "handspan.message.source",
        "target": "handspan.message.target",
        "payload_bytes": "handspan.message.payload_bytes",
    },
}
"""Words that mean something else on such an event."""


def request(spans: Iterable[Span]) -> bytes:
    """Return the spans as one request; those of one service and convention share a resource."""
    resources: dict[tuple[str, str], list[trace_pb.Span]] = {}
    for span in spans:
        resources.setdefault((span.service, span.convention), []).append(encoded(span))
    return ExportTraceServiceRequest(
        resource_spans=[
            trace_pb.ResourceSpans(
                resource=Resource(attributes=[_pair("service.name", service)]),
                scope_spans=[
                    trace_pb.ScopeSpans(scope=InstrumentationScope(name=convention), spans=group)
                ],
            )
            for (service, convention), group in resources.items()
        ]
    ).SerializeToString()


def announcement(spans: Iterable[Span]) -> bytes:
    """Return a request of log records, each of which says that a span has begun."""
    return ExportLogsServiceRequest(
        resource_logs=[
            logs_pb.ResourceLogs(
                resource=Resource(
                    attributes=[
                        _pair("service.name", span.service),
                        _pair("service.instance.id", f"{span.service}-1"),
                    ]
                ),
                scope_logs=[
                    logs_pb.ScopeLogs(
                        scope=InstrumentationScope(name=span.convention),
                        log_records=[_started(span.announced())],
                    )
                ],
            )
            for span in spans
        ]
    ).SerializeToString()


def _started(span: Span) -> logs_pb.LogRecord:
    parent = {"handspan.parent_span_id": span.parent} if span.parent else {}
    return logs_pb.LogRecord(
        trace_id=bytes.fromhex(span.trace),
        span_id=bytes.fromhex(span.id),
        time_unix_nano=span.start_ns,
        observed_time_unix_nano=span.start_ns + 1_000_000_000,
        event_name="handspan.started",
        body=_value(_name(span)),
        attributes=[_pair(key, value) for key, value in (attributes(span) | parent).items()],
    )


def encoded(span: Span) -> trace_pb.Span:
    """Return one span."""
    codes = trace_pb.Status
    status = codes(code=codes.STATUS_CODE_ERROR if span.failed else codes.STATUS_CODE_UNSET)
    return trace_pb.Span(
        trace_id=bytes.fromhex(span.trace),
        span_id=bytes.fromhex(span.id),
        parent_span_id=bytes.fromhex(span.parent),
        name=_name(span),
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
        attributes=[_pair(key, value) for key, value in attributes(span).items()],
        status=status,
        events=[*map(_event, span.events), *_exception(span)],
        links=[
            trace_pb.Span.Link(
                trace_id=bytes.fromhex(trace),
                span_id=bytes.fromhex(span_id),
                attributes=[_pair("handspan.link", why)],
            )
            for trace, span_id, why in span.links
        ],
    )


def attributes(span: Span) -> dict[str, object]:
    """Return what a span says, in the words of its convention."""
    words = WORDS[span.convention]
    said: dict[str, object] = {
        words[word]: value
        for word, value in span.says.items()
        if value is not None and words.get(word)
    }
    if span.kind != "foreign":
        said |= _kind(span)
    if span.failed and span.error_type and span.convention in ("handspan", "otel"):
        said["error.type"] = span.error_type
    return said


def _kind(span: Span) -> dict[str, object]:
    """Return how the convention says what a span is, and its own name."""
    if span.convention == "handspan":
        own = {"agent": "gen_ai.agent.name"}.get(span.kind)
        return {"handspan.kind": span.kind} | ({own: span.says["agent"]} if own else {})
    if span.convention == "otel":
        return {"gen_ai.operation.name": OPERATIONS[span.kind]}
    if span.convention == "openinference":
        return {"openinference.span.kind": OPENINFERENCE_KINDS[span.kind]}
    if span.kind == "llm":
        return {"llm.request.type": "chat"}
    if span.kind == "handoff":
        return {"gen_ai.operation.name": "handoff"}
    named = span.says.get(span.kind, span.name)
    return {"traceloop.span.kind": TRACELOOP_KINDS[span.kind], "traceloop.entity.name": named}


def _name(span: Span) -> str:
    if span.convention == "openinference" and span.kind == "handoff":
        return f"handoff to {span.says['target']}"
    return span.name


def _event(event: Event) -> trace_pb.Span.Event:
    words = GENAI if event.kind == "validation" else HANDSPAN | OF_EVENTS.get(event.kind, {})
    return trace_pb.Span.Event(
        time_unix_nano=event.at_ns,
        name=EVENTS[event.kind],
        attributes=[
            _pair(words[word], value)
            for word, value in event.says.items()
            if value is not None and word in words
        ],
    )


def _exception(span: Span) -> list[trace_pb.Span.Event]:
    if not span.failed or not span.error_type or span.convention in ("handspan", "otel"):
        return []
    said = [_pair("exception.type", span.error_type)]
    return [trace_pb.Span.Event(time_unix_nano=span.end_ns, name="exception", attributes=said)]


def _pair(key: str, value: object) -> KeyValue:
    return KeyValue(key=key, value=_value(value))


def _value(value: object) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float | Decimal):
        return AnyValue(double_value=float(value))
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_value(one) for one in value]))
    return AnyValue(string_value=str(value))
