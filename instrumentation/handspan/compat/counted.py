"""Calls of the older APIs that could not be recorded as they were meant."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Literal

from handspan.internal import warn_once

Reason = Literal[
    "agents without a known time",
    "budget events without a limit",
    "completions of an unknown agent",
    "completions of an unknown workflow",
    "entries dropped from a full session",
    "events of an unknown type",
    "files not written",
    "handoffs of an unknown workflow",
    "invocations unknown",
    "links not readable",
    "recoveries without a fault",
    "starts forgotten, too many are open",
    "workflows started twice",
]
"""What happened to a call."""

_counts: Counter[Reason] = Counter()
_lock = threading.Lock()


def count(reason: Reason, advice: str) -> None:
    """Count a call, and warn of the first one with the same advice.

    Args:
        reason: what happened to it.
        advice: what became of it and what to do, without ids, so that it is told once.
    """
    with _lock:
        _counts[reason] += 1
    warn_once(f"Handspan: {advice}")


def counts() -> dict[Reason, int]:
    """Return how often each reason occurred in this process; none that did not."""
    with _lock:
        return dict(_counts)
