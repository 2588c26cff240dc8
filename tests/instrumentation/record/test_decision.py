"""What agents decide and tell each other: points in time on what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import handspan

if TYPE_CHECKING:
    from handspan.testing import Spans


def test_decisions_and_messages_are_events_of_who_makes_them(handspan_spans: Spans) -> None:
    """The span says who, the event what; what is not known is not said."""
    with handspan.agent("buyer"):
        handspan.decision("next", "ask", alternatives=["buy"], confidence=1, reason="dear")
        handspan.message("seller", type="offer", payload_bytes=412)
        handspan.decision("stop", "no")
    (span,) = handspan_spans
    assert [(event.name, dict(event.attributes or {})) for event in span.events] == [
        (
            "handspan.decision",
            {
                "handspan.decision.name": "next",
                "handspan.decision.choice": "ask",
                "handspan.decision.alternatives": ("buy",),
                "handspan.decision.confidence": 1.0,
                "handspan.decision.reason": "dear",
            },
        ),
        (
            "handspan.message",
            {
                "handspan.message.target": "seller",
                "handspan.message.type": "offer",
                "handspan.message.payload_bytes": 412,
            },
        ),
        (
            "handspan.decision",
            {"handspan.decision.name": "stop", "handspan.decision.choice": "no"},
        ),
    ]


def test_a_decision_that_is_none_hurts_nobody(handspan_spans: Spans) -> None:
    """We are guests: a confidence in words is our loss, not the user's."""
    with handspan.agent("buyer"):
        handspan.decision("next", "ask", confidence="very")  # type: ignore[arg-type]
    assert len(handspan_spans) == 1
