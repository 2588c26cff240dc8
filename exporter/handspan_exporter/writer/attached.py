"""Follows a table that another writes, usually a Collector: its rows become agent spans too.

What is new is told by the table's parts. An insert is one part, seen whole or not at all, with a
number; later parts are merged, and then have the numbers from the first to the last. Inserts that
overlap in time appear in any order, each as its own part, so none is skipped. A merged part is new
unless the parts below it that were read have together as many rows; read twice is no harm, since
agent spans replace.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from handspan_exporter import sql
from handspan_exporter.columns.agent_spans import READS, agent_spans_table
from handspan_exporter.columns.arrivals import arrivals_table, late_spans
from handspan_exporter.errors import HandspanError, RowsRefused, StoreUnsuitable, UsageError
from handspan_exporter.telemetry import ATTACHED_PARTS, ATTACHED_SPANS, ROWS_REJECTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.telemetry import Counters

SLICE_ROWS: Final = 50_000
"""Read at once, about."""

_LONGEST_PAUSE_S = 30.0
_MAYBE_ABSENT = {"ScopeName": "''"}
"""Columns that old exporters do not write, and what stands for them."""
_MAPS = "Map(LowCardinality(String), String)"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a MergeTree table."""

    part: str
    """Its name, never used again."""
    partition_id: str
    first: int
    last: int
    """Numbers of the first and the last insert in it."""
    rows: int

    def lies_in(self, other: Part) -> bool:
        """Tell whether the other may have been made from this one."""
        return (
            self.partition_id == other.partition_id
            and other.first <= self.first
            and self.last <= other.last
        )


def unread(parts: Iterable[Part], done: Sequence[Part]) -> list[Part]:
    """Return the parts that have rows which no part in `done` had."""
    names = {one.part for one in done}
    new = [part for part in parts if part.part not in names]
    return [part for part in new if sum(o.rows for o in done if o.lies_in(part)) != part.rows]


class Source:
    """A table of another writer: what it is called, and how its rows are read."""

    def __init__(self, connection: Connection, name: str, database: str) -> None:
        """Look at the table; `name` may name another database than ours.

        Raises:
            UsageError: it is not a table's name.
            StoreUnsuitable: it is not there, or not such a table as it must be.
        """
        self.database, _, self.table = name.rpartition(".")
        self.database = self.database or database
        if not (self.table.isidentifier() and self.database.replace("-", "_").isidentifier()):
            raise UsageError(f"--attach: {name!r} is not TABLE or DATABASE.TABLE")
        self._place = {"database": self.database, "table": self.table}
        found = connection.rows(sql.load("attach/table"), self._place)
        if not found:
            raise StoreUnsuitable(f"--attach: there is no table {self}: start its writer first")
        engine = found[0]["engine"]
        if not engine.endswith("MergeTree"):
            raise StoreUnsuitable(
                f"--attach: {self} is a {engine}, which has no parts to follow: name the MergeTree "
                "table below it"
            )
        self.id = f"{self}/{found[0]['uuid']}"
        self._columns = self._readable(connection)

    def __str__(self) -> str:
        """Return its full name."""
        return f"{self.database}.{self.table}"

    @property
    def quoted(self) -> str:
        """Its name in a statement."""
        return f"`{self.database}`.`{self.table}`"

    def show(self, connection: Connection, ours: str) -> None:
        """Give the table, and its companion, the names by which everything else reads them."""
        for suffix in ("", "_trace_id_ts"):
            place = {"database": self.database, "table": self.table + suffix}
            name = "otel_traces" + suffix
            same = (self.database, self.table) == (ours, "otel_traces")
            if connection.rows(sql.load("attach/table"), place):
                if not same:
                    connection.command(sql.render("attach/view", {"name": name, **place}))
            elif suffix:
                connection.command(sql.render("attach/times", self._place))

    def parts(self, connection: Connection) -> list[Part]:
        """Return what the table consists of now."""
        return [Part(**row) for row in connection.rows(sql.load("attach/parts"), self._place)]

    def read(
        self, connection: Connection, parts: Sequence[Part], from_: int, until: int
    ) -> pa.Table:
        """Return rows [from_, until) of each of these parts, as far as they are still there."""
        statement = sql.render("attach/read", {"columns": self._columns, "table": self.quoted})
        names = [part.part for part in parts]
        return connection.arrow(statement, {"parts": names, "from": from_, "until": until})

    def _readable(self, connection: Connection) -> str:
        rows = connection.rows(sql.load("attach/columns"), self._place)
        kinds = {row["name"]: row["type"] for row in rows}
        absent = [name for name in READS if name not in kinds and name not in _MAYBE_ABSENT]
        if absent:
            raise StoreUnsuitable(
                f"--attach: {self} has no column {absent[0]}: it must be the table of the "
                "Collector's clickhouseexporter"
            )
        if kinds["SpanAttributes"] != _MAPS:
            raise StoreUnsuitable(
                f"--attach: SpanAttributes of {self} is {kinds['SpanAttributes']}, not {_MAPS}: "
                "set `json: false` in the Collector's clickhouseexporter"
            )
        return ", ".join(_expression(name, kinds) for name in READS)


