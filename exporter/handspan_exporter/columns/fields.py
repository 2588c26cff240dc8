"""What spans and log records have in common: ids, times, attributes, a resource and a scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns.any_value import texts
from handspan_exporter.otlp.levels import values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handspan_exporter.otlp.levels import Flat

_HEX = np.array([int.from_bytes(b"%02x" % octet, "little") for octet in range(256)], "<u2")
_SERVICE_NAME = "service.name"
_LAST = pa.scalar((1 << 63) - 1, pa.uint64())


def of_owner(levels: Flat) -> dict[str, pa.Array]:
    """Return what an item has from its resource and its scope."""
    resource, scope = pa.array(levels.resource_of_item), pa.array(levels.scope_of_item)
    attributes = maps(levels.resources.field("resource").field("attributes"))
    service = pc.map_lookup(attributes, pa.scalar(_SERVICE_NAME), "first").fill_null("")
    described = levels.scopes.field("scope")
    return {
        "ServiceName": service.dictionary_encode().take(resource),
        "ResourceAttributes": attributes.take(resource),
        "ScopeName": described.field("name").take(scope),
        "ScopeVersion": described.field("version").take(scope),
    }


def resources_of(batch: pa.RecordBatch) -> pa.MapArray:
    """Return the attributes of each resource of a decoded batch, of spans or log records."""
    return maps(batch.column(0).flatten().field("resource").field("attributes"))


def maps(pairs: pa.ListArray) -> pa.MapArray:
    """Turn lists of key and raw value into maps of text."""
    every = pairs.flatten()
    written = texts(values(every.field("value")))
    return pa.MapArray.from_arrays(pairs.offsets, every.field("key"), written)


def timestamps(nanoseconds: pa.UInt64Array) -> pa.Array:
    """Return times; one past the year 2262 becomes the last that fits."""
    return pc.min_element_wise(nanoseconds, _LAST).view(pa.timestamp("ns"))


def hexes(ids: pa.BinaryArray) -> pa.StringArray:
    """Return ids in lower hex, '' for an id that is missing or only zeros."""
    octets = np.frombuffer(ids.buffers()[2] or b"", np.uint8)
    offsets = np.frombuffer(ids.buffers()[1] or b"\0" * 4, np.int32)
    offsets = offsets[ids.offset : ids.offset + len(ids) + 1]
    octets = octets[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    written = _strings(_HEX[octets], offsets * 2)
    zeros = ~_any_set(octets, offsets)
    return pc.if_else(pa.array(zeros), "", written) if zeros.any() else written


def _any_set(octets: NDArray[np.uint8], offsets: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return for each id whether one of its octets is not zero."""
    set_before = np.concatenate([[0], np.cumsum(octets != 0)])
    found: NDArray[np.bool_] = set_before[offsets[1:]] > set_before[offsets[:-1]]
    return found


def _strings(data: NDArray[np.uint16], offsets: NDArray[np.int32]) -> pa.StringArray:
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)
