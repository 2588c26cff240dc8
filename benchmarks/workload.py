"""The load: requests of whole traces, each with its own ids and the present time.

A request is a copy of one of a few templates with ids and times written over it, so that making
it costs the machine little (about 1 us per span) while others are measured on it.
"""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import numpy as np
from benchmarks import team
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from handspan import semconv

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.int64]

TRACE_SPANS = 51
"""Of one trace of `team`."""
REQUEST_SPANS = 512
"""Of one request: ten traces, the last of them with two agents more."""
CONTENT_BYTES = 4096
"""Of one span's messages in the profile with content."""
_TEMPLATES = 8
_SPAN_TIME_NS = 5_000_000


class Workload:
    """Makes requests by number; the same number never twice, or it is a repetition."""

    def __init__(self, *, seed: int, content: bool = False, spans: int = REQUEST_SPANS) -> None:
        """Build the templates; takes about a second.

        Args:
            seed: Two workloads with different ones share no ids.
            content: Whether each span carries `CONTENT_BYTES` of messages.
            spans: Of each request, `TRACE_SPANS` at least.
        """
        self.spans = spans
        self.traces = spans // TRACE_SPANS
        """Of each request."""
        self._salt = np.uint64(seed << 40)
        self._content = content
        self._templates = [_Template(number, spans, content) for number in range(_TEMPLATES)]

    @property
    def bytes_per_span(self) -> int:
        """Size on the wire, without compression."""
        return len(self._templates[0].body) // self.spans

    @property
    def agent_work_ratio(self) -> float:
        """Share of spans that are agent work."""
        return self._templates[0].agent_work / self.spans

    def request(self, number: int, now_ns: int) -> bytes:
        """Return one ExportTraceServiceRequest whose spans began just before `now_ns`."""
        template = self._templates[number % _TEMPLATES]
        return template.filled(self._ids(number), now_ns)

    def pieces(self) -> Pieces:
        """Return the same load as pieces of longer traces."""
        return Pieces([_Template(n, self.spans, self._content, joined=True) for n in range(2)])

    def trace_ids(self, number: int) -> list[str]:
        """Return the traces of a request, in hex."""
        low, high = self._ids(number)[1:]
        words = zip(low.tolist(), high.tolist(), strict=True)
        return [struct.pack("<QQ", *pair).hex() for pair in words]

    def _ids(self, number: int) -> tuple[NDArray[np.uint64], ...]:
        """Return span ids and both halves of the trace ids, different for every number."""
        spans = np.arange(self.spans, dtype=np.uint64) + np.uint64(number * self.spans)
        traces = np.arange(self.traces, dtype=np.uint64) + np.uint64(number * self.traces)
        return (
            _scattered(spans + self._salt),
            _scattered(traces + self._salt),
            _scattered(traces + self._salt + np.uint64(1 << 39)),
        )


class Pieces:
    """Requests that each belong to one trace: what they hold is below a span that they lack."""

    def __init__(self, templates: list[_Template]) -> None:
        self._templates = templates

    def request(self, number: int, now_ns: int, *, trace: tuple[int, int], top: int) -> bytes:
        """Return one request.

        Args:
            number: Never twice for one trace.
            now_ns: Its spans began just before.
            trace: Both halves of the trace id.
            top: The span id above.
        """
        template = self._templates[number % len(self._templates)]
        spans = np.arange(template.spans, dtype=np.uint64) + np.uint64(number * template.spans)
        low, high = (np.full(template.spans, half, np.uint64) for half in trace)
        ids = (_scattered(spans ^ np.uint64(trace[0])), low, high)
        return template.filled(ids, now_ns, np.uint64(top))


