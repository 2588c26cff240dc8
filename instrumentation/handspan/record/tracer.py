"""Which tracer Handspan records with: the provider it was given, else the process's own."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.environment_variables import OTEL_PYTHON_TRACER_PROVIDER
from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

from handspan import context, semconv

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider

_provider: TracerProvider | None = None
_tracer: Tracer | None = None
_loaded_by_name = OTEL_PYTHON_TRACER_PROVIDER in os.environ
"""Whether OpenTelemetry loads a provider of this name as soon as somebody asks for one."""


def current_tracer() -> Tracer | None:
    """Return the tracer, or None as long as nobody has set up OpenTelemetry in this process."""
    if _tracer is None and not _nobody_has_set_one():
        provider = current_provider()
        if provider is not None:
            use_provider(provider)
    return _tracer


def _nobody_has_set_one() -> bool:
    """Say, in a tenth of the time that the public question takes, that there is no provider.

    `get_tracer_provider()` reads the environment each time, which would be most of the price of
    a verb in a program that records nothing. Should the private name go, it is asked again.
    """
    process_has_one = getattr(trace, "_TRACER_PROVIDER", _UNSEEN) is not None
    return _provider is None and not process_has_one and not _loaded_by_name


_UNSEEN = object()


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


context.provider_source = current_provider
