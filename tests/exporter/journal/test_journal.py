"""What is acknowledged is on disk, in order, once; and the disk may be full or torn."""

from __future__ import annotations

import os
import resource
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from handspan_exporter.errors import JournalFull, Stop
from handspan_exporter.journal.journal import Journal
from handspan_exporter.journal.records import bodies, record
from handspan_exporter.journal.repeats import WINDOW_S, Refused, Repeats, digest
from handspan_exporter.journal.segment import Segment
from handspan_exporter.otlp.signals import LOGS
from handspan_exporter.telemetry import BYTES_TORN, Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Clock:
    """Unix time in ns that a test moves."""

    def __init__(self, now_ns: int = 1_790_000_000_000_000_000) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        """Return the time."""
        return self.now_ns


def _journal(
    folder: Path,
    *,
    max_bytes: int = 1 << 30,
    segment_spans: int = 1000,
    counters: Counters | None = None,
    clock: Clock | None = None,
) -> Journal:
    return Journal(
        folder,
        max_bytes=max_bytes,
        segment_spans=segment_spans,
        counters=counters or Counters(),
        clock_ns=clock or Clock(),
    )


def _closed(journal: Journal) -> Segment:
    journal.roll()
    segment = journal.oldest()
    assert segment is not None
    return segment


def _leave(folder: Path, *requests: bytes) -> Path:
    """Leave one segment behind as a process that was killed would."""
    journal = _journal(folder)
    for body in requests:
        journal.append(body, 1)
    segment = _closed(journal)
    segment.close()
    return segment.path


@pytest.mark.parametrize("length", [1, 127, 128, 16_383, 16_384, 300_000])
def test_a_record_of_any_length_is_read_back(length: int) -> None:
    """The length is a varint: its size changes at powers of 128."""
    body = b"x" * length
    data = record(body) + record(b"next")

    assert bodies(data) == ([body, b"next"], len(data))


def test_requests_are_kept_in_order_until_the_segment_is_removed(tmp_path: Path) -> None:
    """The file is the truth; memory only a shortcut."""
    journal = _journal(tmp_path)
    for body in (b"one", b"two"):
        journal.append(body, 1)
    assert journal.oldest() is None, "an open segment is nobody's turn"

    segment = _closed(journal)

    assert segment.records == 2
    assert list(journal.requests(segment)) == [b"one", b"two"]
    assert journal.size_bytes == segment.path.stat().st_size
    journal.remove(segment)
    assert journal.oldest() is None
    assert journal.size_bytes == 0
    assert not segment.path.exists()


def test_a_segment_closes_when_it_has_enough_spans(tmp_path: Path) -> None:
    """While the store is down nobody rolls, and one endless file could not be decoded."""
    journal = _journal(tmp_path, segment_spans=10)

    journal.append(b"one", 6)
    assert journal.oldest() is None
    journal.append(b"two", 6)
    journal.append(b"three", 1)

    segment = journal.oldest()
    assert segment is not None
    assert list(journal.requests(segment)) == [b"one", b"two"]


def test_a_segment_closes_when_its_rows_have_enough_copies(tmp_path: Path) -> None:
    """A resource stands once in a request, and in each of its rows: small files of large rows."""
    journal = _journal(tmp_path)

    for body in (b"one", b"two", b"three"):
        journal.append(body, 1, copied_bytes=40 << 20)

    segment = journal.oldest()
    assert segment is not None
    assert list(journal.requests(segment)) == [b"one", b"two"]


def test_many_threads_append_and_nothing_is_lost(tmp_path: Path) -> None:
    """One fdatasync serves all who wait; each must still find its own request on disk."""
    journal = _journal(tmp_path, segment_spans=37)
    wanted = {b"%d" % number for number in range(400)}

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda body: journal.append(body, 1), wanted))

    journal.roll()
    found: list[bytes] = []
    while (segment := journal.oldest()) is not None:
        found += list(journal.requests(segment))
        journal.remove(segment)
    assert sorted(found) == sorted(wanted)


def test_a_killed_process_leaves_its_segments_to_the_next(tmp_path: Path) -> None:
    """Same name, so the same token: the store drops what it already has."""
    path = _leave(tmp_path, b"one", b"two")

    journal = _journal(tmp_path)
    segment = journal.oldest()

    assert segment is not None
    assert segment.path == path
    assert segment.records == 2
    assert list(journal.requests(segment)) == [b"one", b"two"]
    assert journal.repeats.find(digest(b"one")) == Refused(), "a client may send it once more"


