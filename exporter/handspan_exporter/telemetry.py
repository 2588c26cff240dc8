"""Every number that the service tells about itself: name, type and meaning, each written once.

`/metrics` and docs/operations.md are made from `METRICS`.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[], "float | None"]


class Metric(NamedTuple):
    """One family as Prometheus knows it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    label: str = ""
    """Name of the one label, empty when there is none."""


METRICS: Final[list[Metric]] = []
"""All families, in the order of a span's way."""


def _counter(name: str, text: str, label: str = "") -> Metric:
    return _known(Metric(f"handspan_{name}_total", "counter", text, label))


def _gauge(name: str, text: str, label: str = "") -> Metric:
    return _known(Metric(f"handspan_{name}", "gauge", text, label))


def _histogram(name: str, text: str, label: str = "") -> Metric:
    return _known(Metric(f"handspan_{name}", "histogram", text, label))


def _known(metric: Metric) -> Metric:
    METRICS.append(metric)
    return metric


BUILD_INFO = _gauge("build_info", "Always 1; the version is the label.", "version")
REQUESTS_RECEIVED = _counter("requests_received", "OTLP requests whose body was read.")
BYTES_RECEIVED = _counter("received_bytes", "Bytes of those bodies, decompressed.")
REQUESTS_REPEATED = _counter(
    "requests_repeated", "Acknowledged and not stored again: the same body came a moment ago."
)
REQUESTS_LEFT = _counter(
    "requests_left_to_protobuf",
    "Of traces: handspan-decoder leaves what is out of the ordinary, and is not installed "
    "everywhere.",
)
REQUESTS_FAILED = _counter(
    "requests_failed",
    "Not taken at all: malformed, journal_full, no_token, wrong_token, wrong_scope, "
    "concurrent_requests, spans_per_s, bytes_per_s.",
    "reason",
)
SPANS_ACCEPTED = _counter("spans_accepted", "Acknowledged: in the journal, and soon in the store.")
SPANS_REFUSED = _counter("spans_refused", "Answered with partial success.", "reason")
LOGS_ACCEPTED = _counter("log_records_accepted", "Acknowledged: as with spans.")
LOGS_REFUSED = _counter("log_records_refused", "Answered with partial success.", "reason")
TOKEN_ITEMS = _counter("token_items", "Spans and log records acknowledged, by token.", "token")
JOURNAL_BYTES = _gauge("journal_bytes", "Acknowledged and not yet in the store.")
JOURNAL_AGE_S = _gauge(
    "journal_age_seconds", "Since the oldest request that is not yet in the store came; 0: none."
)
PENDING_BYTES = _gauge("pending_bytes", "Requests in memory that wait for the store.")
BYTES_TORN = _counter(
    "journal_torn_bytes",
    "Of requests whose writing a crash cut off, so that they were never acknowledged.",
)
INSERT_S = _histogram("insert_seconds", "One insert into the store that was taken.", "table")
SPANS_STORED = _counter("spans_stored", "In the store, with their agent spans and arrivals.")
LOGS_STORED = _counter("log_records_stored", "In the store.")
SEGMENTS_STORED = _counter("segments_stored", "Journal files stored and removed.")
SEGMENTS_READ_BACK = _counter(
    "segments_read_back", "Stored from the file: after a restart, or because memory was short."
)
ROWS_UNVERIFIED = _counter(
    "rows_unverified",
    "Stored once more, perhaps: the store could not be asked whether it had them.",
    "table",
)
STORE_RETRIES = _counter("store_retries", "Attempts that the store did not answer.")
SEGMENT_RETRIES = _counter(
    "segment_retries", "Attempts to store a segment that failed here, not in the store.", "reason"
)
ROWS_REJECTED = _counter(
    "rows_rejected", "ClickHouse refused them for their content; kept in rejected/.", "table"
)
ROWS_MISSED = _counter(
    "rows_missed",
    "ClickHouse knew the token after a crash, but not the rows; inserted once more.",
    "table",
)
SEGMENTS_REJECTED = _counter(
    "segments_rejected", "Could not be turned into rows; kept in rejected/.", "reason"
)
RECORDS_UNREADABLE = _counter(
    "records_unreadable",
    "Journalled requests that can no longer be parsed; kept in rejected/.",
)
REJECTED_BYTES = _gauge("rejected_bytes", "Bytes kept in rejected/.")
REJECTED_REMOVED_BYTES = _counter(
    "rejected_removed_bytes", "Oldest files of rejected/, removed because it reached its limit."
)
ATTACHED_SPANS = _counter("attached_spans", "Rows read of the table that --attach names.")
ATTACHED_PARTS = _counter(
    "attached_parts", "Parts of that table that were read; one is read again when it was merged."
)
PROCESSOR_LEADS = _gauge(
    "processor_leads", "1: this process computes facts; 0: another one does, and this one waits."
)
PROCESSOR_TICKS = _counter("processor_ticks", "Looks for changed runs.")
PROCESSOR_BUSY_S = _histogram(
    "processor_busy_seconds",
    "One look that computed something, in one thread: its CPU time is at most that. The sum by "
    "handspan_facts_spans_total is the cost of a span.",
)
FACTS_TRACES = _counter("facts_traces", "Traces whose facts were computed, each time.")
FACTS_SPANS = _counter("facts_spans", "Agent spans of those traces, each time.")
FACTS_MISSED = _counter(
    "facts_missed", "Traces whose facts lacked a stored span until a look back; 0 unless in error."
)
FACTS_FAILED = _counter("facts_failed", "Ticks that failed and are repeated.", "reason")
PROCESSOR_WAITING = _gauge("processor_waiting_traces", "Traces with spans not yet in the facts.")
PROCESSOR_LAG_S = _gauge(
    "processor_lag_seconds", "Since the oldest span that is not yet in the facts came; 0: none."
)
FRESHNESS_S = _histogram(
    "freshness_seconds", "From the receipt of a trace's oldest new span to its being in the facts."
)
OPERATIONS_ENDED = _counter(
    "operations_ended",
    "Rebuilds and re-pricings that this service was asked for, by how they ended: done, failed or "
    "stopped, because the service was.",
    "outcome",
)
OPERATION_RUNNING = _gauge("operation_running", "1: it is under way.", "operation")
OPERATION_SPANS = _counter(
    "operation_spans",
    "Raw spans that rebuilds have read again, and model calls whose traces wait for new prices.",
    "operation",
)
READER_QUERIES = _counter(
    "reader_queries",
    "Statements at --clickhouse-http, by what became of them; facts hurry while some are answered.",
    "outcome",
)
READER_ANSWERED: Final = "answered"
"""The outcome of those that were not refused."""
READER_RESULT_BYTES = _counter(
    "reader_result_bytes", "Bytes of answers at --clickhouse-http, before they are packed."
)

