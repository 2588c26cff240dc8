"""A load of runs of very different lengths at once, the long ones in pieces over their time."""

from __future__ import annotations

import random
import struct
import threading
from typing import TYPE_CHECKING

from benchmarks import team
from benchmarks.workload import Workload
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHORT = -1


class Runs(Workload):
    """Requests by number, as of a `Workload`: pieces of long runs, each ended by its root."""

    def __init__(self, *, seed: int, lengths: Sequence[int], short_ratio: float = 0.5) -> None:
        """Plan one cycle of requests; it is repeated with new runs.

        Args:
            seed: Two loads with different ones share no ids.
            lengths: Spans of the long runs of a cycle, about.
            short_ratio: Share of requests that are whole short traces.
        """
        super().__init__(seed=seed)
        self._seed = seed
        self._pieces = self.pieces()
        self._began_ns: dict[int, int] = {}
        self._lock = threading.Lock()
        counts = [max(1, length // self.spans) for length in lengths]
        short = int(sum(counts) * short_ratio / max(1 - short_ratio, 0.01))
        places = [
            (place / (count + 1), run, place)
            for run, count in enumerate(counts)
            for place in range(count + 1)
        ]
        places += [((place + 0.5) / short, _SHORT, 0) for place in range(short)]
        self._plan = [(run, place, counts[run]) for _, run, place in sorted(places)]
        self._long = len(counts)

    @property
    def cycle(self) -> int:
        """How many requests until every run of the cycle has ended."""
        return len(self._plan)

    def request(self, number: int, now_ns: int) -> bytes:
        """Return one request whose spans began just before `now_ns`."""
        cycle, step = divmod(number, len(self._plan))
        run, place, count = self._plan[step]
        if run == _SHORT:
            return super().request(number, now_ns)
        run += cycle * self._long
        ids = random.Random(f"{self._seed}/{run}")  # noqa: S311 - a load that can be repeated
        low, high, top = (ids.getrandbits(64) for _ in range(3))
        with self._lock:
            began_ns = self._began_ns.setdefault(run, now_ns - 10**9)
        if place < count:
            return self._pieces.request(place, now_ns, trace=(low, high), top=top)
        return _root(struct.pack("<QQ", low, high), struct.pack("<Q", top), began_ns, now_ns)


def _root(trace_id: bytes, span_id: bytes, began_ns: int, ended_ns: int) -> bytes:
    """Return the workflow span of a run, as a request of its own: it ends last."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.append(team.pair(semconv.SERVICE_NAME, "research-team"))
    scope = resource_spans.scope_spans.add()
    scope.scope.name = semconv.SCOPE_NAME
    work = team.trace(random.Random(0), trace_id.hex())[0]  # noqa: S311 - a load that can be repeated
    span = Span(
        trace_id=trace_id,
        span_id=span_id,
        name=work.name,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=began_ns,
        end_time_unix_nano=ended_ns,
    )
    span.attributes.extend(team.pair(*one) for one in work.attributes.items())
    scope.spans.append(span)
    return request.SerializeToString()
