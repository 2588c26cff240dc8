"""The tracer provider of a process that has none: made as the OTEL_* variables say.

Sampler, span limits and batching are read from the environment by the SDK itself; what is left
to us is the resource and the choice of exporters.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry.environment_variables import OTEL_TRACES_EXPORTER
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_SDK_DISABLED,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from handspan import semconv
from handspan.internal import warn_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace.export import SpanExporter

_OTLP = "otlp"
_ENTRY_POINT_OF_PROTOCOL = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}


def sdk_disabled() -> bool:
    """Say whether the user switched OpenTelemetry off (OTEL_SDK_DISABLED)."""
    return os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"


def make_provider(service_name: str | None, exporter: SpanExporter | None) -> TracerProvider:
    """Return a tracer provider that sends what it records in batches.

    Args:
        service_name: wins over OTEL_SERVICE_NAME; None and no variable: the program's file name.
        exporter: where spans go; None: where OTEL_TRACES_EXPORTER says, by default OTLP.
    """
    provider = TracerProvider(resource=_resource(service_name))
    for one in _exporters() if exporter is None else [exporter]:
        provider.add_span_processor(BatchSpanProcessor(one))
    return provider


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
            wanted = _otlp_entry_point()
        if wanted not in {"", "none"}:
            yield from _loaded(wanted)


def _otlp_entry_point() -> str:
    """Return the OTLP exporter's entry point for the protocol that is asked for."""
    for variable in (OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL):
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


def _loaded(name: str) -> Iterator[SpanExporter]:
    found = entry_points(group="opentelemetry_traces_exporter", name=name)
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