@pytest.mark.parametrize("torn", [b"\x05", b"\x05abc", b"\xff", b"\0\0\0\0"])
def test_a_torn_end_is_cut_off_and_counted(tmp_path: Path, torn: bytes) -> None:
    """It was never acknowledged: the crash came before the sync."""
    path = _leave(tmp_path, b"one")
    with path.open("ab") as file:
        file.write(torn)
    counters = Counters()

    journal = _journal(tmp_path, counters=counters)
    segment = journal.oldest()

    assert segment is not None
    assert list(journal.requests(segment)) == [b"one"]
    assert path.read_bytes() == record(b"one")
    assert counters.total(BYTES_TORN) == len(torn)


def test_old_leftovers_are_taken_up_without_being_read(tmp_path: Path) -> None:
    """Gigabytes may be left; only what a client may still send again has to be known by content."""
    path = _leave(tmp_path, b"one" * 1000, b"two")
    clock = Clock()
    old_s = clock.now_ns // 10**9 - WINDOW_S - 1
    os.utime(path, (old_s, old_s))

    journal = _journal(tmp_path, clock=clock)
    segment = journal.oldest()

    assert segment is not None
    assert (segment.records, segment.size) == (2, path.stat().st_size)
    assert journal.repeats.find(digest(b"two")) is None
    assert list(journal.requests(segment)) == [b"one" * 1000, b"two"]


