"""The decoder in Rust takes what is ordinary, and reads it as protobuf and the kernels do."""

from __future__ import annotations

import math
import random
import re
import struct
import subprocess
import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import handspan_decoder
import pyarrow as pa
import pytest
from benchmarks.workload import Workload
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.exporter.conventions.replaying import bodies, recordings, shift_ns
from tests.exporter.fuzzing import resident_bytes
from tests.exporter.otlp.mutations import mutated
from tests.exporter.otlp.samples import traces_request
from tests.exporter.otlp.strategies import TRACES_REQUESTS

from handspan_exporter.columns.admission import admission, our_time
from handspan_exporter.columns.instances import instances_of
from handspan_exporter.columns.prepared import joined, traces_of
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.otlp import native
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.from_json import to_protobuf
from handspan_exporter.otlp.levels import copied_bytes, flat
from handspan_exporter.otlp.signals import TRACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from handspan_exporter.otlp.native import Sound

NOW_NS = 1_770_000_000_123_456_789
RAW_DAYS = 30


def test_it_is_built_here() -> None:
    """Else this suite would show nothing: `make` builds it where cargo is."""
    assert native.LOADED


def taken(body: bytes, now_ns: int = NOW_NS) -> Sound | None:
    """Judge as ingest does, and check that it was no panic."""
    oldest_ns, newest_ns = our_time(now_ns, RAW_DAYS)
    assert handspan_decoder.judge(body, oldest_ns, newest_ns) != handspan_decoder.PANICKED
    return native.sound(body, oldest_ns=oldest_ns, newest_ns=newest_ns)


def agree(body: bytes, now_ns: int = NOW_NS) -> bool:
    """Check that what it takes comes to the same the other way; return whether it takes it."""
    sound = taken(body, now_ns)
    if sound is None:
        return False
    batch = decode(TRACES, body)
    verdict = admission(flat(batch).items, now_ns=now_ns, raw_days=RAW_DAYS)
    assert (sound.spans, verdict.reasons) == (len(verdict.admitted), {})
    found = joined([sound])
    same(traces_of(found), traces_table(batch))
    assert instances_of(found) == instances_of(batch)
    # It counts messages as they came, the other way the texts in them.
    assert sound.copied_bytes >= copied_bytes(batch)
    return True


def same(found: pa.Table, expected: pa.Table) -> None:
    """Check types and values, each dictionary by what it says."""
    found.validate(full=True)
    assert found.schema == expected.schema
    for name in expected.schema.names:
        assert _plain(found[name]).equals(_plain(expected[name])), name
        if pa.types.is_dictionary(found[name].type):  # ClickHouse refuses one with equal values
            words = found[name].chunk(0).dictionary
            assert len(words) == len(words.unique())


def _plain(column: pa.ChunkedArray) -> pa.Array:
    plain = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    return plain.combine_chunks()


