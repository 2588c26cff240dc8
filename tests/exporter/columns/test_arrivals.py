"""Which traces one flush touched, and whether a run of theirs may have ended."""

from __future__ import annotations

import pyarrow as pa

from handspan_exporter.columns.agent_spans import SCHEMA
from handspan_exporter.columns.arrivals import arrivals_table


def _spans(*rows: tuple[str, str, str]) -> pa.Table:
    names = ("trace_id", "kind", "parent_span_id")
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


def test_one_row_per_trace_in_the_order_they_came() -> None:
    """A replay must yield the very same rows."""
    spans = _spans(("b", "llm", "1"), ("a", "llm", "1"), ("b", "tool", "1"))

    rows = arrivals_table(spans, 1_790_000_000_000_000_001).to_pydict()

    assert rows["trace_id"] == ["b", "a"]
    assert rows["spans"] == [2, 1]
    assert rows["has_root"] == [False, False]
    assert [moment.value for moment in rows["arrived_at"]] == [1_790_000_000_000_000_001] * 2


def test_a_workflow_or_a_span_without_a_parent_is_a_root() -> None:
    """Then the run may have ended, and the processor looks at once."""
    spans = _spans(("a", "workflow", "1"), ("b", "llm", ""), ("c", "llm", "1"), ("a", "llm", "2"))

    rows = arrivals_table(spans, 1).to_pydict()

    assert dict(zip(rows["trace_id"], rows["has_root"], strict=True)) == {
        "a": True,
        "b": True,
        "c": False,
    }


def test_no_agent_work_is_no_arrival() -> None:
    """Most spans of a service are none."""
    assert arrivals_table(SCHEMA.empty_table(), 1).num_rows == 0
