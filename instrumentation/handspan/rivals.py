"""Whether somebody else records the same agent framework: then every call would be two spans.

Found in two ways: an instrumentor of OpenTelemetry's kind (openinference, traceloop, the official
ones) that is switched on for the same distribution, and spans that come from a scope named after
the framework (logfire and others that patch by themselves), whenever it was switched on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handspan.internal import contained, warn_once

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_recorded: set[str] = set()
"""Frameworks that Handspan records in this process, as last part of a scope's name."""
_known_scopes: set[str] = set()
_MOST_SCOPES = 1000


def record_here(framework: str) -> None:
    """Remember that Handspan records this framework."""
    _recorded.add(_plain(framework))
    _known_scopes.clear()


@contained
def notice(scope: str) -> None:
    """Say so once when spans of this scope record what Handspan records, too; 0.1 us.

    Args:
        scope: name of a span's instrumentation scope.
    """
    if scope in _known_scopes or not _recorded:
        return
    if len(_known_scopes) < _MOST_SCOPES:
        _known_scopes.add(scope)
    framework = _plain(scope.rpartition(".")[2])
    if framework in _recorded and not scope.startswith("handspan"):
        warn_once(
            f"{scope} and Handspan both record {framework}: each call makes two spans and may be "
            "counted twice; switch one of them off, Handspan with "
            "handspan.configure(instrument=[])"
        )


def rival_of(ours: Any) -> str | None:  # noqa: ANN401 - OpenTelemetry's base class has no types
    """Return the module of an instrumentor that is switched on for the same distribution.

    Args:
        ours: instrumentor of Handspan.
    """
    from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]  # noqa: PLC0415 - 30 ms of imports
        BaseInstrumentor,
    )

    wanted = set(_distributions(ours.instrumentation_dependencies()))
    for kind in _kinds_of(BaseInstrumentor):
        instance: Any = getattr(kind, "_instance", None)
        if type(instance) is not kind or kind.__module__.startswith("handspan."):
            continue
        active = getattr(instance, "is_instrumented_by_opentelemetry", False)
        if active and wanted & set(_distributions(instance.instrumentation_dependencies())):
            return str(kind.__module__)
    return None


def _kinds_of(base: Any) -> Iterator[Any]:  # noqa: ANN401 - see `rival_of`
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds_of(kind)


def _distributions(requirements: Collection[str]) -> Iterator[str]:
    for requirement in requirements:
        found = re.match(r"[\w.-]+", requirement)
        if found is not None:
            yield _plain(found[0])


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