QUESTIONS = _counter("questions", "Asked of the HTTP API: while there are some, facts hurry.")

BOUNDS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the buckets of every histogram, in seconds."""


class _Distribution:
    """How many observations fell into each bucket."""

    __slots__ = ("counts", "exemplars", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.exemplars = [""] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0


class Counters:
    """What was counted and measured since the process began; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[tuple[Metric, str]] = Counter()
        self._distributions: dict[tuple[Metric, str], _Distribution] = {}
        self._reads: dict[tuple[Metric, str], Read] = {}

    def add(self, metric: Metric, number: int = 1, *, reason: str = "") -> None:
        """Count `number` more; `reason` is the value of the metric's label."""
        if number:
            with self._lock:
                self._numbers[metric, reason] += number

    def observe(
        self, metric: Metric, seconds: float, *, reason: str = "", trace_id: str = ""
    ) -> None:
        """Note one duration, in seconds; `trace_id` is an example of where it was seen."""
        with self._lock:
            found = self._distributions.setdefault((metric, reason), _Distribution())
            bucket = bisect_left(BOUNDS_S, seconds)
            found.counts[bucket] += 1
            found.sum_s += seconds
            if trace_id:
                found.exemplars[bucket] = f' # {{trace_id="{escaped(trace_id)}"}} {seconds}'

    def watch(self, metric: Metric, read: Read, *, reason: str = "") -> None:
        """Ask `read` whenever somebody wants to know; it must not block, None is left out."""
        self._reads[metric, reason] = read

    def total(self, metric: Metric, reason: str | None = None) -> int:
        """Return the count of a metric, of all reasons or of one."""
        with self._lock:
            return sum(
                number
                for (one, why), number in self._numbers.items()
                if one == metric and reason in (None, why)
            )

    def snapshot(self) -> dict[tuple[Metric, str], int]:
        """Return every (metric, reason) that was counted."""
        with self._lock:
            return dict(self._numbers)

    def exposition(self, *, openmetrics: bool = False) -> str:
        """Return all of it in Prometheus' text format (version 0.0.4).

        With `openmetrics` in that of OpenMetrics 1.0.0, which has exemplars; whoever sends it adds
        `# EOF` as the last line.
        """
        lines = (line for metric in METRICS for line in self._family(metric, openmetrics))
        return "".join(f"{line}\n" for line in lines)

    def _family(self, metric: Metric, openmetrics: bool) -> Iterator[str]:  # noqa: FBT001
        # OpenMetrics names a counter's family without the suffix of its samples.
        family = metric.name.removesuffix("_total") if openmetrics else metric.name
        yield f"# HELP {family} {metric.help}"
        yield f"# TYPE {family} {metric.kind}"
        if metric.kind == "histogram":
            yield from self._histogram(metric, openmetrics)
            return
        for reason, number in sorted(self._samples(metric).items()):
            yield f"{metric.name}{_labels(metric, reason)} {number}"

    def _samples(self, metric: Metric) -> dict[str, float]:
        if metric.kind == "gauge":
            reads = [(why, read) for (one, why), read in self._reads.items() if one == metric]
            return {why: number for why, read in reads if (number := read()) is not None}
        with self._lock:
            found = {why: n for (one, why), n in self._numbers.items() if one == metric}
        # A counter that is there from the beginning has a rate from its first event on.
        return {**({} if metric.label else {"": 0}), **found}

    def _histogram(self, metric: Metric, openmetrics: bool) -> Iterator[str]:  # noqa: FBT001
        with self._lock:
            found = {
                why: (list(zip(one.counts, one.exemplars, strict=True)), one.sum_s)
                for (name, why), one in self._distributions.items()
                if name == metric
            }
        for why, (buckets, sum_s) in sorted(found.items()):
            total = 0
            bounds = (*map(str, BOUNDS_S), "+Inf")
            for bound, (count, exemplar) in zip(bounds, buckets, strict=True):
                total += count
                seen = exemplar if openmetrics else ""
                yield f"{metric.name}_bucket{_labels(metric, why, bound)} {total}{seen}"
            yield f"{metric.name}_sum{_labels(metric, why)} {sum_s}"
            yield f"{metric.name}_count{_labels(metric, why)} {total}"


def _labels(metric: Metric, value: str, bound: str = "") -> str:
    pairs = [(metric.label, value)] * bool(metric.label) + [("le", bound)] * bool(bound)
    text = ",".join(f'{name}="{escaped(one)}"' for name, one in pairs)
    return f"{{{text}}}" if text else ""


def escaped(value: str) -> str:
    """Return a label's value as it stands between quotes in Prometheus' text format."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
