"""The processor's work on spans that a test writes, without the loop around it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tests.exporter.span_trees import at, store

from handspan_exporter.processor import facts as processor_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.store.connection import Connection

Row = dict[str, Any]
SOON_S = 100.0
IDLE_S = 1000.0


class Facts:
    """Stores spans, has their facts computed, and shows them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._revisions = itertools.count(1)

    def add(self, rows: Sequence[Row], *, now_s: float = SOON_S) -> list[processor_facts.Done]:
        """Store the spans and compute the facts of their traces."""
        store(self.connection, rows)
        return self.compute(sorted({row["trace_id"] for row in rows}), now_s=now_s)

    def compute(
        self, trace_ids: Sequence[str], *, now_s: float = SOON_S
    ) -> list[processor_facts.Done]:
        """Compute the facts of these traces."""
        return processor_facts.recompute(
            self.connection,
            trace_ids,
            now_ns=at(now_s),
            revision=next(self._revisions),
            implicit_run_s=300,
        )

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Return the columns of a fact table, ordered by themselves."""
        statement = f"SELECT {', '.join(columns)} FROM {table} FINAL ORDER BY ALL"  # noqa: S608
        return [tuple(row.values()) for row in self.connection.rows(statement)]

    def run(self, run_id: str) -> Row:
        """Return one run."""
        (row,) = self.connection.rows(
            "SELECT * FROM runs FINAL WHERE run_id = {run:String}", {"run": run_id}
        )
        return row