def _scattered(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers that look random, one to one (the finaliser of splitmix64)."""
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ mixed >> np.uint64(31)


class _Template:
    """One request with marks where ids and times belong, and where these marks are."""

    def __init__(self, number: int, spans: int, content: bool, *, joined: bool = False) -> None:  # noqa: FBT001
        self.spans = spans
        self._joined = joined
        self._random = random.Random(number)  # noqa: S311 - a load that can be repeated
        self._words = [f"{self._random.getrandbits(32):x}" for _ in range(2000)]
        self._marks: dict[str, list[bytes]] = {}
        self._offsets: list[int] = []
        self._parents: list[int] = []
        self._trace_of_span: list[int] = []
        self.agent_work = 0
        request = self._built(content=content)
        self.body = np.frombuffer(request.SerializeToString(), np.uint8)
        self._places = {name: self._found(marks) for name, marks in self._marks.items()}

    def filled(
        self, ids: tuple[NDArray[np.uint64], ...], now_ns: int, top: np.uint64 | None = None
    ) -> bytes:
        """Return the request with these ids, its spans in the second before `now_ns`."""
        span_ids, low, high = ids
        of_span = np.array(self._trace_of_span)
        began = np.uint64(now_ns - 10**9) + np.array(self._offsets, np.uint64)
        body = self.body.copy()
        trace_ids = np.stack([low, high], 1)[of_span].view(np.uint8).reshape(-1, 16)
        self._write(body, "trace", trace_ids)
        self._write(body, "workflow", _hex(trace_ids))
        self._write(body, "span", _octets(span_ids))
        self._write(body, "start", _octets(began))
        self._write(body, "end", _octets(began + np.uint64(_SPAN_TIME_NS)))
        self._write(body, "event", _octets(began + np.uint64(500)))
        parents = np.array(self._parents)
        self._write(body, "parent", _octets(span_ids[parents[parents >= 0]]))
        if top is not None:
            self._write(body, "top", _octets(np.full(len(self._places["top"]), top)))
        return body.tobytes()

    def _write(self, body: NDArray[np.uint8], mark: str, octets: NDArray[np.uint8]) -> None:
        body[self._places[mark][:, None] + np.arange(octets.shape[1])] = octets

    def _mark(self, name: str, size: int = 8) -> bytes:
        """Return random bytes to be found again, as text when they are to stand in a text."""
        mark = self._random.randbytes(size)
        if name == "workflow":
            mark = mark.hex().encode()
        self._marks.setdefault(name, []).append(mark)
        return mark

    def _found(self, marks: list[bytes]) -> Places:
        data, place, places = self.body.tobytes(), -1, []
        for mark in marks:
            place = data.index(mark, place + 1)
            places.append(place)
        return np.array(places)

    def _built(self, *, content: bool) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource: dict[str, team.Value] = {
            semconv.SERVICE_NAME: "research-team",
            "service.version": "1.2.0",
            "deployment.environment.name": "production",
            "host.name": "worker-1",
            "telemetry.sdk.language": "python",
        }
        resource_spans.resource.attributes.extend(team.pair(*one) for one in resource.items())
        scope = resource_spans.scope_spans.add()
        scope.scope.name, scope.scope.version = semconv.SCOPE_NAME, "0.1.0"
        for trace in range(self.spans // TRACE_SPANS):
            self._add(scope, team.trace(self._random, "?" * 32), trace, content=content)
        more = self.spans - len(scope.spans)
        self._add(scope, [team.trace(self._random, "?" * 32)[1]] * more, trace, content=content)
        return request

    def _add(self, scope: ScopeSpans, works: list[team.Work], trace: int, *, content: bool) -> None:
        root = trace * TRACE_SPANS
        for work in works:
            self.agent_work += work.is_agent_work
            self._trace_of_span.append(trace)
            self._parents.append(-1 if work.parent is None else root + work.parent)
            scope.spans.append(self._span(work, content=content))

    def _span(self, work: team.Work, *, content: bool) -> Span:
        self._offsets.append(len(self._offsets) * 1000)
        attributes = dict(work.attributes)
        attributes[semconv.WORKFLOW_ID] = self._mark("workflow", 16).decode()
        if content:
            attributes[semconv.GEN_AI_INPUT_MESSAGES] = self._text()
        span = Span(
            trace_id=self._mark("trace", 16),
            span_id=self._mark("span"),
            parent_span_id=self._parent(work),
            name=work.name,
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=self._moment("start"),
            end_time_unix_nano=self._moment("end"),
            status=Status(),
        )
        span.attributes.extend(team.pair(*one) for one in attributes.items())
        event = span.events.add(time_unix_nano=self._moment("event"), name="gen_ai.choice")
        event.attributes.append(team.pair("index", 0))
        return span

    def _parent(self, work: team.Work) -> bytes:
        if work.parent is not None:
            return self._mark("parent")
        return self._mark("top") if self._joined else b""

    def _moment(self, name: str) -> int:
        moment: int = struct.unpack("<Q", self._mark(name))[0]
        return moment

    def _text(self) -> str:
        """Return messages of `CONTENT_BYTES`: words that repeat as in a language."""
        text = " ".join(self._random.choices(self._words, k=CONTENT_BYTES // 8))
        return text.ljust(CONTENT_BYTES)[:CONTENT_BYTES]


def _octets(numbers: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return numbers.astype("<u8").view(np.uint8).reshape(len(numbers), 8)


_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def _hex(octets: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([_HEX[octets >> 4], _HEX[octets & 15]], 2).reshape(len(octets), -1)
