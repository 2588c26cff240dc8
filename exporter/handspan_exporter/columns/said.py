"""Which columns of a table are worth sending: the store fills in the others by itself."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def said(rows: pa.Table) -> pa.Table:
    """Return the rows without the columns in which every row has '', nothing, or an empty list.

    Those are what a column's type begins with in ClickHouse. Most columns of `agent_spans` are of
    one kind of work only. Looks at lengths alone, and copies nothing.
    """
    kept = [name for name in rows.schema.names if not _is_silent(rows[name])]
    return rows.select(kept)


def _is_silent(column: pa.ChunkedArray) -> bool:
    return len(column) > 0 and all(map(_is_empty, column.chunks))


def _is_empty(array: pa.Array) -> bool:
    """Tell whether all values are null or have no length."""
    if array.null_count == len(array):
        return True
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        offsets = np.frombuffer(array.buffers()[1], np.int32)
        return bool(offsets[array.offset] == offsets[array.offset + len(array)])
    if pa.types.is_list(kind) or pa.types.is_map(kind):
        return bool(array.offsets[0].as_py() == array.offsets[-1].as_py())
    return False
