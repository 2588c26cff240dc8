"""Switching Handspan on: a provider to record with, and the frameworks that are installed."""

from __future__ import annotations

import threading
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Unpack

from opentelemetry import trace

from handspan import rivals, settings
from handspan.export.losses import losses
from handspan.internal import contained, finished_within, warn_once
from handspan.record.tracer import current_provider, use_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter

_FRAMEWORKS = "handspan.frameworks."
_lock = threading.Lock()


@contained
def configure(
    *,
    service_name: str | None = None,
    instrument: Sequence[str] | str | None = None,
    tracer_provider: trace.TracerProvider | None = None,
    exporter: SpanExporter | None = None,
    **given: Unpack[settings.Given],
) -> None:
    """Switch Handspan on in this process. Never raises; a bad setting is one warning.

    A tracer provider that the process already has is kept, with its exporters; spans of agents
    get attribution, cost, redaction and limits there as well as the SDK allows. Otherwise one is
    made as the OTEL_* variables say, by default sending OTLP over gRPC to localhost:4317, and
    becomes the process's own. Calling it again changes settings only.

    Args:
        service_name: name of this program; wins over OTEL_SERVICE_NAME. Only for a provider
            that is made here.
        instrument: names of frameworks to instrument, `()` for none; None: all installed ones.
        tracer_provider: record with this one and leave the process's own alone.
        exporter: where spans go instead of what OTEL_TRACES_EXPORTER says. Only for a provider
            that is made here.
        **given: settings as in docs/recording_settings.md, for example `capture_content`,
            whether messages, tool arguments and results are recorded, by default not; they win
            over environment variables.

    Example:
        >>> handspan.configure(service_name="support-team", redact_keys=["employee_id"])
    """
    from handspan import provider  # noqa: PLC0415 - the SDK is paid for only by who switches on

    settings.use(**given)
    if provider.sdk_disabled():
        return
    with _lock:
        chosen = tracer_provider or current_provider()
        if chosen is None:
            chosen = provider.make_provider(service_name, exporter)
            trace.set_tracer_provider(chosen)
        use_provider(chosen)
    _instrument(instrument)


def instrument(*frameworks: str) -> None:
    """Record what these agent frameworks do; no names: all that are installed.

    Args:
        frameworks: names as in the extras, for example openai_agents or openai-agents.

    Example:
        >>> handspan.instrument("openai-agents")
    """
    _instrument(frameworks or None)


def flush(timeout_s: float | None = None) -> bool:
    """Send what is recorded but not yet sent; blocks for `timeout_s` at most.

    Args:
        timeout_s: seconds; None: the setting `flush_timeout_s`.

    Returns:
        Whether all that was recorded since the last call was taken in time: False also when some
        of it was lost. True without a provider: nothing is waiting. Of exporters that somebody
        else set up it is only known whether they were done in time.
    """
    limit_s = settings.current().flush_timeout_s
    if isinstance(timeout_s, int | float) and timeout_s >= 0:
        limit_s = timeout_s
    elif timeout_s is not None:
        warn_once(f"Handspan ignores the time-out {timeout_s!r:.40}: it is a number of seconds")
    force_flush = getattr(current_provider(), "force_flush", None)
    return True if force_flush is None else _flushed(force_flush, limit_s)


@contained
def after_opentelemetry_instrument() -> None:
    """Give a process that `opentelemetry-instrument` started a provider, if nobody else did.

    Runs last (entry point `opentelemetry_post_instrument`). A configurator of our own would be
    one of several, of which OpenTelemetry takes whichever it finds first: it could displace
    that of the user's distribution.
    """
    configure(instrument=())


def _flushed(force_flush: Callable[[int], object], limit_s: float) -> bool:
    """Wait for a provider's `force_flush`, whose own limit the SDK's batch processor ignores.

    Its answer is of no use either: with SDK 1.39 it is False whenever a batch processor of the
    SDK is there. What counts is that it came back in time and that nothing was lost.
    """
    late = losses.late
    in_time = finished_within(limit_s, lambda: force_flush(int(limit_s * 1000)), "handspan-flush")
    return losses.since_last_asked() == 0 and in_time and losses.late == late


@contained
def _instrument(frameworks: Sequence[str] | str | None) -> None:
    asked = (frameworks,) if isinstance(frameworks, str) else frameworks
    known = {
        point.name: point
        for point in entry_points(group="opentelemetry_instrumentor")
        if point.module.startswith(_FRAMEWORKS)
    }
    if asked is None:
        for point in known.values():
            _switch_on(point, required=False)
        return
    for framework in asked:
        named = known.get(str(framework).replace("-", "_"))
        if named is None:
            warn_once(f"Handspan knows no framework {framework!r}, only {', '.join(sorted(known))}")
        else:
            _switch_on(named, required=True)


@contained
def _switch_on(point: EntryPoint, *, required: bool) -> None:
    """Instrument one framework; not being installed matters only if the user named it."""
    from opentelemetry.instrumentation.dependencies import (  # noqa: PLC0415 - 30 ms of imports
        DependencyConflictError,
    )

    try:
        instrumentor = point.load()()
        rival = rivals.rival_of(instrumentor)
        if rival is not None and not required:
            warn_once(
                f"{rival} records {point.name} already, so Handspan does not: each call would be "
                f"counted twice. handspan.instrument({point.name!r}) switches it on all the same"
            )
            return
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument(raise_exception_on_conflict=True)
        rivals.record_here(point.name)
    except (DependencyConflictError, ModuleNotFoundError) as error:
        if required:
            warn_once(f"Handspan cannot instrument {point.name}: {error}")