def _ordinary(request: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
    """Return the request with spans that are let in."""
    for span in _spans(request):
        span.trace_id = span.trace_id.strip(b"\0").rjust(16, b"\1")
        span.span_id = span.span_id.strip(b"\0").rjust(8, b"\1")
        span.start_time_unix_nano = NOW_NS - span.start_time_unix_nano % 10**15
        span.end_time_unix_nano = max(span.start_time_unix_nano, span.end_time_unix_nano)
    return request


def _spans(request: ExportTraceServiceRequest) -> Iterable[Span]:
    return (
        span
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )


@settings(max_examples=60, deadline=None)
@given(TRACES_REQUESTS.map(_ordinary))
def test_every_ordinary_request_is_taken_and_read_alike(
    request: ExportTraceServiceRequest,
) -> None:
    """All fields and types of values; it leaves what is empty, negative kinds and profiling's."""
    spans, text = list(_spans(request)), str(request)
    ordinary = bool(spans) and all(span.kind >= 0 for span in spans)
    doubles = map(float, re.findall(r"double_value: (\S+)", text))

    taken = agree(request.SerializeToString())

    odd = "string_value_strindex" in text or any(map(_has_two_texts, doubles))
    assert taken == (ordinary and not odd)


def _has_two_texts(number: float) -> bool:
    """Tell whether two texts are the shortest and equally near."""
    if not math.isfinite(number):
        return False
    exact, short = (Decimal(one).normalize().as_tuple().digits for one in (number, repr(number)))
    return len(exact) == len(short) + 1 and exact[-1] == 5


@settings(max_examples=60, deadline=None)
@given(TRACES_REQUESTS, st.integers(0, 2**32))
def test_what_it_takes_of_mutated_requests_is_sound(
    request: ExportTraceServiceRequest, seed: int
) -> None:
    """It may leave a request, but must never take one that protobuf refuses, or read it else."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    body = _ordinary(request).SerializeToString()
    for _ in range(10):
        agree(mutated(body, chance))


def test_some_mutated_requests_are_taken() -> None:
    """Else the test above would show nothing."""
    chance = random.Random(1)  # noqa: S311 - not for secrets
    damaged = [
        mutated(traces_request(chance, NOW_NS).SerializeToString(), chance) for _ in range(1_000)
    ]

    assert sum(map(agree, damaged)) > 30


def test_doubles_are_written_alike() -> None:
    """Two ways to the shortest digits: of any bits, and of numbers as people write them."""
    chance = random.Random(2)  # noqa: S311 - not for secrets
    numbers: list[float] = [
        struct.unpack("<d", chance.randbytes(8))[0] if odd else round(chance.uniform(-9, 9), 3)
        for odd in (True, True, False)
        for _ in range(1_000)
    ]
    numbers += [sign * 10.0**power for power in range(-30, 30) for sign in (1, -1, 1 / 3)]
    plain = [number for number in numbers if not _has_two_texts(number)]
    scalars = [AnyValue(double_value=number) for number in plain]
    arrays = [AnyValue(array_value=ArrayValue(values=[scalar])) for scalar in scalars]

    assert agree(_of([KeyValue(key="k", value=value) for value in (*scalars, *arrays)]))
    assert len(plain) > len(numbers) - 9


def test_a_double_between_two_shortest_texts_is_left() -> None:
    """Python's text of the first ends in .2, Rust's in .3; found by comparing 140,000 numbers."""
    doubles = {
        2066651045171004.25: False,
        2066651045171004.5: True,
        20461613868987.8125: False,
        1624761502154051.0: True,
        2.0**60 + 2**8 * 5: True,
        1e23: True,
    }
    chance = random.Random(4)  # noqa: S311 - not for secrets
    for _ in range(200):
        number = (chance.getrandbits(51) * 4 + 1) / chance.choice((4, 8, 16, 1 << 30))
        doubles[number] = not _has_two_texts(number)

    assert 20 < list(doubles.values()).count(False) < 190
    for number, takes in doubles.items():
        scalar = AnyValue(double_value=number)
        inner = AnyValue(array_value=ArrayValue(values=[scalar]))
        for value in (scalar, inner):
            assert agree(_of([KeyValue(key="k", value=value)])) == takes, number


def test_the_load_of_the_benchmark_is_taken_whole() -> None:
    """The figures of the benchmark are figures of this decoder."""
    now_ns = time.time_ns()
    for content in (False, True):
        workload = Workload(seed=1, content=content, spans=51)
        assert all(agree(workload.request(number, now_ns), now_ns) for number in range(8))


def test_what_the_frameworks_send_is_taken_whole() -> None:
    """All recordings of real instrumentors: agents' telemetry goes the fast way."""
    every = recordings()
    later_ns = shift_ns(every)
    sent = [
        to_protobuf(TRACES, body.encode())
        for recording in every
        for body in bodies(recording, later_ns)
    ]

    assert len(sent) > 40
    assert [agree(body, time.time_ns()) for body in sent] == [True] * len(sent)


def _of(attributes: list[KeyValue], **fields: Any) -> bytes:  # noqa: ANN401
    span = Span(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        start_time_unix_nano=NOW_NS,
        end_time_unix_nano=NOW_NS + 5,
        attributes=attributes,
    )
    span.MergeFrom(Span(**fields))
    resource = Resource(attributes=[_pair("service.name", "shop")])
    scopes = [ScopeSpans(spans=[span])]
    request = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=scopes)]
    )
    return request.SerializeToString()


def _pair(key: str, text: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=text))


