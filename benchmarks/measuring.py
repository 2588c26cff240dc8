"""What a process costs, as the kernel counts it, and how figures of several rounds are told."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pids: Iterable[int]) -> float:
    """Return user and system time of the processes and their ended children."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS_PER_S


def machine_cpu_s() -> float:
    """Return the time that all cores together were busy since the start of the machine."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        user, nice, system, _idle, _wait, *interrupts = map(int, file.readline().split()[1:9])
    return (user + nice + system + sum(interrupts)) / _TICKS_PER_S


def peak_mb(pids: Iterable[int]) -> float:
    """Return the most memory (resident) that each process ever had, added up."""
    return sum(_status_mb(pid, "VmHWM:") for pid in pids)


def resident_mb(pids: Iterable[int]) -> float:
    """Return the memory (resident) that the processes have now."""
    return sum(_status_mb(pid, "VmRSS:") for pid in pids)


def _status_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


def quantile(values: list[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of several rounds."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return minimum, median and maximum."""
        found = list(values)
        return cls(min(found), statistics.median(found), max(found))

    def text(self, digits: int = 0) -> str:
        """Return the three, the median in bold, as Markdown."""
        low, middle, high = (f"{x:.{digits}f}" for x in (self.low, self.middle, self.high))
        return f"{low} / **{middle}** / {high}"
