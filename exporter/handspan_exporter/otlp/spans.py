"""A decoded request as flat arrays: resources, scopes and spans, and who belongs to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """All levels of a batch, in the order of the wire."""

    resources: pa.StructArray
    scopes: pa.StructArray
    spans: pa.StructArray
    resource_of_scope: NDArray[np.int64]
    scope_of_span: NDArray[np.int64]

    @property
    def resource_of_span(self) -> NDArray[np.int64]:
        """Index into `resources` for each span."""
        return self.resource_of_scope[self.scope_of_span]


def flat(batch: pa.RecordBatch) -> Flat:
    """Take a decoded batch apart; no bytes are copied."""
    resources = batch.column(0).flatten()
    scopes = resources.field("scope_spans").flatten()
    return Flat(
        resources=resources,
        scopes=scopes,
        spans=scopes.field("spans").flatten(),
        resource_of_scope=_owner(resources.field("scope_spans")),
        scope_of_span=_owner(scopes.field("spans")),
    )


def span_count(batch: pa.RecordBatch) -> int:
    """Return how many spans a decoded batch holds."""
    return len(flat(batch).spans)


def attribute_values(levels: Flat) -> Iterator[pa.BinaryArray]:
    """Return the raw values of all attributes of resources, spans, events and links."""
    spans = levels.spans
    for owner in (
        levels.resources.field("resource"),
        spans,
        spans.field("events").flatten(),
        spans.field("links").flatten(),
    ):
        yield owner.field("attributes").flatten().field("value")


def only(batch: pa.RecordBatch, keep: NDArray[np.bool_]) -> pa.RecordBatch:
    """Return the batch without the spans that `keep` is false for; resources and scopes stay."""
    levels = flat(batch)
    kept = levels.spans.filter(pa.array(keep))
    scope_of_kept = levels.scope_of_span[keep]
    per_scope = np.bincount(scope_of_kept, minlength=len(levels.scopes))
    scopes = _with_lists(levels.scopes, "spans", per_scope, kept)
    per_resource = np.bincount(levels.resource_of_scope, minlength=len(levels.resources))
    resources = _with_lists(levels.resources, "scope_spans", per_resource, scopes)
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
