"""Which tracer Handspan records with: the provider it was given, else the process's own."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.environment_variables import OTEL_PYTHON_TRACER_PROVIDER
from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

from handspan import context, semconv
from handspan.internal import log_internal_error

if TYPE_CHECKING:
    from types import ModuleType

    from opentelemetry.trace import Tracer, TracerProvider

    from handspan.record.opening import Opener

_provider: TracerProvider | None = None
_tracer: Tracer | Opener | None = None
_pricing: ModuleType | None = None
_loaded_by_name = OTEL_PYTHON_TRACER_PROVIDER in os.environ
"""Whether OpenTelemetry loads a provider of this name as soon as somebody asks for one."""


def current_tracer() -> Tracer | Opener | None:
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


def use_provider(provider: TracerProvider | None, *, completing: bool = True) -> None:
    """Record with `provider` from now on; None: look for one again.

    Args:
        provider: gets attribution, however it was set up.
        completing: whether cost, redaction, limits and announcements are added, as `configure()`
            would have it; a provider that was made or taught before has them.
    """
    global _provider, _tracer, _pricing  # noqa: PLW0603 - one process, one way to record
    _pricing = None
    if provider is None:
        _provider = _tracer = None
        return
    # Whoever has an SDK provider has imported the SDK; without one it must not be paid for.
    from handspan.processors.attribution import attach  # noqa: PLC0415

    attach(provider)
    if completing:
        from handspan.processors import cost  # noqa: PLC0415 - see above
        from handspan.provider import teach  # noqa: PLC0415 - see above

        teach(provider)
        _pricing = cost
    tracer = provider.get_tracer(semconv.SCOPE_NAME, _own_version())
    _provider, _tracer = provider, _quicker(tracer, completing=completing)


def _own_version() -> str | None:
    """Return the version for the scope; None where a bundled program left metadata out."""
    try:
        return version("handspan")
    except PackageNotFoundError:
        return None


def pricing() -> ModuleType | None:
    """Return `handspan.processors.cost`; None: spans leave as they are."""
    return _pricing


def _quicker(tracer: Tracer, *, completing: bool) -> Tracer | Opener:
    """Return what starts spans of this tracer at the least price."""
    if not type(tracer).__module__.startswith("opentelemetry.sdk."):
        return tracer
    from handspan.record.opening import opener_of  # noqa: PLC0415 - see above

    try:
        return opener_of(tracer, completing=completing) or tracer
    except Exception as error:  # noqa: BLE001 - parts of an SDK that nobody has seen yet
        log_internal_error(error, "opener_of")
        return tracer


context.provider_source = current_provider
