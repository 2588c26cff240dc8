"""The verbs `decision` and `message`: what an agent chose, and what it told another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handspan import semconv
from handspan.internal import contained
from handspan.record.point import happened
from handspan.record.values import listed, plain

if TYPE_CHECKING:
    from collections.abc import Sequence


@contained
def decision(
    name: str,
    choice: str,
    *,
    alternatives: Sequence[str] = (),
    confidence: float | None = None,
    reason: str | None = None,
) -> None:
    """Record what the running agent decided: an event on the current span.

    What already has a verb needs none of this: a handoff, a check, a person's answer.

    Args:
        name: what is decided, for example next_agent; few different ones.
        choice: what was chosen.
        alternatives: what else there was to choose.
        confidence: how sure the agent was, 0..1.
        reason: why.

    Example:
        >>> with handspan.agent("triage"):
        ...     handspan.decision("queue", "billing", alternatives=["legal"], confidence=0.8)
    """
    happened(
        semconv.EVENT_DECISION,
        {
            semconv.DECISION_NAME: name,
            semconv.DECISION_CHOICE: choice,
            semconv.DECISION_ALTERNATIVES: [str(plain(one)) for one in listed(alternatives) or ()]
            or None,
            semconv.DECISION_CONFIDENCE: confidence,
            semconv.DECISION_REASON: reason,
        },
    )


@contained
def message(
    target: str | None = None,
    *,
    source: str | None = None,
    type: str | None = None,
    payload_bytes: int | None = None,
) -> None:
    """Record that an agent wrote to another one and goes on itself: an event on the current span.

    Giving control away is `handspan.handoff`. What was written is not recorded.

    Args:
        target: agent that is written to; None: all.
        source: agent that sends; None: the running one.
        type: kind of message, for example proposal; few different ones.
        payload_bytes: size of the message.

    Example:
        >>> with handspan.agent("buyer"):
        ...     handspan.message("seller", type="proposal", payload_bytes=412)
    """
    happened(
        semconv.EVENT_MESSAGE,
        {
            semconv.MESSAGE_SOURCE: source,
            semconv.MESSAGE_TARGET: target,
            semconv.MESSAGE_TYPE: type,
            semconv.MESSAGE_PAYLOAD_BYTES: payload_bytes,
        },
    )
