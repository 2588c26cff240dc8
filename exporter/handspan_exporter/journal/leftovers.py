"""What earlier processes left, in groups that are stored as one: many small segments cost little.

An insert of ours may outlive us: a ClickHouse server finishes what it has received after the client
was killed. Only its token keeps a replay from doubling it, so what may be under way is sent again
as it was: the oldest segment of each signal alone, and a group as it is noted on disk.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from handspan_exporter.journal.segment import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from handspan_exporter.journal.segment import Segment
    from handspan_exporter.otlp.signals import Signal

GROUP_MAX_BYTES = 8 << 20
"""Of a group's files: decoded it takes about ten times as much memory."""
GROUP_MAX_SEGMENTS = 500

_NOTE = "together.txt"


class Group(NamedTuple):
    """Closed segments of one signal, oldest first, and the token with which they are stored."""

    segments: Sequence[Segment]
    token: str


class Leftovers:
    """Knows which group was begun last. Not safe from several threads: the journal locks."""

    def __init__(self, folder: Path) -> None:
        """Read which group an earlier process had begun; nothing, where that is unreadable."""
        self._note = folder / _NOTE
        self._noted: list[str] = []
        self._begun: set[Signal] = set()
        with suppress(OSError):
            self._noted = self._note.read_text(encoding="ascii").split()

    def group(self, first: Segment, closed: Iterable[Segment]) -> Group:
        """Return the oldest closed segment and those that are stored with it."""
        if not first.inherited:
            return _alone(first)
        if first.id in self._noted:
            known = set(self._noted)
            return self._together([one for one in closed if one.id in known])
        if first.signal not in self._begun:
            self._begun.add(first.signal)
            return _alone(first)
        members = _fitting(first, closed)
        if len(members) == 1 or not self._write_note(members):
            return _alone(first)
        return self._together(members)

    def _together(self, members: list[Segment]) -> Group:
        """Return a group as it is noted; its first members may be stored and gone already."""
        self._begun.add(members[0].signal)
        return Group(members, "together-" + sha256(" ".join(self._noted).encode()).hexdigest())

    def _write_note(self, members: list[Segment]) -> bool:
        """Return whether a crash will not make another group of them."""
        noted = [segment.id for segment in members]
        try:
            write_durably(self._note, "\n".join(noted))
        except OSError:
            return False
        self._noted = noted
        return True


def _alone(segment: Segment) -> Group:
    return Group([segment], segment.id)


def _fitting(first: Segment, closed: Iterable[Segment]) -> list[Segment]:
    """Return the oldest leftovers of the signal of `first` that fit into one group."""
    members, size = [first], first.size
    for segment in closed:
        if segment is first or segment.signal is not first.signal or not segment.records:
            continue
        size += segment.size
        full = size > GROUP_MAX_BYTES or len(members) == GROUP_MAX_SEGMENTS
        if full or not segment.inherited:
            break
        members.append(segment)
    return members
