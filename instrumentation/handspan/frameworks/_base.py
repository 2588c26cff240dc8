"""The one door through which framework files reach OpenTelemetry.

What every adapter needs and none should write again: being switched on when the framework is
imported, being somewhere in the Context, and tables that cannot grow without end.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from opentelemetry.context import Context, attach, create_key, get_current, get_value, set_value
from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)
from wrapt import register_post_import_hook

from handspan.internal import contained, warn_once
from handspan.record.recording import Recording
from handspan.record.tracer import current_tracer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import ModuleType

    from opentelemetry.instrumentation.dependencies import DependencyConflict
    from opentelemetry.util.types import AttributeValue

    from handspan import semconv

T = TypeVar("T")

_PLACE = create_key("handspan-framework-place")


class Instrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Base of every framework's instrumentor: switches on when the framework is imported.

    The framework itself is never imported from here: at that moment it could be anybody's
    module of the same name, and a program that does not use it must not pay for it.
    """

    requirement: ClassVar[str]
    """Distribution and versions that the adapter is tested with, as in a requirements file."""
    trigger: ClassVar[str]
    """Module whose import switches the adapter on."""
    marker: ClassVar[str]
    """Something that this module has and another one of the same name has not."""

    _wanted: bool = False
    _module: ModuleType | None = None
    _hooked: bool = False

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return the framework's distribution and versions."""
        return [self.requirement]

    def _check_dependency_conflicts(self) -> DependencyConflict | None:
        """Return what is wrong with the installed framework; only a wrong version is told."""
        conflict: DependencyConflict | None = super()._check_dependency_conflicts()
        if conflict is not None and conflict.found:
            warn_once(f"Handspan needs {self.requirement}, but {conflict.found} is installed")
        return conflict

    def _instrument(self, **_: object) -> None:
        self._wanted = True
        if not self._hooked:
            self._hooked = True
            register_post_import_hook(self._imported, self.trigger)
        elif self._module is not None:
            self._switch(self._module)

    def _uninstrument(self, **_: object) -> None:
        self._wanted = False
        if self._module is not None:
            self._release()

    def _imported(self, module: ModuleType) -> None:
        self._module = module
        if self._wanted:
            self._switch(module)

    @contained
    def _switch(self, module: ModuleType) -> None:
        if not hasattr(module, self.marker):
            return
        if self._check_dependency_conflicts():
            return
        current_tracer()  # teaches the provider attribution, also under opentelemetry-instrument
        self._observe(module)

    @contained
    def _release(self) -> None:
        self._forget()

    def _observe(self, module: ModuleType) -> None:
        """Begin to listen to the framework, whose module `trigger` is imported now."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Undo `_observe`."""
        raise NotImplementedError


class Place:
    """A framework's span as a place in the Context: whatever runs inside finds it again.

    Entered where the framework makes its own span current, left where it ends it. Both are plain
    attaches: a token's reset fails in another task, and callbacks end spans wherever they like.
    """

    __slots__ = ("_outside", "context", "is_open")

    def __init__(self, context: Context) -> None:
        """Make a place inside `context`."""
        self.context = set_value(_PLACE, self, context)
        self.is_open = True
        self._outside = context

    def enter(self) -> None:
        """Make the place current here."""
        self._outside = current_context()
        attach(self.context)

    def leave(self) -> None:
        """Close the place; where it is current, what was around it becomes current again.

        Elsewhere (another task ends it, or something inside is still current) nothing changes
        until the inner one is left.
        """
        self.is_open = False
        if get_current() is self.context:
            attach(current_context())

    def inside(self) -> Context:
        """Return the Context for a child: the current one if it is within this place, else its own.

        Between the framework's parent and the child there may be spans of the user's.
        """
        here = current_context()
        return here if get_value(_PLACE, here) is self else self.context

    def around(self) -> Context:
        """Return what was current when the place was entered."""
        return self._outside


def current_context() -> Context:
    """Return the current Context; places that were closed from elsewhere are climbed out of."""
    context = get_current()
    place = get_value(_PLACE, context)
    while isinstance(place, Place) and not place.is_open and context is place.context:
        context = place.around()
        place = get_value(_PLACE, context)
    return context


def is_recording() -> bool:
    """Say whether anybody has set up OpenTelemetry, so that recording is worth its work."""
    return current_tracer() is not None


@dataclass(eq=False, repr=False)
class Plain(Recording):
    """A span for what is neither agent, model nor tool: it keeps the tree whole, nothing else."""

    kind: ClassVar[semconv.Kind | None] = None

    name: str

    def _span_name(self) -> str:
        return self.name

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        return {}


class BoundedTable(Generic[T]):
    """What is open now, by the framework's id; past the bound the oldest entry gives way.

    Safe to use from several threads.
    """

    def __init__(self, limit: int) -> None:
        """Hold `limit` entries at most."""
        self._limit = limit
        self._entries: dict[str, T] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._entries)

    def put(self, key: str, entry: T) -> T | None:
        """Add an entry; return the one that had to give way, if any."""
        with self._lock:
            self._entries[key] = entry
            if len(self._entries) <= self._limit:
                return None
            return self._entries.pop(next(iter(self._entries)))

    def get(self, key: str | None) -> T | None:
        """Return an entry, None if there is none."""
        return None if key is None else self._entries.get(key)

    def pop(self, key: str) -> T | None:
        """Remove and return an entry, None if there is none."""
        with self._lock:
            return self._entries.pop(key, None)

    def drain(self) -> list[T]:
        """Remove and return all entries, the newest first."""
        with self._lock:
            entries = [*reversed(self._entries.values())]
            self._entries.clear()
            return entries


def wrapped(owner: Any, name: str, wrapper: Any) -> Any:  # noqa: ANN401 - any class, any method
    """Replace a method of a framework's class by `wrapper`; return the original."""
    original = getattr(owner, name)
    setattr(owner, name, wrapper(original))
    return original
