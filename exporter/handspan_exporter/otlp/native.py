"""Trace requests to rows with `handspan_decoder`, our own in Rust: the one file that knows it.

It takes what is ordinary, which is nearly all there is, and is never sure of anything else: a field
it does not know, a number written too long, a span that will not be let in. Then protobuf judges as
if there were no such library, so that no verdict depends on it.
"""

from __future__ import annotations

import ctypes
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

try:
    import handspan_decoder
except ImportError:  # it is built where there is a Rust compiler
    handspan_decoder = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Sequence

_LAYOUT: Final = 1
"""The one that this file is written for."""

LOADED: Final = handspan_decoder is not None and handspan_decoder.LAYOUT == _LAYOUT
"""Whether it is here, and the one that this version of Handspan needs."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sound:
    """A request that is sound to the last byte, and all of whose spans are let in."""

    body: bytes
    spans: int
    copied_bytes: int
    """Of resources and scopes, once each row has its own."""

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return len(self.body)


def sound(body: bytes, *, oldest_ns: int, newest_ns: int) -> Sound | None:
    """Judge a trace request, without the GIL, at 0.5 us per span; None: others have to.

    Args:
        body: As it came.
        oldest_ns: The earliest start of a span that is let in, Unix time.
        newest_ns: The latest one.
    """
    if not LOADED:
        return None
    spans = handspan_decoder.judge(body, oldest_ns, newest_ns)
    _watch(spans)
    if spans <= 0:
        return None
    copied = handspan_decoder.copied(body)
    _watch(copied)
    return Sound(body, spans, copied) if copied >= 0 else None


def rows(
    requests: Sequence[Sound], schema: pa.Schema, attributes: pa.DataType
) -> tuple[pa.RecordBatch, pa.MapArray] | None:
    """Return the rows of all requests, and the attributes of each resource, in their order.

    Runs without the GIL. None: they do not fit into one batch.

    Args:
        requests: One at least.
        schema: Of the rows: that of `columns.traces.traces_table`.
        attributes: The type of attributes.
    """
    size = handspan_decoder.ARROW_ARRAY_BYTES
    found, resources = ctypes.create_string_buffer(size), ctypes.create_string_buffer(size)
    at, resources_at = ctypes.addressof(found), ctypes.addressof(resources)
    written = handspan_decoder.rows([one.body for one in requests], at, resources_at)
    _watch(written)
    if written < 0:
        return None
    # Both take over what the addresses hold, and free it with the last array.
    batch = pa.RecordBatch._import_from_c(at, schema)  # noqa: SLF001 - documented, under this name
    return batch, pa.Array._import_from_c(resources_at, attributes)  # noqa: SLF001


def _watch(answer: int) -> None:
    if answer == handspan_decoder.PANICKED:
        _log.error("a defect in handspan_decoder: a request goes the slow way, nothing is lost")
