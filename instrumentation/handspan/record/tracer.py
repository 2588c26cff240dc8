"""Which tracer Handspan records with: the provider it was given, else the process's own."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

from handspan import semconv

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider

_tracer: Tracer | None = None


def current_tracer() -> Tracer | None:
    """Return the tracer, or None as long as nobody has set up OpenTelemetry in this process."""
    if _tracer is not None:
        return _tracer
    provider = get_tracer_provider()
    return None if isinstance(provider, ProxyTracerProvider) else use_provider(provider)


def use_provider(provider: TracerProvider | None) -> Tracer | None:
    """Record with `provider` from now on, attribution included; None: look for one again."""
    global _tracer  # noqa: PLW0603 - one process, one way to record
    if provider is None:
        _tracer = None
        return None
    # Whoever has an SDK provider has imported the SDK; without one it must not be paid for.
    from handspan.processors.attribution import attach  # noqa: PLC0415

    attach(provider)
    _tracer = provider.get_tracer(semconv.SCOPE_NAME, version("handspan"))
    return _tracer
