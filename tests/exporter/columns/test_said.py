"""A flush sends only the columns in which some row says something."""

from __future__ import annotations

import pyarrow as pa

from handspan_exporter.columns.said import said

_TEXTS = pa.list_(pa.string())


def _table(**columns: pa.Array | pa.ChunkedArray) -> pa.Table:
    return pa.table(columns)


def test_columns_without_a_word_are_left_out() -> None:
    """Most columns of agent_spans are of one kind of work: each costs the store as much as full."""
    rows = _table(
        id=pa.array(["a", "b"]),
        text=pa.array(["", ""]),
        number=pa.nulls(2, pa.uint64()),
        texts=pa.array([[], []], _TEXTS),
        pairs=pa.array([[], []], pa.map_(pa.string(), pa.string())),
    )
    assert said(rows).schema.names == ["id"]


def test_a_column_stays_for_one_row_that_says_something() -> None:
    """What a type begins with may still be meant: 0, false and a list of '' are said."""
    rows = _table(
        text=pa.array(["", "x"]),
        zero=pa.array([0, 0], pa.uint32()),
        no=pa.array([False, False]),
        number=pa.array([None, 0], pa.uint64()),
        texts=pa.array([[], [""]], _TEXTS),
        coded=pa.array(["", ""]).dictionary_encode(),
    )
    assert said(rows).equals(rows)


def test_a_slice_and_several_chunks_are_judged_by_their_own_rows() -> None:
    """Bisecting slices tables: lengths are looked up where the slice begins."""
    text = pa.chunked_array([pa.array(["x", "", ""])[1:], pa.array(["", "y"])[:1]])
    texts = pa.chunked_array([pa.array([["x"], []], _TEXTS)[1:], pa.array([[], []], _TEXTS)])
    assert said(_table(id=pa.array([1, 2, 3]), text=text, texts=texts)).schema.names == ["id"]
    other = pa.chunked_array([pa.array(["", "x"])[1:], pa.array(["", ""])])
    assert said(_table(text=other)).schema.names == ["text"]


def test_a_table_without_rows_keeps_its_columns() -> None:
    """Nothing is told about columns that have no row."""
    rows = pa.table({"text": pa.array([], pa.string())})
    assert said(rows).equals(rows)