class Attached:
    """The thread that reads what is new, as long as its service leads."""

    def __init__(
        self,
        connection: Connection,
        source: Source,
        *,
        leads: Callable[[], bool],
        pause_s: float,
        idle_s: float,
        counters: Counters,
        on_stored: Callable[[], None] = lambda: None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Remember the parts; nothing runs before `start` or `pull`.

        Args:
            connection: Of this thread alone.
            source: What to read.
            leads: Whether this service may write; asked before each look. Never blocks.
            pause_s: Seconds between two looks.
            idle_s: After how many seconds without a span a trace is idle.
            counters: For rows and parts.
            on_stored: Called after something was stored; must not block.
            clock_ns: Unix time: when a span came.
        """
        self._connection = connection
        self._source = source
        self._leads = leads
        self._pause_s = pause_s
        self._idle_s = idle_s
        self._counters = counters
        self._on_stored = on_stored
        self._clock_ns = clock_ns
        self._done: dict[str, Part] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="attached")

    def start(self) -> None:
        """Begin to look in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being read now."""
        self._stopping.set()
        self._thread.join()

    def pull(self) -> int:
        """Read all that is new and return how many rows that were; blocks while it reads.

        Raises:
            QueryFailed: the store refused a statement; the same rows are read again.
            StoreDown: the store cannot be reached; the same rows are read again.
        """
        if not self._leads():
            self._done = None
            return 0
        if self._done is None:
            rows = self._connection.rows(sql.load("attach/done"), {"source": self._source.id})
            self._done = {row["part"]: Part(**row) for row in rows}
        there = self._source.parts(self._connection)
        read = 0
        for parts in _batches(unread(there, list(self._done.values()))):
            read += self._read(parts)
            if self._stopping.is_set() or not self._leads():
                return read
        self._keep(there)
        return read

    def _read(self, parts: Sequence[Part]) -> int:
        """Store the rows of some parts, and note those parts that were there to the end of it."""
        read = 0
        for from_ in range(0, max(part.rows for part in parts), SLICE_ROWS):
            rows = self._source.read(self._connection, parts, from_, from_ + SLICE_ROWS)
            read += rows.num_rows
            self._store(rows)
        still = {part.part for part in self._source.parts(self._connection)}
        self._note([part for part in parts if part.part in still], deleted=0)
        self._counters.add(ATTACHED_SPANS, read)
        self._counters.add(ATTACHED_PARTS, len(parts))
        return read

    def _store(self, rows: pa.Table) -> None:
        now_ns = self._clock_ns()
        agent_spans = agent_spans_table(rows, now_ns)
        try:
            if agent_spans.num_rows:
                self._connection.insert("agent_spans", agent_spans, token=secrets.token_hex(16))
        except RowsRefused as error:
            # Theirs to keep, and still there: `handspan rebuild` takes them once this is mended.
            self._counters.add(ROWS_REJECTED, agent_spans.num_rows, reason="agent_spans")
            _log.error("%s rows of %s are not taken: %s", len(agent_spans), self._source, error)
            return
        late = late_spans(rows, now_ns, self._idle_s)
        arrivals = arrivals_table(agent_spans, now_ns, late).drop_columns(["arrived_at"])
        if arrivals.num_rows:
            self._connection.insert("trace_arrivals", arrivals, token=secrets.token_hex(16))
            self._on_stored()

    def _keep(self, there: Sequence[Part]) -> None:
        """Take over parts that were merged from read ones, and forget what is no longer there."""
        assert self._done is not None  # noqa: S101 - `pull` has filled it
        known = self._done
        new = [part for part in there if part.part not in known]
        merged = [part for part in new if not unread([part], list(known.values()))]
        self._note(merged, deleted=0)
        names = {part.part for part in there}
        self._note([part for name, part in known.items() if name not in names], deleted=1)

    def _note(self, parts: Sequence[Part], *, deleted: int) -> None:
        if not parts or self._done is None:
            return
        common = {"source": self._source.id, "revision": self._clock_ns(), "is_deleted": deleted}
        rows = [{**asdict(part), **common} for part in parts]
        table = pa.Table.from_pylist(rows, schema=_NOTED)
        self._connection.insert("attached_parts", table, token=secrets.token_hex(16))
        for part in parts:
            if deleted:
                del self._done[part.part]
            else:
                self._done[part.part] = part

    def _run(self) -> None:
        pause_s = self._pause_s
        while not self._stopping.wait(pause_s):
            try:
                self.pull()
                pause_s = self._pause_s
            except HandspanError as error:
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                _log.warning("%s is read late, trying again: %s", self._source, error)
            except Exception:  # noqa: BLE001 - this thread must outlive any defect
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                _log.exception("%s is read late, trying again", self._source)


_NOTED = pa.schema(
    [
        ("source", pa.string()),
        ("part", pa.string()),
        ("partition_id", pa.string()),
        ("first", pa.int64()),
        ("last", pa.int64()),
        ("rows", pa.uint64()),
        ("revision", pa.uint64()),
        ("is_deleted", pa.uint8()),
    ]
)


def _batches(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Yield parts together until they have about `SLICE_ROWS`; a large one comes alone."""
    batch: list[Part] = []
    for part in parts:
        if batch and sum(one.rows for one in batch) + part.rows > SLICE_ROWS:
            yield batch
            batch = []
        batch.append(part)
    if batch:
        yield batch


def _expression(name: str, kinds: dict[str, Any]) -> str:
    """Return how a column is read: old exporters wrote durations as signed numbers."""
    if name not in kinds:
        return f"{_MAYBE_ABSENT[name]} AS `{name}`"
    if name == "Duration" and kinds[name] == "Int64":
        return "toUInt64(greatest(`Duration`, 0)) AS `Duration`"
    return f"`{name}`"
