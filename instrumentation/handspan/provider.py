"""The tracer provider that Handspan records with: made as the OTEL_* variables say, or taught.

Sampler and batching are read from the environment by the SDK itself; what is left to us is the
resource, the choice of exporters, and what happens to a span before it leaves.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.sdk.environment_variables import (
    OTEL_ATTRIBUTE_COUNT_LIMIT,
    OTEL_EXPORTER_OTLP_LOGS_PROTOCOL,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_SDK_DISABLED,
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from handspan import semconv
from handspan.export.announcing import Announcer, log_provider, own_log_provider
from handspan.export.batches import BoundedBatches
from handspan.internal import warn_once
from handspan.processors.chain import Chain
from handspan.processors.ending import ROOM, EndingProcessor
from handspan.processors.started import StartedProcessor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry import trace
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_OTLP = "otlp"
_TRACES = "opentelemetry_traces_exporter"
_LOGS = "opentelemetry_logs_exporter"
_ENTRY_POINT_OF_PROTOCOL = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}


def sdk_disabled() -> bool:
    """Say whether the user switched OpenTelemetry off (OTEL_SDK_DISABLED)."""
    return os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"


def make_provider(service_name: str | None, exporter: SpanExporter | None) -> TracerProvider:
    """Return a tracer provider that completes what it records and sends it in batches.

    At the end of the program it sends what is left, for `flush_timeout_s` at most.

    Args:
        service_name: wins over OTEL_SERVICE_NAME; None and no variable: the program's file name.
        exporter: where spans go; None: where OTEL_TRACES_EXPORTER says, by default OTLP.
    """
    provider = TracerProvider(
        resource=_resource(service_name),
        active_span_processor=Chain(),
        span_limits=_span_limits(),
    )
    for one in _exporters() if exporter is None else [exporter]:
        provider.add_span_processor(BoundedBatches(one))
    own_logs = exporter is None

    def logs() -> LoggerProvider | None:
        return own_log_provider() or (_log_provider(provider.resource) if own_logs else None)

    provider.add_span_processor(_started(logs))
    _taught[id(provider)] = provider
    return provider


def teach(provider: trace.TracerProvider) -> None:
    """Have a provider of somebody else's complete what agents record, as well as that goes.

    Its exporters, resource and sampler stay. A provider that takes no processors is left alone.
    """
    add_span_processor = getattr(provider, "add_span_processor", None)
    if add_span_processor is not None and id(provider) not in _taught:
        _taught[id(provider)] = provider
        add_span_processor(EndingProcessor())
        add_span_processor(_started(own_log_provider))


# By id(): a provider of somebody's own class need not be hashable.
_taught: WeakValueDictionary[int, trace.TracerProvider] = WeakValueDictionary()


def _started(logs: Callable[[], LoggerProvider | None]) -> StartedProcessor:
    announcer = Announcer(logs)
    return StartedProcessor(announcer.announce, stop=announcer.stop)


def _span_limits() -> SpanLimits:
    """Return room for attributes, which `processors.limits` cuts to size by importance.

    The SDK drops the oldest at its 128: the model and the names.
    """
    asked = (OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, OTEL_ATTRIBUTE_COUNT_LIMIT)
    if any(os.environ.get(name, "").strip() for name in asked):
        return SpanLimits()
    return SpanLimits(max_span_attributes=ROOM)


def _resource(service_name: str | None) -> Resource:
    ours: dict[str, str] = {semconv.HANDSPAN_SCHEMA_VERSION: semconv.SCHEMA_VERSION}
    if service_name:
        ours[semconv.SERVICE_NAME] = service_name
    resource = Resource.create(ours)
    program = Path(sys.argv[0]).stem if sys.argv else ""
    unnamed = str(resource.attributes[semconv.SERVICE_NAME]).startswith("unknown_service")
    if unnamed and program.isidentifier():
        return resource.merge(Resource({semconv.SERVICE_NAME: program}))
    return resource


def _exporters() -> Iterator[SpanExporter]:
    """Yield the exporters that OTEL_TRACES_EXPORTER names; a bad name is one warning."""
    for name in (os.environ.get(OTEL_TRACES_EXPORTER) or _OTLP).split(","):
        wanted = name.strip()
        if wanted == _OTLP:
            wanted = _otlp_entry_point(OTEL_EXPORTER_OTLP_TRACES_PROTOCOL)
        if wanted not in {"", "none"}:
            yield from _loaded(_TRACES, wanted)


def _log_provider(resource: Resource) -> LoggerProvider | None:
    """Return where announcements go; nowhere when spans go elsewhere than over OTLP."""
    traces_to = os.environ.get(OTEL_TRACES_EXPORTER) or _OTLP
    wanted = (os.environ.get(OTEL_LOGS_EXPORTER) or traces_to).strip()
    if wanted != _OTLP:
        return None
    point = _otlp_entry_point(OTEL_EXPORTER_OTLP_LOGS_PROTOCOL)
    exporter = next(_loaded(_LOGS, point), None) if point else None
    return None if exporter is None else log_provider(exporter, resource)


def _otlp_entry_point(own_variable: str) -> str:
    """Return the OTLP exporter's entry point for the protocol that is asked for."""
    for variable in (own_variable, OTEL_EXPORTER_OTLP_PROTOCOL):
        protocol = os.environ.get(variable, "").strip()
        if protocol in _ENTRY_POINT_OF_PROTOCOL:
            return _ENTRY_POINT_OF_PROTOCOL[protocol]
        if protocol:
            warn_once(
                f"Handspan sends no spans: {variable} is {protocol!r}, "
                f"choose one of {', '.join(_ENTRY_POINT_OF_PROTOCOL)}"
            )
            return ""
    return _ENTRY_POINT_OF_PROTOCOL["grpc"]


def _loaded(group: str, name: str) -> Iterator[Any]:
    found = entry_points(group=group, name=name)
    if not found:
        warn_once(
            f"Handspan sends no spans to {name!r}: no installed package has this exporter, "
            f"check {OTEL_TRACES_EXPORTER}"
        )
        return
    try:
        yield next(iter(found)).load()()
    except Exception as error:  # noqa: BLE001 - somebody else's constructor, the user's settings
        warn_once(f"Handspan sends no spans to {name!r}: {error}")
