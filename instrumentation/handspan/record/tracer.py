"""Which tracer Handspan records with: the provider it was given, else the process's own."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

from handspan import semconv

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider

_provider: TracerProvider | None = None
_tracer: Tracer | None = None


def current_tracer() -> Tracer | None:
    """Return the tracer, or None as long as nobody has set up OpenTelemetry in this process."""
    if _tracer is None:
        provider = current_provider()
        if provider is not None:
            use_provider(provider)
    return _tracer


def current_provider() -> TracerProvider | None:
    """Return the provider given to `use_provider`, else the process's own, None without one."""
    if _provider is not None:
        return _provider
    provider = get_tracer_provider()
    return None if isinstance(provider, ProxyTracerProvider) else provider


def use_provider(provider: TracerProvider | None) -> None:
    """Record with `provider` from now on, attribution included; None: look for one again."""
    global _provider, _tracer  # noqa: PLW0603 - one process, one way to record
    if provider is None:
        _provider = _tracer = None
        return
    # Whoever has an SDK provider has imported the SDK; without one it must not be paid for.
    from handspan.processors.attribution import attach  # noqa: PLC0415

    attach(provider)
    _provider, _tracer = provider, provider.get_tracer(semconv.SCOPE_NAME, version("handspan"))
