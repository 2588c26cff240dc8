"""A decoded request as flat arrays: resources, scopes and items, and who belongs to whom.

An item is a span or a log record: OTLP wraps both in the same two levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCOPES_OF = {"resource_spans": "scope_spans", "resource_logs": "scope_logs"}
_ITEMS_OF = {"resource_spans": "spans", "resource_logs": "log_records"}


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """All levels of a batch, in the order of the wire."""

    resources: pa.StructArray
    scopes: pa.StructArray
    items: pa.StructArray
    resource_of_scope: NDArray[np.int64]
    scope_of_item: NDArray[np.int64]

    @property
    def resource_of_item(self) -> NDArray[np.int64]:
        """Index into `resources` for each item."""
        return self.resource_of_scope[self.scope_of_item]


def flat(batch: pa.RecordBatch) -> Flat:
    """Take a decoded batch apart; no bytes are copied."""
    (top,) = batch.schema.names
    resources = _elements(batch.column(0))
    scopes = _elements(resources.field(_SCOPES_OF[top]))
    return Flat(
        resources=resources,
        scopes=scopes,
        items=_elements(scopes.field(_ITEMS_OF[top])),
        resource_of_scope=_owner(resources.field(_SCOPES_OF[top])),
        scope_of_item=_owner(scopes.field(_ITEMS_OF[top])),
    )


def copied_bytes(batch: pa.RecordBatch) -> int:
    """Return the bytes of resources and scopes once each span or log record has its own."""
    levels = flat(batch)
    scope = levels.scopes.field("scope")
    of_scope = _sizes(scope.field("name")) + _sizes(scope.field("version"))
    pairs = levels.resources.field("resource").field("attributes")
    every = pairs.flatten()
    before = np.cumsum(
        np.concatenate([[0], _sizes(every.field("key")) + _sizes(values(every.field("value")))])
    )
    ends = np.concatenate([[0], np.cumsum(np.asarray(pairs.value_lengths()))])
    of_resource = before[ends[1:]] - before[ends[:-1]]
    copied = of_scope[levels.scope_of_item].sum() + of_resource[levels.resource_of_item].sum()
    return int(copied)


def _sizes(texts: pa.Array) -> NDArray[np.int64]:
    """Return how many bytes each text has."""
    sizes: NDArray[np.int64] = np.asarray(pc.binary_length(texts)).astype(np.int64)
    return sizes


def item_count(batch: pa.RecordBatch) -> int:
    """Return how many spans or log records a decoded batch holds."""
    return len(flat(batch).items)


def values(lists: pa.ListArray) -> pa.BinaryArray:
    """Return one raw `AnyValue` for each field of that type, b"" where there is none.

    No bytes are copied: the values of a list follow each other, and join where they meet.
    """
    found, lengths = _elements(lists), np.asarray(lists.value_lengths())
    if (lengths == 1).all():
        return found
    every = np.frombuffer(found.buffers()[1] or b"\0" * 4, np.int32)[found.offset :]
    ends = pa.py_buffer(every[np.concatenate([[0], np.cumsum(lengths)])])
    return pa.Array.from_buffers(pa.binary(), len(lists), [None, ends, found.buffers()[2]])


def _elements(lists: pa.ListArray) -> pa.Array:
    """Return what the lists hold: as it lies there, if that is all, which costs a tenth."""
    whole = lists.offset == 0 and not lists.null_count and len(lists)
    if whole and lists.offsets[0].as_py() == 0 and lists.offsets[-1].as_py() == len(lists.values):
        return lists.values
    return lists.flatten()


def only(batch: pa.RecordBatch, keep: NDArray[np.bool_]) -> pa.RecordBatch:
    """Return the batch without the items that `keep` is false for; resources and scopes stay."""
    (top,) = batch.schema.names
    levels = flat(batch)
    kept = levels.items.filter(pa.array(keep))
    per_scope = np.bincount(levels.scope_of_item[keep], minlength=len(levels.scopes))
    scopes = _with_lists(levels.scopes, _ITEMS_OF[top], per_scope, kept)
    per_resource = np.bincount(levels.resource_of_scope, minlength=len(levels.resources))
    resources = _with_lists(levels.resources, _SCOPES_OF[top], per_resource, scopes)
    column = batch.column(0)
    lists = _lists(column.type, np.asarray(column.value_lengths()), resources)
    return pa.RecordBatch.from_arrays([lists], schema=batch.schema)


def _owner(lists: pa.ListArray) -> NDArray[np.int64]:
    """Return for each element the index of the list that it is in."""
    return np.repeat(np.arange(len(lists)), np.asarray(lists.value_lengths()))


def _with_lists(
    structs: pa.StructArray, name: str, lengths: NDArray[np.int64], values: pa.Array
) -> pa.StructArray:
    """Return the structs with one list field replaced."""
    fields = list(structs.type)
    arrays = [
        _lists(one.type, lengths, values) if one.name == name else structs.field(one.name)
        for one in fields
    ]
    return pa.StructArray.from_arrays(arrays, fields=fields)


def _lists(kind: pa.DataType, lengths: NDArray[np.int64], values: pa.Array) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=kind)
