"""Rows of `otel_traces` in, rows of `agent_spans` out: three conventions, one typed row.

Arrow and numpy kernels over whole batches, for the receiver, for `handspan rebuild` and for
attach mode alike. Total: no input makes it raise; what cannot be read is absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan import semconv
from handspan.prices import FRAMEWORK_PROVIDERS
from handspan_exporter.columns import buckets, mapping, parse
from handspan_exporter.columns.attributes import Attributes, as_bytes, as_strings
from handspan_exporter.columns.events import event_spans
from handspan_exporter.columns.kinds import NONE, recognise

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from handspan_exporter.columns.kinds import Kinds

    Mask = npt.NDArray[np.bool_]
    Positions = npt.NDArray[np.int64]

_TYPES: Final = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "count": pa.uint64(),
    "number": pa.uint32(),
    "real": pa.float64(),
    "usd": parse.USD,
    "instant": parse.INSTANT,
    "flag": pa.bool_(),
    "yes_no": pa.bool_(),
}

_SPAN_FIELDS: Final = (
    ("trace_id", pa.string()),
    ("span_id", pa.string()),
    ("parent_span_id", pa.string()),
    ("started_at", parse.INSTANT),
    ("duration_ns", pa.uint64()),
    ("name", pa.string()),
    ("service", pa.string()),
    ("kind", pa.string()),
    ("convention", pa.string()),
    ("status", pa.string()),
    ("error_type", pa.string()),
    ("status_message", pa.string()),
)

_MAPPED_FIELDS: Final = tuple((column.name, _TYPES[column.shape]) for column in mapping.COLUMNS)
_MAPPED_NAMES: Final = [name for name, _ in _MAPPED_FIELDS]
_RESUMES_AT: Final = 1 + _MAPPED_NAMES.index("workflow_outcome")
_RATES_AT: Final = 1 + _MAPPED_NAMES.index("rating_alternative_agent")

SCHEMA: Final = pa.schema(
    [
        *_SPAN_FIELDS,
        *_MAPPED_FIELDS[:_RESUMES_AT],
        ("resumes", pa.list_(pa.string())),
        *_MAPPED_FIELDS[_RESUMES_AT:_RATES_AT],
        ("rates_trace_id", pa.string()),
        ("rates_span_id", pa.string()),
        *_MAPPED_FIELDS[_RATES_AT:],
        ("modality_tokens", pa.map_(pa.string(), pa.uint64())),
        ("received_at", parse.INSTANT),
    ]
)
"""The columns of sql/schema/0004_agent_spans.sql, in order; a test compares the two."""

READS: Final = (
    "Timestamp",
    "TraceId",
    "SpanId",
    "ParentSpanId",
    "SpanName",
    "ServiceName",
    "ScopeName",
    "SpanAttributes",
    "Duration",
    "StatusCode",
    "StatusMessage",
    "Events.Timestamp",
    "Events.Name",
    "Events.Attributes",
    "Links.TraceId",
    "Links.SpanId",
    "Links.Attributes",
)
"""The columns of `otel_traces` that are looked at: a rebuild need not read the others."""

_COMBINED_BYTES: Final = 1 << 30
"""Tables up to this size are made one batch; beyond, an Arrow string column could overflow."""

_READERS: Final = {
    "count": parse.counts,
    "number": parse.numbers,
    "real": parse.reals,
    "usd": parse.usd,
    "instant": parse.instants,
    "flag": parse.flags,
    "yes_no": parse.answers,
    "texts": parse.lists,
}

_SILENT: Final = pa.array(sorted(mapping.SILENT_WORKFLOWS), pa.string()).view(pa.binary())

_STATUSES: Final = {
    b"Error": "Error",
    b"STATUS_CODE_ERROR": "Error",
    b"Ok": "Ok",
    b"STATUS_CODE_OK": "Ok",
}
"""Short forms of today's exporters and long ones of old tables; anything else is Unset."""


def agent_spans_table(traces: pa.Table, received_at_ns: int) -> pa.Table:
    """Return the typed rows of those spans that are agent work.

    Args:
        traces: Rows of `otel_traces` (sql/schema/0001_otel_traces.sql) with at least the columns
            `READS`; texts may be dictionary-encoded, bytes or large.
        received_at_ns: When they came, nanoseconds since the epoch; of a span that was
            delivered twice the row with the later one stays.
    """
    traces = traces.select(READS)
    if traces.nbytes < _COMBINED_BYTES:
        traces = traces.combine_chunks()
    tables = [table for batch in traces.to_batches() for table in _tables(batch, received_at_ns)]
    return pa.concat_tables([SCHEMA.empty_table(), *tables])