def test_a_request_is_remembered_since_it_came_not_since_its_segment_began(tmp_path: Path) -> None:
    """While the store is down a segment stays open for long: a retry of its end must be known."""
    clock = Clock()
    path = _leave(tmp_path, b"one")
    clock.now_ns += WINDOW_S * 10**9
    os.utime(path, (clock.now_ns // 10**9, clock.now_ns // 10**9))
    clock.now_ns += WINDOW_S // 2 * 10**9

    assert _journal(tmp_path, clock=clock).repeats.find(digest(b"one")) == Refused()


def test_durability_of_the_process_never_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever chooses it wants the time; a killed process still loses nothing."""
    for call in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, call, lambda _descriptor: pytest.fail("waited for the disk"))
    segment = Segment.create(tmp_path, 1, "x", durable=False)
    segment.append(record(b"one"), 1)
    segment.sync()

    assert segment.path.read_bytes() == record(b"one")


def test_how_long_something_waits_is_told(tmp_path: Path) -> None:
    """The first thing an operator wants to know when the store is down."""
    clock, counters = Clock(), Counters()
    journal = _journal(tmp_path, clock=clock, counters=counters)
    assert "handspan_journal_age_seconds 0.0" in counters.exposition()

    journal.append(b"one", 1)
    clock.now_ns += 7 * 10**9

    assert journal.age_s == pytest.approx(7)
    assert "handspan_journal_bytes 4\n" in counters.exposition()


def test_a_segment_without_a_whole_request_vanishes(tmp_path: Path) -> None:
    """A crash may come between making the file and its first record."""
    path = _leave(tmp_path, b"one")
    path.write_bytes(b"\x05ab")

    assert _journal(tmp_path).oldest() is None
    assert not path.exists()


def test_names_never_go_back_even_when_the_clock_does(tmp_path: Path) -> None:
    """Segments are stored in the order of their names, and a token must never come twice."""
    clock = Clock()
    first = _journal(tmp_path, clock=clock)
    first.append(b"one", 1)
    one = _closed(first)
    clock.now_ns -= 10**12
    first.append(b"two", 1)
    first.roll()

    again = _journal(tmp_path, clock=clock)
    again.append(b"three", 1)
    again.roll()

    names = sorted(path.name for path in tmp_path.glob("*.otlp"))
    assert names[0] == one.path.name
    assert len({name.partition("-")[0] for name in names}) == 3


def test_the_watermark_passes_what_is_stored_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """Else the facts of the last spans wait until the clock has caught up, an hour perhaps."""
    clock = Clock()
    journal = _journal(tmp_path, clock=clock)
    journal.append(b"ahead", 1)
    segment = _closed(journal)
    clock.now_ns -= 3600 * 10**9
    journal.remove(segment)

    watermark_ns = journal.watermark_ns()

    assert watermark_ns > segment.created_ns
    journal.append(b"later", 1)
    assert _closed(journal).created_ns >= watermark_ns


def test_the_watermark_stands_still_at_what_is_not_yet_stored(tmp_path: Path) -> None:
    """Whoever follows arrivals must not pass one that becomes visible later."""
    clock = Clock()
    journal = _journal(tmp_path, clock=clock)
    idle_ns = journal.watermark_ns()
    assert idle_ns == clock.now_ns

    segment = journal.append(b"one", 1)
    assert segment.created_ns > idle_ns, "begun after the watermark was read"
    clock.now_ns += 10**9
    assert journal.watermark_ns() == segment.created_ns
    closed = _closed(journal)
    assert journal.watermark_ns() == segment.created_ns
    journal.remove(closed)
    assert journal.watermark_ns() == clock.now_ns


def test_a_full_journal_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    """Back-pressure: the client retries, and there is room again once the store is back."""
    journal = _journal(tmp_path, max_bytes=20)
    journal.append(b"x" * 15, 1)

    with pytest.raises(JournalFull, match="--journal-max-bytes"):
        journal.append(b"y" * 15, 1)

    segment = _closed(journal)
    assert list(journal.requests(segment)) == [b"x" * 15]
    journal.remove(segment)
    journal.append(b"y" * 15, 1)


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Return a function that lets no file of this process grow beyond so many bytes.

    The kernel then breaks a write off in the middle, as it does when a disk is full.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_no_half_of_a_request(
    tmp_path: Path, small_files: Callable[[int], None]
) -> None:
    """What follows the half would be read as its rest."""
    journal = _journal(tmp_path)
    small_files(8_000)
    journal.append(b"x" * 5_000, 1)

    with pytest.raises(JournalFull, match="make room"):
        journal.append(b"y" * 5_000, 1)
    journal.append(b"z" * 1_000, 1)

    segment = _closed(journal)
    assert list(journal.requests(segment)) == [b"x" * 5_000, b"z" * 1_000]
    assert segment.path.stat().st_size == journal.size_bytes


def test_what_the_disk_refuses_to_sync_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test can make a disk fail on demand, so the system call is the one thing replaced."""
    journal = _journal(tmp_path)
    journal.append(b"good", 1)

    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(JournalFull, match="refuses"):
            journal.append(b"bad", 1)
    journal.append(b"good again", 1)

    assert list(journal.requests(_closed(journal))) == [b"good", b"good again"]


def test_a_request_is_acknowledged_only_after_its_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one promise: acknowledged means on disk."""
    journal, release, entered = _journal(tmp_path), threading.Event(), threading.Event()
    sync = os.fdatasync

    def slow(descriptor: int) -> None:
        entered.set()
        release.wait()
        sync(descriptor)

    monkeypatch.setattr(os, "fdatasync", slow)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(journal.append, b"one", 1)
        entered.wait()
        assert not answer.done()
        release.set()
        assert answer.result().synced == len(record(b"one"))


def test_a_folder_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """Better than to accept spans that no disk will keep."""
    (tmp_path / "journal").write_text("a file")

    with pytest.raises(Stop, match="cannot be used"):
        _journal(tmp_path / "journal")


def test_a_segment_that_cannot_be_stored_is_kept_with_the_reason(tmp_path: Path) -> None:
    """Nothing waits behind it, and a person can look at it."""
    journal = _journal(tmp_path)
    journal.append(b"one", 1)
    segment = _closed(journal)

    journal.set_aside(segment, "why")

    assert journal.oldest() is None
    assert (journal.rejected.folder / segment.path.name).read_bytes() == record(b"one")
    assert (journal.rejected.folder / f"{segment.id}.txt").read_text() == "why\n"


def test_a_segment_that_was_set_aside_has_one_more_chance_at_each_start(tmp_path: Path) -> None:
    """It is acknowledged; a newer version may store it, and begins it anew for those who follow."""
    clock = Clock()
    journal = _journal(tmp_path, clock=clock)
    journal.append(b"one", 1, LOGS)
    journal.set_aside(_closed(journal), "why")
    clock.now_ns += 10**12

    again = _journal(tmp_path, clock=clock)

    segment = again.oldest()
    assert segment is not None
    assert list(segment.requests()) == [b"one"]
    assert (segment.signal, segment.inherited) == (LOGS, True)
    assert segment.created_ns == clock.now_ns
    assert list(again.rejected.folder.iterdir()) == []


def test_a_repetition_is_known_for_ten_minutes() -> None:
    """Clients give up after five; remembering longer would only cost memory."""
    clock = Clock()
    repeats = Repeats(clock)
    repeats.remember(digest(b"one"), Refused(2, "why"))

    clock.now_ns += WINDOW_S * 10**9
    assert repeats.find(digest(b"one")) == Refused(2, "why")
    assert repeats.find(digest(b"two")) is None
    clock.now_ns += 1
    assert repeats.find(digest(b"one")) is None
