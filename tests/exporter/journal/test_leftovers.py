"""What crashes left is stored in few inserts, and what was under way is sent again as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handspan_exporter.journal import leftovers
from handspan_exporter.journal.journal import Journal
from handspan_exporter.otlp.signals import LOGS
from handspan_exporter.telemetry import Counters

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def _journal(folder: Path) -> Journal:
    return Journal(folder, max_bytes=1 << 30, segment_spans=1, counters=Counters())


def _left(folder: Path, segments: int) -> Journal:
    """Return the journal of a process whose predecessor left so many closed segments."""
    journal = _journal(folder)
    for number in range(segments):
        journal.append(b"request %d" % number, 1)
    return _journal(folder)


def _taken(journal: Journal) -> list[tuple[list[str], str]]:
    """Return the groups in the order in which they are stored; each is removed."""
    taken = []
    while (group := journal.oldest_group()) is not None:
        taken.append(([segment.id for segment in group.segments], group.token))
        for segment in group.segments:
            journal.remove(segment)
    return taken


def test_leftovers_are_stored_together_all_but_the_oldest(tmp_path: Path) -> None:
    """The oldest may be under way at a server still: only its own token keeps it single."""
    journal = _left(tmp_path, 6)

    (first, own), (others, _) = _taken(journal)

    assert first == [own]
    assert len(others) == 5
    assert others == sorted(others)
    assert first < others


def test_a_group_that_was_begun_comes_back_as_it_was(tmp_path: Path) -> None:
    """Another token for the same rows would double what a server finishes after our end."""
    first = _left(tmp_path, 4)
    alone = first.oldest_group()
    assert alone is not None
    first.remove(alone.segments[0])
    begun = first.oldest_group()
    assert begun is not None
    first.append(b"of a later life", 1)

    second = _left(tmp_path, 2)
    first.remove(begun.segments[0])  # removed as stored, when the process ended
    third = _journal(tmp_path)

    for journal, members in ((second, 3), (third, 2)):
        again = journal.oldest_group()
        assert again is not None
        assert again.token == begun.token
        assert [one.id for one in again.segments] == [one.id for one in begun.segments][-members:]
    assert [len(ids) for ids, _ in _taken(third)] == [2, 3]


def test_a_group_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is decoded and sent as one."""
    monkeypatch.setattr(leftovers, "GROUP_MAX_SEGMENTS", 3)
    assert [len(ids) for ids, _ in _taken(_left(tmp_path, 8))] == [1, 3, 3, 1]
    monkeypatch.setattr(leftovers, "GROUP_MAX_BYTES", 25)
    assert [len(ids) for ids, _ in _taken(_left(tmp_path, 5))] == [1, 2, 2]


def test_signals_are_not_mixed_and_what_is_new_waits(tmp_path: Path) -> None:
    """A group goes into the tables of one signal; its segments were all left by a crash."""
    before = _journal(tmp_path)
    for _ in range(3):
        before.append(b"spans", 1)
        before.append(b"records", 1, LOGS)
    journal = _journal(tmp_path)
    journal.append(b"new", 1)

    taken = [ids for ids, _ in _taken(journal)]

    assert [len(ids) for ids in taken] == [1, 1, 2, 2, 1]
    assert [{"logs" in one for one in ids} for ids in taken] == [
        *({False}, {True}, {False}, {True}, {False})
    ]


def test_without_a_note_there_is_no_group(tmp_path: Path) -> None:
    """A full disk must not stop what makes room on it."""
    journal = _left(tmp_path, 3)
    (tmp_path / "together.txt.new").mkdir()

    assert [len(ids) for ids, _ in _taken(journal)] == [1, 1, 1]