def _tables(batch: pa.RecordBatch, received_at_ns: int) -> Iterator[pa.Table]:
    """Yield the rows of the spans, and of the events that are agent work by themselves."""
    attributes = Attributes(batch["SpanAttributes"], mapping.names())
    kinds = recognise(attributes, batch)
    rows = np.flatnonzero(kinds.kind != NONE)
    if len(rows):
        spans = _AgentSpans(batch, rows, attributes.of(rows), kinds.of(rows))
        yield _table(spans.columns(), received_at_ns)
    events, span_of = event_spans(batch)
    if events is None:
        return
    said = Attributes(events["SpanAttributes"], mapping.names())
    kinds_of_events = recognise(said, events)
    own = _AgentSpans(events, np.arange(len(span_of)), said, kinds_of_events)
    who, places = np.unique(span_of, return_inverse=True)
    # A span that is no agent work counts as a chain here: who ran it, it says all the same.
    around = _AgentSpans(batch, who, attributes.of(who), kinds.of(who))
    yield _table(own.columns() | _attributed(own, around, places), received_at_ns)


def _table(columns: dict[str, pa.Array], received_at_ns: int) -> pa.Table:
    rows = len(columns["span_id"])
    columns["received_at"] = _instants(pa.array(np.full(rows, received_at_ns, np.int64)))
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _attributed(own: _AgentSpans, around: _AgentSpans, places: Positions) -> dict[str, pa.Array]:
    """Return the columns of `mapping.ATTRIBUTION`: the event's own, else those of its span."""
    columns = {}
    for name in mapping.ATTRIBUTION:
        said = own.mapped(mapping.BY_NAME[name])
        above = around.mapped(mapping.BY_NAME[name]).take(pa.array(places))
        absent = pc.equal(said, pa.scalar("" if pa.types.is_string(said.type) else 0, said.type))
        columns[name] = pc.if_else(absent, above, said)
    return columns