@pytest.mark.parametrize(
    "fields",
    [
        {"trace_id": b"t" * 15},
        {"trace_id": bytes(16)},
        {"span_id": bytes(8)},
        {"span_id": b"s" * 9},
        {"end_time_unix_nano": NOW_NS - 1},
        {"start_time_unix_nano": NOW_NS - 31 * 86_400 * 10**9},
        {"start_time_unix_nano": NOW_NS + 3601 * 10**9, "end_time_unix_nano": NOW_NS * 2},
        {"kind": 300},
    ],
)
def test_a_span_that_is_not_let_in_is_left_to_admission(fields: dict[str, Any]) -> None:
    """Only there are reasons counted and the rest of the request kept."""
    assert taken(_of([])) is not None
    assert taken(_of([], **fields)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda _body: b"",
        lambda body: body[:-1],
        lambda body: body + b"\x10\x01",  # a field that nobody knows
        lambda body: body + b"\x0b\x0c",  # a group
        lambda body: body + b"\x8a\x00\x00",  # a tag written too long
        lambda body: body + b"\x0a\x80\x00",  # a length written too long
        lambda body: body + b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        lambda body: body.replace(b"shop", b"sh\xffp"),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_protobuf(
    change: Callable[[bytes], bytes],
) -> None:
    """Some of it protobuf takes: it is the judge, and this decoder only knows what it knows."""
    assert taken(change(_of([]))) is None


def test_values_in_each_other_are_taken_to_a_depth() -> None:
    """Protobuf stops at 100 messages; whoever recurses must stop before."""
    value, takes = AnyValue(int_value=1), []
    for _ in range(30):
        pairs = KeyValueList(
            values=[KeyValue(key="b", value=value), _pair("a", "x"), _pair("a", "")]
        )
        value = AnyValue(kvlist_value=pairs)
        takes.append(agree(_of([KeyValue(key="k", value=value)])))

    assert takes == [True] * 16 + [False] * 14


def test_texts_in_arrays_are_escaped_alike() -> None:
    """All that JSON escapes, and what only looks as if it were to be."""
    text = "".join(map(chr, range(0x180))) + "\u2028\u2029\ufeff\U0001f98a"
    pairs = KeyValueList(values=[_pair(text, text), _pair("", "")])
    array = ArrayValue(values=[AnyValue(string_value=text), AnyValue(kvlist_value=pairs)])

    assert agree(_of([KeyValue(key="k", value=AnyValue(array_value=array))]))


def test_requests_are_joined_in_their_order_however_they_were_read() -> None:
    """A segment has some that went each way."""
    chance = random.Random(3)  # noqa: S311 - not for secrets
    sent = [traces_request(chance, NOW_NS).SerializeToString() for _ in range(7)]
    batches = [decode(TRACES, body) for body in sent]
    sounds = [taken(body) for body in sent]
    assert None not in sounds
    mixed = [one if number in (0, 3, 4) else sounds[number] for number, one in enumerate(batches)]

    found = joined([one for one in mixed if one is not None])

    expected = joined(batches)
    same(traces_of(found), traces_table(pa.concat_batches(batches)))
    assert instances_of(found) == instances_of(expected)


def test_rows_give_their_memory_back() -> None:
    """They are the library's until the last array is gone."""
    body = _of([_pair(f"key {number}", "x" * 1_000) for number in range(500)])
    sound, sizes = taken(body), []
    assert sound is not None
    for _ in range(100):
        assert traces_of(joined([sound] * 4)).nbytes > 2_000_000
        sizes.append(resident_bytes())

    assert sizes[-1] - sizes[20] < 20 << 20


def test_what_does_not_fit_into_one_batch_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the requests are decoded the other way, which says what is wrong."""
    sound = taken(_of([_pair("k", "v")]))
    assert sound is not None
    monkeypatch.setattr(handspan_decoder, "rows", lambda *_: handspan_decoder.UNSURE)

    same(traces_of(joined([sound])), traces_table(decode(TRACES, sound.body)))


def test_a_resource_copied_to_very_many_spans_is_left() -> None:
    """Each span has its resource in its row: 400 KB that would become 400 MB."""
    resource = Resource(attributes=[_pair("k", "x" * 200_000)])
    span = Span.FromString(
        ExportTraceServiceRequest.FromString(_of([]))
        .resource_spans[0]
        .scope_spans[0]
        .spans[0]
        .SerializeToString()
    )
    few, many = (
        ExportTraceServiceRequest(
            resource_spans=[
                ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=[span] * number)])
            ]
        )
        for number in (10, 1_000)
    )

    assert taken(few.SerializeToString()) is not None
    assert taken(many.SerializeToString()) is None


@pytest.mark.parametrize("library", ["None", "types.SimpleNamespace(LAYOUT=0)"])
def test_without_the_library_or_with_another_version_requests_go_the_other_way(
    library: str,
) -> None:
    """The choice is made at import, so only another process can be without it."""
    program = (
        f"import sys, types; sys.modules['handspan_decoder'] = {library}\n"
        "from handspan_exporter.otlp import native\n"
        "assert not native.LOADED\n"
        "assert native.sound(b'', oldest_ns=0, newest_ns=1) is None\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
