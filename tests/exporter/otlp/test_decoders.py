"""Two decoders, one contract; and what protobuf itself says of a request is the truth."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.exporter.otlp.mutations import mutated
from tests.exporter.otlp.strategies import LOGS_REQUESTS, TRACES_REQUESTS

from handspan_exporter.columns.logs import logs_table
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.errors import MalformedRequest
from handspan_exporter.journal.records import record
from handspan_exporter.otlp import columnar, plain
from handspan_exporter.otlp.levels import item_count, only
from handspan_exporter.otlp.signals import LOGS, SIGNALS, TRACES

if TYPE_CHECKING:
    from pathlib import Path

    from handspan_exporter.otlp.signals import Signal

DECODERS = [columnar, plain]
TABLES = {TRACES: traces_table, LOGS: logs_table}
REQUESTS = st.one_of(
    st.tuples(st.just(TRACES), TRACES_REQUESTS.map(lambda one: one.SerializeToString())),
    st.tuples(st.just(LOGS), LOGS_REQUESTS.map(lambda one: one.SerializeToString())),
)


def _table(decoder: Any, signal: Signal, body: bytes) -> pa.Table | None:  # noqa: ANN401
    try:
        batch = decoder.parse(signal, body)
    except MalformedRequest:
        return None
    return TABLES[signal](batch)


def agree(signal: Signal, body: bytes) -> bool:
    """Check that both decoders give the same verdict and table; return whether they take it."""
    fast, slow = (_table(decoder, signal, body) for decoder in DECODERS)
    if fast is None or slow is None:
        assert fast is slow, "the verdict"
        return False
    assert fast.cast(slow.schema).to_pylist() == slow.to_pylist()
    return True


@settings(max_examples=100, deadline=None)
@given(REQUESTS)
def test_both_decoders_read_a_valid_request_alike(request: tuple[Signal, bytes]) -> None:
    """Every field that a table holds, of every type that a value can have."""
    assert agree(*request)


@settings(max_examples=100, deadline=None)
@given(REQUESTS, st.integers(0, 2**32))
@example((TRACES, b""), 43519633)  # a tag past 32 bits
def test_both_decoders_judge_a_mutated_request_alike(
    request: tuple[Signal, bytes], seed: int
) -> None:
    """A client's defect is answered the same everywhere, and nothing is read into it."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    signal, body = request
    for _ in range(20):
        agree(signal, mutated(body, chance))


def _with_value(*values: AnyValue) -> bytes:
    """One span with one attribute whose value stands several times on the wire."""
    pair = KeyValue(key="k").SerializeToString()
    for value in values:
        pair += b"\x12" + record(value.SerializeToString())
    span = b"\x4a" + record(pair)
    scope = b"\x12" + record(span)
    return b"\x0a" + record(b"\x12" + record(scope))


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([AnyValue()], ""),
        ([AnyValue(string_value="a"), AnyValue()], "a"),
        ([AnyValue(string_value="a"), AnyValue(int_value=2)], "2"),
    ],
)
def test_a_value_that_stands_twice_is_merged(
    decoder: Any,  # noqa: ANN401
    values: list[AnyValue],
    text: str,
) -> None:
    """Protobuf's rule, which no encoder needs and every parser has to follow."""
    table = _table(decoder, TRACES, _with_value(*values))

    assert table is not None
    assert table["SpanAttributes"].to_pylist() == [[("k", text)]]


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("signal", SIGNALS.values(), ids=str)
def test_an_empty_request_has_no_items(decoder: Any, signal: Signal) -> None:  # noqa: ANN401
    """Exporters send one as a probe."""
    batch = decoder.parse(signal, b"")

    assert item_count(batch) == TABLES[signal](batch).num_rows == 0
    assert decoder.write(signal, batch) == b""


@pytest.mark.parametrize("decoder", DECODERS)
@settings(max_examples=30, deadline=None)
@given(requests=st.lists(REQUESTS, max_size=3), seed=st.integers(0, 99))
def test_what_is_written_reads_as_what_it_was_made_from(
    decoder: Any,  # noqa: ANN401
    requests: list[tuple[Signal, bytes]],
    seed: int,
) -> None:
    """A request of which a part is refused is written anew before it is journalled."""
    for signal, body in requests:
        batch = decoder.parse(signal, body)
        keep = np.random.default_rng(seed).random(item_count(batch)) < 0.5

        written = decoder.write(signal, only(batch, keep))

        expected = TABLES[signal](batch).filter(pa.array(keep, pa.bool_()))
        assert TABLES[signal](decoder.parse(signal, written)).to_pylist() == expected.to_pylist()


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("signal", SIGNALS.values(), ids=str)
def test_a_segment_reads_as_its_requests(
    decoder: Any,  # noqa: ANN401
    signal: Signal,
    tmp_path: Path,
) -> None:
    """Also one whose requests are long: their lengths are varints."""
    span = Span(name="n" * 300)
    resource = ResourceSpans(scope_spans=[ScopeSpans(spans=[span] * 3)])
    bodies = [TRACES.request(resource_spans=[resource]).SerializeToString()] * 2
    bodies = bodies if signal is TRACES else [LOGS.request().SerializeToString()]
    path = tmp_path / "segment"
    path.write_bytes(b"".join(record(body) for body in bodies))

    read = TABLES[signal](decoder.read(signal, path))

    assert read.num_rows == (6 if signal is TRACES else 0)
    path.write_bytes(record(b"\xff"))
    with pytest.raises(MalformedRequest, match="segment cannot be decoded"):
        decoder.read(signal, path)


def test_without_a_wheel_of_ptars_the_plain_decoder_serves() -> None:
    """The choice is made at import, so only another process can be without it."""
    program = (
        "import sys; sys.modules['ptars'] = None\n"
        "from handspan_exporter.otlp import decode\n"
        "from handspan_exporter.otlp.signals import TRACES\n"
        "assert decode.decoder.__name__.endswith('plain')\n"
        "assert decode.decode(TRACES, b'').num_rows == 1\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
