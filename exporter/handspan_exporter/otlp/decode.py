"""OTLP bytes to Arrow and back.

By `columnar` where its library is installed, else by `plain`: same verdicts, same batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    from handspan_exporter.otlp import columnar as decoder
except ImportError:  # no wheel of ptars for this platform
    from handspan_exporter.otlp import plain as decoder  # type: ignore[no-redef]

BY_COLUMNS = decoder.__name__.endswith(".columnar")
"""Whether requests are parsed into columns at once: a tenth of the time."""

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from handspan_exporter.otlp.signals import Signal


def decode(signal: Signal, body: bytes) -> pa.RecordBatch:
    """Parse one request, of traces or logs: one row, columns as in `trimmed`.

    What it returns is sound to the last byte: nothing after it can fail on the content.

    Raises:
        MalformedRequest: protobuf does not take the body for such a request.
    """
    return decoder.parse(signal, body)


def decode_segment(signal: Signal, path: Path) -> pa.RecordBatch:
    """Parse a file of requests, each preceded by its length as a varint: one row each.

    Every request must have passed `decode` before it was written.

    Raises:
        MalformedRequest: a request cannot be parsed.
        OSError: the file cannot be read.
    """
    return decoder.read(signal, path)


def encode(signal: Signal, batch: pa.RecordBatch) -> bytes:
    """Return a decoded request as OTLP bytes; fields that no column holds are gone."""
    return decoder.write(signal, batch)
