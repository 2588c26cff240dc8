"""The time at which Handspan's spans start and end; the pytest plugin sets it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

source: Callable[[], int] = time.time_ns
"""Returns nanoseconds since the epoch."""


def now_ns() -> int:
    """Return the time in nanoseconds since the epoch."""
    return source()
