"""A lease in a table: of several services on one server, one leads, and the others wait.

ClickHouse has no compare-and-set, but it drops an insert whose token it knows: a revision of the
lease is one insert with the revision as its token, so that of two claims to it one is dropped.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from handspan_exporter import sql
from handspan_exporter.errors import HandspanError

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.store.connection import Connection

FENCE_STEP: Final = 10**9
"""Between the fences of two revisions: far fewer revisions of rows are used in between."""

_log = logging.getLogger(__name__)


class Lease:
    """One of several holders of a name; used by one thread, `held` and `fence` by any.

    A holder's own time is the monotonic clock, so that no jump of a wall clock makes it believe
    that it still leads. Others go by the server's clock or by theirs, whichever is sooner: should
    that be too soon, the old holder's writes carry older revisions (`fence`) and lose.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        *,
        lease_s: float,
        holder: str = "",
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember the parts; nothing is claimed before `hold`.

        Args:
            connection: Of this lease alone.
            name: What is leased.
            lease_s: How long a silent holder is waited for; it renews three times as often.
            holder: Who this is, the same after a restart if only one such process can be; empty:
                somebody new.
            clock_s: Monotonic.
        """
        self._connection = connection
        self._name = name
        self._lease_s = lease_s
        self._holder = holder or secrets.token_hex(8)
        self._clock_s = clock_s
        self._until_s = self._look_at_s = float("-inf")
        self._seen: tuple[int, float] = (-1, 0.0)
        """The newest revision, and since when it is that."""
        self._burnt = 0
        """Numbers after it whose token is known though the row is lost in a crash."""
        self.fence = 0
        """Every revision that the holder writes is at least this."""

    @property
    def held(self) -> bool:
        """Whether this one leads now. Never blocks."""
        return self._clock_s() < self._until_s

    def hold(self) -> bool:
        """Renew the lease, or take it when nobody has it; return whether this one leads.

        Asks the store at most three times per `lease_s`.

        Raises:
            QueryFailed: the store refused a statement.
            StoreDown: the store cannot be reached.
        """
        if self._clock_s() >= self._look_at_s:
            self._look_at_s = self._clock_s() + self._lease_s / 3
            self._look()
        return self.held

    def release(self) -> None:
        """Give it back, so that another need not wait; failing here costs only that wait."""
        if not self.held:
            return
        self._until_s = float("-inf")
        try:
            newest = self._newest()
            if newest and newest["holder"] == self._holder:
                self._claim(newest["revision"] + 1, "", newest["fence"] + FENCE_STEP)
        except HandspanError as error:
            _log.warning("the lease %s is left to end by itself: %s", self._name, error)

    def _look(self) -> None:
        newest, began_s = self._newest(), self._clock_s()
        revision = newest["revision"] if newest else 0
        if revision != self._seen[0]:
            self._seen, self._burnt = (revision, began_s), 0
        if newest and not self._is_free(newest, began_s):
            self._until_s = float("-inf")
            return
        (now,) = self._connection.rows(sql.load("lease/now"))
        fence = max(now["now_ns"], (newest["fence"] if newest else 0) + FENCE_STEP)
        wanted = revision + 1 + self._burnt
        self._claim(wanted, self._holder, fence)
        newest = self._newest()
        if newest and (newest["revision"], newest["holder"]) == (wanted, self._holder):
            self._until_s, self.fence = began_s + self._lease_s, fence
            return
        self._until_s = float("-inf")
        if (newest["revision"] if newest else 0) == revision and self._is_silent(began_s):
            self._burnt += 1

    def _is_free(self, newest: dict[str, Any], now_s: float) -> bool:
        mine_or_nobodys = newest["holder"] in (self._holder, "")
        return mine_or_nobodys or newest["age_s"] >= self._lease_s or self._is_silent(now_s)

    def _is_silent(self, now_s: float) -> bool:
        return now_s - self._seen[1] >= self._lease_s

    def _newest(self) -> dict[str, Any] | None:
        found = self._connection.rows(sql.load("lease/newest"), {"name": self._name})
        return found[0] if found else None

    def _claim(self, revision: int, holder: str, fence: int) -> None:
        row = pa.table(
            {
                "name": [self._name],
                "revision": pa.array([revision], pa.uint64()),
                "holder": [holder],
                "fence": pa.array([fence], pa.uint64()),
            }
        )
        self._connection.insert("leases", row, token=f"{self._name}-{revision}")
