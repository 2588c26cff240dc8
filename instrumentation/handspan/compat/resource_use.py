"""What this process uses of CPU and memory, measured between two moments."""

from __future__ import annotations

import os
import time
from pathlib import Path

_STATM = Path("/proc/self/statm")


class ResourceUse:
    """Measures since the measurement before; a few microseconds each."""

    def __init__(self) -> None:
        """Start measuring."""
        self._wall_ns = time.monotonic_ns()
        self._cpu_ns = time.process_time_ns()

    def measure(self) -> dict[str, float | int | None]:
        """Return the share of one CPU since the last call and the memory in use, bytes.

        What this system does not tell is None.
        """
        wall_ns, cpu_ns = time.monotonic_ns(), time.process_time_ns()
        past_ns, used_ns = wall_ns - self._wall_ns, cpu_ns - self._cpu_ns
        self._wall_ns, self._cpu_ns = wall_ns, cpu_ns
        return {
            "cpu_ratio": used_ns / past_ns if past_ns else None,
            "memory_bytes": _resident_bytes(),
        }


def _resident_bytes() -> int | None:
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
