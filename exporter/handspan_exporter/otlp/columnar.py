"""OTLP bytes to Arrow with `ptars` (protobuf to Arrow, in Rust): the one file that knows it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ptars import HandlerPool

from handspan_exporter.errors import MalformedRequest
from handspan_exporter.otlp import plain
from handspan_exporter.otlp.trimmed import request_type

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from handspan_exporter.otlp.signals import Signal


def parse(signal: Signal, body: bytes) -> pa.RecordBatch:
    """Parse one request; see `decode.decode`.

    `ptars` is laxer than protobuf in places (D11) and does not look inside an attribute's value, so
    protobuf judges first: 0.9 us per span, less than looking at the values alone with numpy.
    """
    plain.judged(signal, body)
    try:
        batch: pa.RecordBatch = _handler(signal).list_to_record_batch([body])
    except BaseException as error:
        if not _refused(error):
            raise
        return plain.parse(signal, body)  # rare, so it may cost
    return batch


def read(signal: Signal, path: Path) -> pa.RecordBatch:
    """Parse a file of requests; see `decode.decode_segment`."""
    path.stat()
    try:
        return _pool(signal).read_size_delimited_file(str(path), _type(signal))
    except (ValueError, OSError) as error:
        raise MalformedRequest(f"{path.name} cannot be decoded: {error}") from error


def write(signal: Signal, batch: pa.RecordBatch) -> bytes:
    """Return a decoded request as bytes; see `decode.encode`."""
    (body,) = _handler(signal).record_batch_to_array(batch).to_pylist()
    encoded: bytes = body
    return encoded


def _refused(error: BaseException) -> bool:
    """Tell whether `ptars` means the bytes. Lengths past 2**63 make it panic, as PyO3 calls it."""
    return isinstance(error, ValueError) or type(error).__name__ == "PanicException"


_type = cache(request_type)


@cache
def _pool(signal: Signal) -> HandlerPool:
    return HandlerPool([_type(signal).file])


@cache
def _handler(signal: Signal) -> Any:  # noqa: ANN401 - ptars' handler has no type
    return _pool(signal).get_for_message(_type(signal))