@dataclass(frozen=True, slots=True)
class _AgentSpans:
    """The agent work of one batch."""

    batch: pa.RecordBatch
    rows: Positions
    """Which rows of the batch."""
    attributes: Attributes
    """Of these rows only."""
    kinds: Kinds
    """Of these rows only."""

    def columns(self) -> dict[str, pa.Array]:
        """Return all columns but the one that says when the rows came."""
        columns = {column.name: self.mapped(column) for column in mapping.COLUMNS}
        columns |= self.span() | self.state(columns["workflow_outcome"])
        columns |= self.handoff(columns["handoff_target"], columns["handoff_mode"])
        in_buckets = buckets.usage(self.attributes)
        columns |= self.langfuse(columns, in_buckets)
        columns |= self.messages(columns)
        columns |= self.cost(columns["cost_usd"], columns["cost_source"])
        columns["provider"] = _without_frameworks(columns["provider"])
        columns |= self.not_said(columns)
        columns["modality_tokens"] = self.modality_tokens(in_buckets)
        columns["resumes"] = self.resumes()
        columns["rates_trace_id"], columns["rates_span_id"] = self.rates()
        return columns

    def raw(self, name: str) -> pa.Array:
        """Return a column of the batch for these rows."""
        column = self.batch[name]
        return column if len(self.rows) == len(column) else column.take(pa.array(self.rows))

    def text(self, name: str) -> pa.Array:
        """Return a text column of the batch for these rows, as bytes without nulls."""
        return as_bytes(self.raw(name)).fill_null(b"")

    def mapped(self, column: mapping.Column) -> pa.Array:
        """Return one column out of the attributes."""
        places = self.attributes.first(self.sources(column))
        if places is None:  # most columns: each is of one kind of work
            return _unsaid(column.shape, len(self.rows))
        texts = self.attributes.take(places)
        if column.words:
            texts = parse.words(texts, column.words)
        return _read(column.shape, texts)

    def sources(self, column: mapping.Column) -> list[tuple[str, Mask | None]]:
        """Return those sources of the column that some span has, and where each counts."""
        return [
            (source.key, self.where(source))
            for source in column.sources
            if self.attributes.knows(source.key)
        ]

    def where(self, source: mapping.Source) -> Mask | None:
        """Return the spans on which a source counts; None: all."""
        if source.own_only:
            return self.kinds.uses(source.convention)
        return self.kinds.among(source.kinds) if source.kinds else None

    def span(self) -> dict[str, pa.Array]:
        """Return the columns that every span has."""
        return {
            "trace_id": as_strings(self.text("TraceId")),
            "span_id": as_strings(self.text("SpanId")),
            "parent_span_id": as_strings(self.text("ParentSpanId")),
            "started_at": _instants(self.raw("Timestamp")),
            "duration_ns": _durations(self.raw("Duration")),
            "name": as_strings(self.text("SpanName")),
            "service": as_strings(self.text("ServiceName")),
            "kind": self.kinds.kind_column(),
            "convention": self.kinds.convention_column(self.text("ScopeName")),
            "status_message": as_strings(self.text("StatusMessage")),
        }

    def state(self, workflow_outcome: pa.Array) -> dict[str, pa.Array]:
        """Return status and error type: what steers a framework, or was cancelled, is no error."""
        codes = self.text("StatusCode")
        places = pc.index_in(codes, value_set=pa.array(list(_STATUSES), pa.binary()))
        statuses = pa.array([*_STATUSES.values(), "Unset"]).take(places.fill_null(len(_STATUSES)))
        said = self.attributes.text(semconv.ERROR_TYPE)
        raised = self.exception_types(np.asarray(pc.equal(statuses, "Error")))
        vague = pc.equal(said, semconv.ERROR_TYPE_OTHER.encode()).fill_null(True)
        errors = pc.coalesce(pc.if_else(vague, raised, said), said, pa.scalar(b""))
        never = pc.or_(_steers(errors), _steers(raised))
        never = pc.or_(never, pc.equal(workflow_outcome, "cancelled"))
        silent = pc.is_in(self.text("ScopeName"), value_set=_SILENT)
        untold = pc.and_(silent, pa.array(self.kinds.among(frozenset({"workflow"}))))
        untold = pc.and_(untold, pc.not_equal(statuses, "Error"))
        return {
            "status": pc.if_else(never, "Unset", pc.if_else(untold, mapping.UNTOLD, statuses)),
            "error_type": as_strings(pc.if_else(never, pa.scalar(b""), errors)),
        }

    def exception_types(self, failed: Mask) -> pa.Array:
        """Return the type of each failed span's last exception event, as bytes or null."""
        none = pa.nulls(len(self.rows), pa.binary())
        events, span_of = _items(self.raw("Events.Attributes"))
        if not failed.any() or not len(events):
            return none
        told = Attributes(events, [_EXCEPTION_TYPE, mapping.EXCEPTION_MESSAGE])
        messages = told.text(mapping.EXCEPTION_MESSAGE)
        types = self.raised(told.text(_EXCEPTION_TYPE), messages, span_of)
        places = np.flatnonzero(np.asarray(types.is_valid()) & failed[span_of])
        last = np.full(len(self.rows), NONE, np.int64)
        last[span_of[places]] = places
        return types.take(pa.array(last, mask=last == NONE))

    def raised(self, types: pa.Array, messages: pa.Array, span_of: Positions) -> pa.Array:
        """Return the types of exceptions, of some scopes (see the mapping) as messages say."""
        for scope, pattern in mapping.RAISED_IN_MESSAGE.items():
            here = pc.equal(self.text("ScopeName"), scope.encode())
            if not pc.any(here).as_py():
                continue
            told = pc.struct_field(pc.extract_regex(messages, pattern), [0])
            here = pc.and_(here.take(pa.array(span_of)), told.is_valid())
            types = pc.if_else(here, told, types)
        return types

    def not_said(self, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
        """Return the columns in which some scope writes what it does not know, without that."""
        fresh = {}
        for name, words in mapping.NOT_SAID.items():
            nothing = pc.is_in(columns[name], value_set=pa.array(words))
            fresh[name] = pc.if_else(nothing, "", columns[name])
        for scope, names in mapping.MADE_UP.items():
            here = pc.equal(self.text("ScopeName"), scope.encode())
            fresh |= {name: pc.if_else(here, "", columns[name]) for name in names}
        return fresh

    def resumes(self) -> pa.Array:
        """Return, per span, the traces that it resumes."""
        links, span_of = _items(self.raw("Links.Attributes"))
        traces, trace_span_of = _items(self.raw("Links.TraceId"))
        counts = np.zeros(len(self.rows) + 1, np.int32)
        chosen = np.zeros(0, np.int64)
        # Two lists of one nested column are as long as each other; a table made by hand may differ.
        if len(links) and np.array_equal(span_of, trace_span_of):
            why = Attributes(links, [semconv.LINK]).text(semconv.LINK)
            chosen = np.flatnonzero(np.asarray(pc.equal(why, b"resumes").fill_null(False)))
            np.add.at(counts, span_of[chosen] + 1, 1)
        found = as_bytes(traces).fill_null(b"").take(pa.array(chosen))
        return pa.ListArray.from_arrays(
            pa.array(np.cumsum(counts, dtype=np.int32)), as_strings(found)
        )

    def rates(self) -> tuple[pa.Array, pa.Array]:
        """Return the trace and the span that each span rates, '' where it rates none."""
        links, span_of = _items(self.raw("Links.Attributes"))
        first = np.full(len(self.rows), NONE, np.int64)
        if len(links):
            why = Attributes(links, [semconv.LINK]).text(semconv.LINK)
            chosen = np.flatnonzero(np.asarray(pc.equal(why, b"rates").fill_null(False)))
            first[span_of[chosen[::-1]]] = chosen[::-1]
        return self.linked("Links.TraceId", first), self.linked("Links.SpanId", first)

    def linked(self, name: str, places: Positions) -> pa.Array:
        """Return an item of each span's links, '' where `places` says there is none."""
        items = as_bytes(self.raw(name).flatten())
        found = items.take(pa.array(places, mask=(places == NONE) | (places >= len(items))))
        return as_strings(found.fill_null(b""))

    def modality_tokens(self, in_buckets: dict[str, pa.Array]) -> pa.Array:
        """Return, per span, how many tokens were of each kind in `mapping.MODALITIES`."""
        keys = [source.key for column in mapping.MODALITIES for source in column.sources]
        rows, names = np.zeros(0, np.int64), np.zeros(0, np.int64)
        told = np.zeros(0, np.uint64)
        if in_buckets or self.attributes.has(keys).any():
            every = [
                pc.coalesce(
                    self.mapped(column), in_buckets.get(column.name, pa.scalar(None, pa.uint64()))
                )
                for column in mapping.MODALITIES
            ]
            said = [np.flatnonzero(np.asarray(one.is_valid())) for one in every]
            rows = np.concatenate(said)
            names = np.repeat(np.arange(len(said)), [len(one) for one in said])
            told = np.concatenate(
                [np.asarray(one.take(pa.array(at))) for one, at in zip(every, said, strict=True)]
            )
        order = np.argsort(rows, kind="stable")
        offsets = np.searchsorted(rows[order], np.arange(len(self.rows) + 1)).astype(np.int32)
        words = pa.array([column.name for column in mapping.MODALITIES], pa.string())
        return pa.MapArray.from_arrays(
            pa.array(offsets), words.take(pa.array(names[order])), pa.array(told[order])
        )

    def handoff(self, targets: pa.Array, modes: pa.Array) -> dict[str, pa.Array]:
        """Return targets and modes of handoffs: by a tool, else what nothing said, by name."""
        if self.kinds.handed_to.null_count < len(self.rows):
            by_tool = as_strings(self.kinds.handed_to.fill_null(b""))
            targets = pc.if_else(pc.equal(targets, ""), by_tool, targets)
            modes = pc.if_else(pc.equal(modes, ""), self.kinds.handed_how.fill_null(""), modes)
        return {"handoff_target": self.named_target(targets), "handoff_mode": modes}

    def named_target(self, targets: pa.Array) -> pa.Array:
        """Return the handoffs' targets, read from the span's name where nothing else says them."""
        handoff = self.kinds.among(frozenset({"handoff"}))
        names = self.text("SpanName")
        prefixed = pc.starts_with(names, mapping.HANDOFF_NAME_PREFIX)
        named = pc.and_(pc.and_(pa.array(handoff), prefixed), pc.equal(targets, ""))
        if not pc.any(named).as_py():
            return targets
        # Not binary_slice: without an end it fails on texts shorter than the start.
        rest = pc.replace_substring(names, mapping.HANDOFF_NAME_PREFIX, "", max_replacements=1)
        return pc.if_else(named, as_strings(rest), targets)

    def messages(self, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
        """Return from whom and to whom the messages of `mapping.MESSAGE_SPANS` are."""
        found = {}
        for scope, one in mapping.MESSAGE_SPANS.items():
            if not self.attributes.has([one.source]).any():
                continue
            here = pc.equal(self.text("ScopeName"), scope.encode())
            here = pc.and_(here, pc.equal(columns["kind"], "message"))
            for name, key in (("message_source", one.source), ("message_target", one.target)):
                told = pc.struct_field(pc.extract_regex(self.attributes.text(key), one.name), [0])
                unsaid = pc.and_(here, pc.equal(columns[name], ""))
                found[name] = pc.if_else(
                    unsaid, as_strings(told.fill_null(b"").cast(pa.binary())), columns[name]
                )
        return found

    def langfuse(
        self, columns: dict[str, pa.Array], in_buckets: dict[str, pa.Array]
    ) -> dict[str, pa.Array]:
        """Return the columns that Langfuse tells within other texts, where nothing else did."""
        found = {
            name: pc.coalesce(columns[name], counts)
            for name, counts in in_buckets.items()
            if name in columns
        }
        failed = pc.equal(columns["status"], "Error")
        if (usd := buckets.cost_usd(self.attributes, failed)) is not None:
            found["cost_usd"] = pc.coalesce(columns["cost_usd"], usd)
        return found | buckets.called(columns)

    def cost(self, usd: pa.Array, source: pa.Array) -> dict[str, pa.Array]:
        """Return cost and source: only dollars count, and a cost without a source gets its own."""
        currency = self.attributes.text(semconv.GEN_AI_USAGE_COST_CURRENCY).fill_null(b"USD")
        usd = pc.if_else(pc.equal(currency, b"USD"), usd, pa.scalar(None, usd.type))
        sources = pc.coalesce(_renamed(source), self.default_cost_source(), pa.scalar("provider"))
        return {
            "cost_usd": usd,
            "cost_source": pc.if_else(usd.is_valid(), sources, ""),
        }

    def default_cost_source(self) -> pa.Array:
        """Return whose figure a cost without a source is, null where nothing tells."""
        found = pa.nulls(len(self.rows), pa.string())
        for name, source in reversed(mapping.LOCAL_COST_SOURCES.items()):
            found = pc.if_else(pa.array(self.attributes.has([name])), source, found)
        earlier = [
            one.key
            for one in mapping.BY_NAME["cost_usd"].sources
            if one.key not in mapping.LOCAL_COST_SOURCES
        ]
        told = pa.array(self.attributes.has(earlier))
        return pc.if_else(told, pa.scalar(None, pa.string()), found)


def _read(shape: str, texts: pa.Array) -> pa.Array:
    """Return the values that bytes, or nulls, stand for."""
    if shape == "text":
        return as_strings(texts.fill_null(b""))
    return _READERS[shape](texts)


@lru_cache(maxsize=16)
def _unsaid(shape: str, rows: int) -> pa.Array:
    """Return what spans are that say nothing: one array for all such columns of a batch."""
    value = _read(shape, pa.nulls(1, pa.binary()))[0]
    return pa.repeat(value, rows) if value.is_valid else pa.nulls(rows, value.type)


_EXCEPTION_TYPE: Final = "exception.type"


def _items(lists: pa.Array) -> tuple[pa.Array, Positions]:
    """Return all items of a list column and the row of each."""
    parents = np.asarray(pc.list_parent_indices(lists)).astype(np.int64)
    return lists.flatten(), parents


def _instants(column: pa.Array) -> pa.Array:
    """Return times in UTC, exact to the nanosecond, whatever unit and zone the column says."""
    if pa.types.is_timestamp(column.type) and column.type.unit != "ns":
        column = column.cast(pa.timestamp("ns", column.type.tz), safe=False)
    return column.cast(pa.int64()).fill_null(0).view(parse.INSTANT)


def _durations(column: pa.Array) -> pa.Array:
    """Return durations >= 0; the oldest tables have them signed."""
    if pa.types.is_unsigned_integer(column.type):
        return column.cast(pa.uint64()).fill_null(0)
    signed = np.asarray(column.cast(pa.int64()).fill_null(0))
    return pa.array(np.maximum(signed, 0).astype(np.uint64))


def _steers(error_types: pa.Array) -> pa.Array:
    """Return whether a type, with or without its module, is one of `mapping.NEVER_ERRORS`."""
    told = error_types.dictionary_encode()  # few, and none on most spans
    pattern = rf"(^|\.)({'|'.join(mapping.NEVER_ERRORS)})$"
    steers = pc.match_substring_regex(told.dictionary, pattern)
    return steers.take(told.indices).fill_null(False)


def _without_frameworks(providers: pa.Array) -> pa.Array:
    """Return the providers, '' for what is a framework's name."""
    known = pa.array(sorted(FRAMEWORK_PROVIDERS), pa.binary())
    framework = pc.is_in(pc.ascii_lower(providers).view(pa.binary()), value_set=known)
    return pc.if_else(framework, "", providers)


def _renamed(cost_sources: pa.Array) -> pa.Array:
    """Return cost sources in our words, null where there is none."""
    words: dict[str, Any] = mapping.COST_SOURCE_WORDS
    places = pc.index_in(cost_sources, value_set=pa.array(list(words)))
    return pa.array(words.values(), pa.string()).take(places)
