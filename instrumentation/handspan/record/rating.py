"""The verb `rate`: somebody says how good a piece of work was, now or later."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Link, get_current_span

from handspan import semconv
from handspan.clock import now_ns
from handspan.context import Run, span_context
from handspan.internal import contained, warn_once
from handspan.record.recording import Recording
from handspan.record.values import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.trace import SpanContext
    from opentelemetry.util.types import AttributeValue


@contained
def rate(
    quality: int | None = None,
    *,
    success: bool | None = None,
    source: str = "human",
    notes: str | None = None,
    would_use_again: bool | None = None,
    alternative_agent: str | None = None,
    of: Recording | str | tuple[str, str] | None = None,
) -> None:
    """Rate what runs now, what ran before, or what was stored long ago.

    Args:
        quality: 5 exactly what was needed, 4 good, 3 usable, 2 poor, 1 failed.
        success: whether the work did what it should.
        source: who rates, for example human or judge; few different ones.
        notes: the rating in words.
        would_use_again: whether you would give this agent such a task again.
        alternative_agent: agent that should have done it.
        of: what is rated. None: the current span. A recording, open or ended. A span as W3C
            traceparent (`00-<trace id>-<span id>-01`), or its trace and span id in hex. Any other
            text is the id of a run.

    Example:
        >>> with handspan.agent("writer") as writer:
        ...     text = write(question)
        >>> handspan.rate(4, success=True, notes="a little long", of=writer)
        >>> handspan.rate(2, alternative_agent="lawyer", of="ticket-7")
    """
    told = _on_scale(quality)
    if (told, success, notes, would_use_again, alternative_agent) == (None,) * 5:
        warn_once("Handspan ignores a rating that says nothing: give quality, success or notes")
        return
    Rating(
        told,
        success=success,
        source=source,
        notes=notes,
        would_use_again=would_use_again,
        alternative_agent=alternative_agent,
        of=of,
    ).record()


@dataclass(eq=False, repr=False)
class Rating(Recording):
    """A rating: a span without length that links to the rated span."""

    kind: ClassVar[semconv.Kind] = "rating"

    quality: int | None
    _: KW_ONLY
    success: bool | None
    source: str
    notes: str | None
    would_use_again: bool | None
    alternative_agent: str | None
    of: Recording | str | tuple[str, str] | None

    def record(self) -> None:
        """Write the span."""
        at_ns = now_ns()
        self.start(start_ns=at_ns)
        self.end(end_ns=at_ns)

    def _around(self) -> Context:
        if isinstance(self.of, Recording):
            return self.of.context
        return get_current()

    def _span_name(self) -> str:
        return f"{semconv.SPAN_RATING} {self.source}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        return {
            semconv.RATING_QUALITY: self.quality,
            semconv.RATING_SUCCESS: self.success,
            semconv.RATING_SOURCE: self.source,
            semconv.RATING_NOTES: self.notes,
            semconv.RATING_WOULD_USE_AGAIN: self.would_use_again,
            semconv.RATING_ALTERNATIVE_AGENT: self.alternative_agent,
        }

    def _links(self) -> Sequence[Link]:
        rated = self._rated_span()
        return [Link(rated, {semconv.LINK: _RATES})] if rated.is_valid else ()

    def _run_inside(self, outer: Run) -> Run:
        """Return the rated run: who rates later, and from where, is no part of it."""
        if self.of is None or isinstance(self.of, Recording):
            return outer
        if not isinstance(self.of, str) or span_context(self.of) is not None:
            return Run()
        return Run(id=self.of or None)

    def _rated_span(self) -> SpanContext:
        if self.of is None or isinstance(self.of, Recording):
            return get_current_span(self._outer).get_span_context()
        if isinstance(self.of, str):
            return span_context(self.of) or INVALID_SPAN_CONTEXT
        return _span_of(self.of) or INVALID_SPAN_CONTEXT


def _span_of(ids: tuple[str, str]) -> SpanContext | None:
    """Return the span with these ids."""
    found = None
    if isinstance(ids, tuple | list) and len(ids) == 2 and all(type(one) is str for one in ids):
        found = span_context((ids[0], ids[1]))
    if found is None:
        warn_once(
            f"Handspan cannot find what is rated by of={ids!r:.80}: give a recording, a "
            "traceparent, the trace and span id in hex, or the id of a run"
        )
    return found


_RATES: semconv.LinkReason = "rates"


def _on_scale(quality: int | None) -> int | None:
    told = plain(quality)
    if told is None or (type(told) in {int, float} and told in range(1, 6)):
        return None if told is None else int(cast("int", told))
    warn_once(f"Handspan ignores the rating {quality}: quality is a whole number from 1 to 5")
    return None
