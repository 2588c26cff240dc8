"""Insert rows once and only once, and put aside the few that ClickHouse will never take."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import TYPE_CHECKING

import pyarrow as pa

from handspan_exporter.columns.said import said
from handspan_exporter.errors import QueryFailed, RowsRefused, StoreDown
from handspan_exporter.telemetry import (
    INSERT_S,
    ROWS_MISSED,
    ROWS_REJECTED,
    ROWS_UNVERIFIED,
    STORE_RETRIES,
)
from handspan_exporter.writer.verify import RECOGNISED, missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.journal.rejected import Rejected
    from handspan_exporter.store.connection import Connection
    from handspan_exporter.telemetry import Counters

MOST_REFUSALS = 200
"""Of one insert and its parts. Beyond, what is refused is put aside without looking for the rows
that are to blame: others wait."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_LOOKS = 4
"""How often the store is asked what it has, while it refuses to say; then nobody relies on it."""

_log = logging.getLogger(__name__)


class Inserter:
    """Sends tables to the store until it has them."""

    def __init__(
        self,
        connection: Connection,
        *,
        rejected: Rejected,
        counters: Counters,
        pause: Callable[[float], None],
    ) -> None:
        """Remember the parts.

        Args:
            connection: Only this inserter may use it.
            rejected: For rows that the store refuses, one Arrow file per part.
            counters: For rejected rows and retries.
            pause: Waits so many seconds; it raises when the service is to stop.
        """
        self._connection = connection
        self._rejected = rejected
        self._counters = counters
        self._pause = pause

    def insert(self, table: str, rows: pa.Table, token: str, *, doubtful: bool = False) -> bool:
        """Return once every row is in the table or put aside; blocks as long as it takes.

        What it returns is whether an attempt may have been cut off in the middle, at any time: then
        a view of the table may lack what the table has.

        A second call with the same rows and token changes nothing, also after a crash in the
        middle: refused rows are found in the same way, by parts with the same tokens.

        Args:
            table: Where to.
            rows: All of its columns; none is done at once.
            token: Of these rows alone.
            doubtful: The token may have been used before, with an unknown outcome.
        """
        if not rows.num_rows:
            return False
        waiting, refusals, cut_off = [(0, rows.num_rows)], 0, doubtful
        if doubtful:
            rows, token, doubtful = self._absent(table, rows, token)
            waiting = [(0, rows.num_rows)] if rows.num_rows else []
        while waiting:
            first, end = waiting.pop()
            whole = end - first == rows.num_rows
            part = rows if whole else rows.slice(first, end - first)
            part_token = token if whole else f"{token}.{first}-{end}"
            try:
                if self._until_taken(table, part, part_token) or doubtful:
                    cut_off = True
                    self._make_good(table, part)
            except RowsRefused as error:
                refusals += 1
                if end - first == 1 or refusals > MOST_REFUSALS:
                    self._put_aside(table, part, part_token, str(error))
                else:
                    middle = (first + end) // 2
                    waiting += [(middle, end), (first, middle)]
        return cut_off

    def announce(self, table: str, rows: pa.Table) -> None:
        """Insert rows that do no harm twice; blocks as long as it takes.

        Each attempt has a token of its own: a store that was killed may know a token without its
        rows, and nobody else can tell which of these rows are there.
        """
        if rows.num_rows:
            self._retried(
                table, lambda: self._connection.insert(table, rows, token=secrets.token_hex(16))
            )

    def _absent(self, table: str, rows: pa.Table, token: str) -> tuple[pa.Table, str, bool]:
        """Leave out what the store has: after a power cut it may not know the token any more.

        Returns what is left, a token for it, and whether the store may take it for a repetition.
        """
        left = self._missing(table, rows)
        if left is None:
            return rows, secrets.token_hex(16), False
        if left.num_rows in (0, rows.num_rows):
            return left, token, True
        self._counters.add(ROWS_MISSED, left.num_rows, reason=table)
        return left, secrets.token_hex(16), True

    def _missing(self, table: str, rows: pa.Table) -> pa.Table | None:
        """Return the rows that the table does not have; None when it cannot be read.

        A part that a crash left unreadable must not keep rows out: twice is better than never.
        """
        left = [rows]

        def look() -> None:
            left[0] = missing(self._connection, table, rows)

        pause_s = _FIRST_PAUSE_S
        for _ in range(_LOOKS):
            try:
                self._retried(table, look)
            except QueryFailed as error:
                _log.warning("%s cannot be read to see what it has: %s", table, error)
                self._pause(pause_s)
                pause_s *= 2
            else:
                return left[0]
        self._counters.add(ROWS_UNVERIFIED, rows.num_rows, reason=table)
        return None

    def _until_taken(self, table: str, rows: pa.Table, token: str) -> bool:
        """Insert, again and again; return whether an attempt's outcome is unknown."""

        def attempt() -> None:
            began_s = time.monotonic()
            self._connection.insert(table, said(rows), token=token)
            self._counters.observe(INSERT_S, time.monotonic() - began_s, reason=table)

        return self._retried(table, attempt) > 0

    def _make_good(self, table: str, rows: pa.Table) -> None:
        """Insert what the store dropped as a repetition though it does not have it."""
        if table not in RECOGNISED:  # its rows do no harm twice
            self.announce(table, rows)
            return
        left = self._missing(table, rows)
        while left is not None and left.num_rows:
            self._counters.add(ROWS_MISSED, left.num_rows, reason=table)
            _log.warning("%s rows of %s had not survived a crash", left.num_rows, table)
            self._until_taken(table, left, secrets.token_hex(16))
            left = self._missing(table, left)
        if left is None:
            self._until_taken(table, rows, secrets.token_hex(16))

    def _retried(self, table: str, attempt: Callable[[], None]) -> int:
        """Try until the store answers; return how often it did not."""
        failures, pause_s = 0, _FIRST_PAUSE_S
        while True:
            try:
                attempt()
            except StoreDown as error:
                failures += 1
                self._counters.add(STORE_RETRIES)
                _log.warning("the store does not take %s, retrying: %s", table, error)
                self._pause(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                return failures

    def _put_aside(self, table: str, rows: pa.Table, token: str, reason: str) -> None:
        """Keep refused rows for a person to look at; a full disk must not stop the rest."""
        self._counters.add(ROWS_REJECTED, rows.num_rows, reason=table)
        _log.error("%s rows of %s rejected: %s", rows.num_rows, table, reason)
        # A segment's tables share its token, and two of them are inserted at once.
        path = self._rejected.folder / (re.sub(r"[^\w.-]", "_", f"{token}.{table}") + ".arrow")
        noted = rows.replace_schema_metadata({"table": table, "reason": reason})
        try:
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, noted.schema) as out:
                out.write_table(noted)
        except OSError as error:
            _log.error("rejected rows could not be kept: %s", error)
        self._rejected.trim()
