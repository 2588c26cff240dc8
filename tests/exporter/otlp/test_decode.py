"""What is let in is sound to the last byte; what is not is refused as a whole."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from handspan_exporter.columns.traces import traces_table
from handspan_exporter.errors import MalformedRequest
from handspan_exporter.otlp.decode import decode, decode_segment, encode
from handspan_exporter.otlp.levels import item_count, only
from handspan_exporter.otlp.signals import TRACES

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def _request(*names: str) -> bytes:
    """One resource with two scopes; the spans go into the second."""
    values = [
        AnyValue(string_value="é" * 70),
        AnyValue(string_value="chat"),
        AnyValue(int_value=-5),
        AnyValue(int_value=70_000),
        AnyValue(double_value=0.7),
        AnyValue(bool_value=True),
        AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="ü")])),
        AnyValue(),
    ]
    attributes = [KeyValue(key=f"k{i}", value=value) for i, value in enumerate(values)]
    spans = [
        Span(
            trace_id=b"\1" * 16,
            span_id=bytes([i + 1]) * 8,
            name=name,
            attributes=attributes,
            events=[Span.Event(name="e", attributes=attributes[:2])],
            links=[Span.Link(trace_id=b"\2" * 16, attributes=attributes[:2])],
            status=Status(code=Status.STATUS_CODE_ERROR, message="no"),
        )
        for i, name in enumerate(names)
    ]
    resource = ResourceSpans(
        resource=Resource(attributes=attributes),
        scope_spans=[ScopeSpans(), ScopeSpans(spans=spans)],
    )
    return ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()


@pytest.mark.parametrize(
    "body", [b"\x0a", b"\xff\xff", b"\x00\x00", b"\x0a\x05abc", b"not protobuf", b"{}"]
)
def test_what_is_not_a_trace_request_is_refused(body: bytes) -> None:
    """The answer must be 'malformed', never an internal error."""
    with pytest.raises(MalformedRequest):
        decode(TRACES, body)


def test_an_empty_request_is_a_request_without_spans() -> None:
    """Exporters send one as a probe."""
    assert item_count(decode(TRACES, b"")) == 0
    assert traces_table(decode(TRACES, b"")).num_rows == 0


@pytest.mark.parametrize("good", [b"chat", b"\xc3\xa9" * 70])
def test_text_that_is_not_utf8_is_refused(good: bytes) -> None:
    """ClickHouse, JSON and Arrow all choke on it later, when nobody can be told any more."""
    bad = b"\xff" + good[1:]

    with pytest.raises(MalformedRequest, match="UTF-8"):
        decode(TRACES, _request("a").replace(good, bad))


def test_mutated_requests_are_judged_as_protobuf_judges_them() -> None:
    """All that protobuf accepts we accept, and all that we keep is sound.

    Of the fields that no column holds only the length is looked at; they are not kept.
    """
    chance = random.Random(20261121)  # noqa: S311 - not for secrets
    whole = _request("a")
    verdicts = Counter[tuple[bool, bool]]()
    for _ in range(4000):
        body = _mutated(whole, chance)
        batch = _decoded(body)
        verdicts[_judged_sound(body), batch is not None] += 1
        if batch is not None:
            traces_table(batch).validate(full=True)
            assert _judged_sound(encode(TRACES, batch))
    assert verdicts[True, False] == 0
    assert min(verdicts[True, True], verdicts[False, False]) > 300


def test_leaving_spans_out_leaves_the_others_as_they_were() -> None:
    """A refused span must not cost its neighbours a byte, nor move them to another resource."""
    batch = decode(TRACES, _request("a", "b", "c"))

    left = only(batch, np.array([True, False, True]))

    assert encode(TRACES, left) == encode(TRACES, decode(TRACES, _request_without("b")))
    assert decode(TRACES, encode(TRACES, left)).equals(left)


def test_a_segment_holds_one_row_per_request(tmp_path: Path) -> None:
    """The journal is read back with the very parser that judged the requests."""
    bodies = [_request("a"), _request("b", "c")]
    path = tmp_path / "segment"
    path.write_bytes(b"".join(_varint(len(body)) + body for body in bodies))

    batch = decode_segment(TRACES, path)

    assert batch.num_rows == 2
    assert traces_table(batch).column("SpanName").to_pylist() == ["a", "b", "c"]


def _request_without(name: str) -> bytes:
    request = ExportTraceServiceRequest.FromString(_request("a", "b", "c"))
    spans = request.resource_spans[0].scope_spans[1].spans
    kept = [span for span in spans if span.name != name]
    del spans[:]
    spans.extend(kept)
    return request.SerializeToString()


def _mutated(whole: bytes, chance: random.Random) -> bytes:
    body = bytearray(whole)
    for _ in range(chance.randrange(1, 3)):
        place = chance.randrange(len(body))
        what = chance.random()
        if what < 0.7:
            body[place] = chance.randrange(256)
        elif what < 0.85:
            del body[place]
        else:
            body.insert(place, chance.randrange(256))
    return bytes(body)


def _decoded(body: bytes) -> pa.RecordBatch | None:
    try:
        return decode(TRACES, body)
    except MalformedRequest:
        return None


def _judged_sound(body: bytes) -> bool:
    try:
        ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return False
    return True


def _varint(number: int) -> bytes:
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])
