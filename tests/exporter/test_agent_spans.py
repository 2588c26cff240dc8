"""Normalising: what each convention says becomes one typed row, and no input can stop it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handspan import semconv
from handspan_exporter.columns import mapping
from handspan_exporter.columns.agent_spans import SCHEMA, agent_spans_table

if TYPE_CHECKING:
    from handspan_exporter.store.connection import Connection

_RECEIVED_NS = 1_795_000_000_000_000_000
_FAR_NS = 4_000_000_000_000_000_001
"""2096: the retention of the store keeps it, whenever the test runs."""
_ATTRIBUTES = pa.map_(pa.string(), pa.string())


@dataclass
class Span:
    """One row of `otel_traces`, as far as normalising looks at it."""

    attributes: dict[str, str] = field(default_factory=dict)
    name: str = "span"
    scope: str = ""
    status: str = "Unset"
    exceptions: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """Trace id and reason."""
    events: tuple[tuple[str, dict[str, str]], ...] = ()
    """Name and attributes, after the exceptions."""
    timestamp_ns: int = 1
    duration_ns: int = 2

    def all_events(self) -> list[tuple[str, dict[str, str]]]:
        """Return name and attributes of each event."""
        raised = [("exception", {"exception.type": one}) for one in self.exceptions]
        return [*raised, *self.events]


def traces(*spans: Span) -> pa.Table:
    """Return the spans as rows of `otel_traces`."""
    texts = {
        "TraceId": [f"{n:032x}" for n, _ in enumerate(spans)],
        "SpanId": [f"{n:016x}" for n, _ in enumerate(spans)],
        "ParentSpanId": [""] * len(spans),
        "SpanName": [span.name for span in spans],
        "ServiceName": ["svc"] * len(spans),
        "ScopeName": [span.scope for span in spans],
        "StatusCode": [span.status for span in spans],
        "StatusMessage": ["said"] * len(spans),
    }
    reasons = [[{semconv.LINK: why} for _, why in span.links] for span in spans]
    lists = pa.list_(_ATTRIBUTES)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in texts.items()}
        | {
            "Timestamp": pa.array([s.timestamp_ns for s in spans], pa.timestamp("ns")),
            "Duration": pa.array([s.duration_ns for s in spans], pa.uint64()),
            "SpanAttributes": pa.array([list(s.attributes.items()) for s in spans], _ATTRIBUTES),
            "Events.Timestamp": pa.array(
                [[s.timestamp_ns + 1 for _ in s.all_events()] for s in spans],
                pa.list_(pa.timestamp("ns")),
            ),
            "Events.Name": pa.array(
                [[name for name, _ in s.all_events()] for s in spans], pa.list_(pa.string())
            ),
            "Events.Attributes": pa.array(
                [[list(said.items()) for _, said in s.all_events()] for s in spans], lists
            ),
            "Links.TraceId": pa.array(
                [[trace for trace, _ in span.links] for span in spans], pa.list_(pa.string())
            ),
            "Links.SpanId": pa.array(
                [[f"{n:016x}" for n, _ in enumerate(span.links)] for span in spans],
                pa.list_(pa.string()),
            ),
            "Links.Attributes": pa.array([[list(r.items()) for r in rs] for rs in reasons], lists),
        }
    )


def normalised(*spans: Span) -> list[dict[str, Any]]:
    """Return the rows of `agent_spans` that the spans make."""
    rows: list[dict[str, Any]] = agent_spans_table(traces(*spans), _RECEIVED_NS).to_pylist()
    return rows


def row(**attributes: str) -> dict[str, Any]:
    """Return the one row of a span; a `__` in a name stands for a dot."""
    (found,) = normalised(Span({name.replace("__", "."): v for name, v in attributes.items()}))
    return found


def test_the_columns_are_those_of_the_table(connection: Connection) -> None:
    """The insert goes by name and order; a column that differs would be lost or refused."""
    found = connection.rows("DESCRIBE TABLE agent_spans")
    assert SCHEMA.names == [column["name"] for column in found]


def test_rows_of_every_shape_reach_the_table_unchanged(connection: Connection) -> None:
    """Types that ClickHouse reads as something else would show up only in a KPI."""
    spans = [
        Span(
            {
                semconv.KIND: "workflow",
                semconv.WORKFLOW_PLAN: '["a", "b"]',
                semconv.TASK_QUEUED_AT_NS: "1795000000123456789",
                semconv.COST_USD: "0.000123456789",
                semconv.GEN_AI_USAGE_INPUT_TOKENS: "9007199254740993",
                semconv.USAGE_PARTIAL: "true",
            },
            links=(("a" * 32, "resumes"), ("b" * 32, "rates")),
            timestamp_ns=_FAR_NS,
        ),
        Span({semconv.GEN_AI_OPERATION_NAME: "chat"}, timestamp_ns=_FAR_NS),
    ]
    table = agent_spans_table(traces(*spans), _RECEIVED_NS)
    connection.insert("agent_spans", table, token="one")  # noqa: S106 - not a password
    kept = connection.arrow("SELECT * FROM agent_spans ORDER BY span_id")
    assert kept.to_pylist() == table.to_pylist()
    assert kept["queued_at"][0].value == 1_795_000_000_123_456_789
    assert kept["resumes"][0].as_py() == ["a" * 32]


@pytest.mark.parametrize(
    "attributes",
    [
        {"http.request.method": "GET"},
        {semconv.AGENT_NAME: "a", semconv.WORKFLOW_NAME: "w", semconv.WORKFLOW_ID: "1"},
        {semconv.KIND: "no such kind"},
        {semconv.KIND: ""},
        {semconv.GEN_AI_AGENT_NAME: "a"},
        {"session.id": "s", "user.id": "u"},
    ],
)
def test_a_span_without_agent_work_makes_no_row(attributes: dict[str, str]) -> None:
    """Our processor names the agent on HTTP and database spans, too: that alone is no work."""
    assert normalised(Span(attributes, name="GET /chat")) == []


@pytest.mark.parametrize(
    ("attributes", "name", "kind", "convention"),
    [
        ({semconv.KIND: "handoff"}, "", "handoff", "handspan"),
        ({semconv.KIND: "drill"}, "", "chain", "handspan"),
        ({semconv.KIND: "task", semconv.GEN_AI_OPERATION_NAME: "chat"}, "", "task", "handspan"),
        ({semconv.GEN_AI_OPERATION_NAME: "chat"}, "", "llm", "otel"),
        ({semconv.GEN_AI_OPERATION_NAME: "invoke_agent"}, "", "agent", "otel"),
        ({semconv.GEN_AI_OPERATION_NAME: "upsert_memory"}, "", "memory", "otel"),
        ({semconv.GEN_AI_OPERATION_NAME: "somebody's own"}, "", "chain", "otel"),
        (
            {semconv.GEN_AI_OPERATION_NAME: "own", "openinference.span.kind": "TOOL"},
            "",
            "tool",
            "openinference",
        ),
        ({"openinference.span.kind": "RERANKER"}, "", "retrieval", "openinference"),
        ({"traceloop.span.kind": "task"}, "", "chain", "openllmetry"),
        ({"llm.request.type": "completion"}, "", "llm", "openllmetry"),
        ({semconv.GEN_AI_REQUEST_MODEL: "gpt-4o"}, "call", "llm", "otel"),
        ({"gen_ai.system": "openai"}, "embeddings small", "embedding", "otel"),
        ({semconv.GEN_AI_AGENT_NAME: "a"}, "invoke_agent a", "agent", "otel"),
        (
            {
                semconv.GEN_AI_OPERATION_NAME: "execute_tool",
                semconv.GEN_AI_TOOL_NAME: "transfer_to_x",
            },
            "",
            "tool",
            "otel",
        ),
        (
            {
                semconv.GEN_AI_OPERATION_NAME: "execute_tool",
                semconv.GEN_AI_TRANSFER_TARGET_NAME: "b",
            },
            "",
            "handoff",
            "otel",
        ),
        ({"openinference.span.kind": "TOOL"}, "handoff to b", "handoff", "openinference"),
    ],
)
def test_the_kind_is_what_the_first_known_convention_says(
    attributes: dict[str, str], name: str, kind: str, convention: str
) -> None:
    """All that follows, from runs to cost, stands on the kind."""
    (found,) = normalised(Span(attributes, name=name))
    assert (found["kind"], found["convention"]) == (kind, convention)


def test_a_framework_that_traces_itself_is_named() -> None:
    """Traps differ by framework: who reads the row must see whose words these are."""
    attributes = {semconv.GEN_AI_OPERATION_NAME: "chat"}
    own, others = normalised(
        Span(attributes, scope="pydantic-ai"), Span({semconv.KIND: "llm"}, scope="pydantic-ai")
    )
    assert (own["convention"], others["convention"]) == ("pydantic-ai", "handspan")


def test_names_come_from_attribution_but_own_names_win() -> None:
    """An agent started by another carries its caller's name as attribution at its start."""
    attribution = {semconv.AGENT_NAME: "outer", semconv.WORKFLOW_NAME: "outer flow"}
    agent, workflow, llm, other = normalised(
        Span(attribution | {semconv.KIND: "agent", semconv.GEN_AI_AGENT_NAME: "inner"}),
        Span(attribution | {semconv.KIND: "workflow", semconv.GEN_AI_WORKFLOW_NAME: "inner flow"}),
        Span(attribution | {semconv.KIND: "llm", semconv.GEN_AI_AGENT_NAME: "said by provider"}),
        Span({semconv.GEN_AI_OPERATION_NAME: "execute_tool", semconv.GEN_AI_AGENT_NAME: "user"}),
    )
    assert (agent["agent"], agent["workflow"]) == ("inner", "outer flow")
    assert (workflow["workflow"], workflow["agent"]) == ("inner flow", "outer")
    assert (llm["agent"], other["agent"]) == ("outer", "user")


def test_a_handoff_belongs_to_its_source() -> None:
    """The agent of a handoff is who gives away; without a source it is who was running."""
    told, running = normalised(
        Span(
            {
                semconv.KIND: "handoff",
                semconv.HANDOFF_SOURCE: "a",
                semconv.HANDOFF_TARGET: "b",
                semconv.HANDOFF_MODE: "pass_control",
                semconv.HANDOFF_TARGET_TYPE: "martian",
                semconv.HANDOFF_ARTIFACTS: '["draft", 1]',
                semconv.HANDOFF_PAYLOAD_BYTES: "12",
                semconv.AGENT_NAME: "other",
            }
        ),
        Span({"openinference.span.kind": "TOOL", semconv.AGENT_NAME: "a"}, name="handoff to b"),
    )
    assert [
        (one["agent"], one["handoff_source"], one["handoff_target"]) for one in (told, running)
    ] == [
        ("a", "a", "b"),
        ("a", "a", "b"),
    ]
    assert (told["handoff_mode"], told["handoff_target_type"]) == ("pass_control", "")
    assert (told["handoff_artifacts"], told["handoff_payload_bytes"]) == (["draft", "1"], 12)


@pytest.mark.parametrize("column", [c for c in mapping.COLUMNS if c.shape == "count"])
def test_every_alias_of_a_count_is_read_in_order(column: mapping.Column) -> None:
    """A forgotten alias is missing tokens; a wrong order is somebody else's number."""
    for place, source in enumerate(column.sources):
        later = {one.key: "1" for one in column.sources[place + 1 :]}
        (found,) = normalised(Span({semconv.KIND: "llm", source.key: "7"} | later))
        assert found[column.name] == 7


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("12", 12),
        ("12.0", 12),
        ("1e3", 1000),
        ("", None),
        ("12.5", None),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("0x10", None),
        ("1e99", None),
        ("99999999999999999999", None),
        ("many", None),
        ("\u0661", None),
    ],
)
def test_a_count_is_a_whole_number_or_unknown(text: str, count: int | None) -> None:
    """0 is known, a text is not: guessing would put a number into a KPI."""
    found = row(handspan__kind="llm", gen_ai__usage__input_tokens=text)
    assert found["input_tokens"] == count


@pytest.mark.parametrize(
    ("attributes", "usd", "source"),
    [
        ({semconv.COST_USD: "0.1", semconv.COST_SOURCE: "genai-prices"}, "0.1", "genai-prices"),
        ({semconv.COST_USD: "0"}, "0", "provider"),
        ({semconv.COST_USD: "1.23e-05"}, "0.0000123", "provider"),
        ({semconv.COST_USD: "-1"}, None, ""),
        ({semconv.COST_USD: "nan"}, None, ""),
        ({semconv.COST_USD: "1000000"}, None, ""),
        ({semconv.COST_SOURCE: "provider"}, None, ""),
        ({"operation.cost": "0.5"}, "0.5", "genai-prices"),
        ({"gen_ai.usage.cost": "0.5"}, "0.5", "custom"),
        ({"gen_ai.usage.cost": "0.5", "llm.cost.total": "0.25"}, "0.25", "provider"),
        (
            {semconv.GEN_AI_USAGE_COST_AMOUNT: "2", semconv.GEN_AI_USAGE_COST_SOURCE: "local"},
            "2",
            "custom",
        ),
        (
            {semconv.GEN_AI_USAGE_COST_AMOUNT: "2", semconv.GEN_AI_USAGE_COST_CURRENCY: "EUR"},
            None,
            "",
        ),
    ],
)
def test_a_cost_is_kept_only_as_reported(
    attributes: dict[str, str], usd: str | None, source: str
) -> None:
    """Euros as dollars, or a list price as the provider's own figure, would be false."""
    (found,) = normalised(Span({semconv.KIND: "llm"} | attributes))
    assert found["cost_usd"] == (None if usd is None else Decimal(usd))
    assert found["cost_source"] == source


def test_a_frameworks_name_is_no_provider() -> None:
    """Strands writes itself where the provider belongs: nobody could be paid under that name."""
    found = row(gen_ai__operation__name="chat", gen_ai__system="Strands-Agents")
    assert found["provider"] == ""
    assert row(gen_ai__operation__name="chat", gen_ai__system="openai")["provider"] == "openai"


@pytest.mark.parametrize(
    ("span", "status", "error_type"),
    [
        (Span(status="Error"), "Error", ""),
        (Span({semconv.ERROR_TYPE: "Timeout"}, status="Error"), "Error", "Timeout"),
        (Span(status="Error", exceptions=("First", "Last")), "Error", "Last"),
        (Span({semconv.ERROR_TYPE: "_OTHER"}, status="Error", exceptions=("E",)), "Error", "E"),
        (Span({semconv.ERROR_TYPE: "_OTHER"}, status="Error"), "Error", "_OTHER"),
        (Span(status="Ok", exceptions=("Handled",)), "Ok", ""),
        (Span(status="STATUS_CODE_ERROR"), "Error", ""),
        (Span(status="nonsense"), "Unset", ""),
        (Span({semconv.ERROR_TYPE: "langgraph.errors.ParentCommand"}, status="Error"), "Unset", ""),
        (Span(status="Error", exceptions=("pydantic_ai.ApprovalRequired",)), "Unset", ""),
        (Span({semconv.ERROR_TYPE: "MyParentCommand"}, status="Error"), "Error", "MyParentCommand"),
        (
            Span({semconv.WORKFLOW_OUTCOME: "cancelled", semconv.ERROR_TYPE: "E"}, status="Error"),
            "Unset",
            "",
        ),
    ],
)
def test_an_error_is_one_only_when_something_went_wrong(
    span: Span, status: str, error_type: str
) -> None:
    """LangGraph hands control over by raising: counted as failures, success ratios are wrong."""
    span.attributes[semconv.KIND] = "workflow"
    (found,) = normalised(span)
    assert (found["status"], found["error_type"]) == (status, error_type)


def test_an_event_that_is_agent_work_is_a_row_below_its_span() -> None:
    """A fault or a budget that lasts no time is an event: facts must find it like any span."""
    fault = {semconv.FAULT_ID: "f1", semconv.FAULT_TARGET: "search", semconv.FAULT_INJECTED: "true"}
    span, *events = normalised(
        Span(
            {semconv.KIND: "tool", semconv.AGENT_NAME: "a", semconv.WORKFLOW_ID: "w1"},
            exceptions=("Handled",),
            events=((semconv.EVENT_FAULT, fault), ("other", {semconv.KIND: "llm"})),
            timestamp_ns=10,
        )
    )
    (event,) = events
    assert (event["kind"], event["parent_span_id"]) == ("fault", span["span_id"])
    assert (event["span_id"], event["trace_id"]) == (f"{span['span_id']}.1", span["trace_id"])
    assert (event["duration_ns"], event["service"], event["status"]) == (0, "svc", "Unset")
    assert (event["fault_id"], event["fault_target"], event["fault_injected"]) == (
        "f1",
        "search",
        True,
    )
    assert (event["agent"], event["workflow_id"]) == ("a", "w1")


def test_an_event_on_a_span_of_others_is_a_row_and_that_span_is_none() -> None:
    """A budget may be exceeded while only an HTTP span is open."""
    said = {semconv.BUDGET_STATE: "exceeded", semconv.BUDGET_LIMIT_USD: "0.5"}
    (event,) = normalised(
        Span({semconv.AGENT_NAME: "a"}, name="GET", events=((semconv.EVENT_BUDGET, said),))
    )
    assert (event["kind"], event["agent"], event["budget_state"]) == ("budget", "a", "exceeded")
    assert event["budget_limit_usd"] == Decimal("0.5")


def test_a_span_named_as_an_event_is_of_its_kind() -> None:
    """Where nothing was recording there is a span without length instead of the event."""
    (found,) = normalised(
        Span({semconv.METRIC_NAME: "turns", semconv.METRIC_VALUE: "-2.5"}, semconv.EVENT_METRIC)
    )
    assert (found["kind"], found["metric"], found["metric_value"]) == ("metric", "turns", -2.5)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("true", True), ("1", True), ("false", False), ("0", False), ("maybe", None), ("", None)],
)
def test_a_yes_or_no_that_nobody_said_is_unknown(text: str, answer: bool | None) -> None:  # noqa: FBT001
    """A recovery that says nothing has not failed."""
    found = row(handspan__kind="recovery", handspan__recovery__success=text)
    assert found["recovery_success"] is answer


def test_a_rating_names_the_span_that_it_rates() -> None:
    """It may come days later, in a trace of its own."""
    (found,) = normalised(
        Span({semconv.KIND: "rating"}, links=(("a" * 32, "resumes"), ("b" * 32, "rates")))
    )
    assert (found["rates_trace_id"], found["rates_span_id"]) == ("b" * 32, f"{1:016x}")
    assert found["resumes"] == ["a" * 32]


def test_a_conversation_is_a_session_only_in_openinference() -> None:
    """There `session.id` is the conversation; in ours it is the user's session."""
    own = row(handspan__kind="workflow", session__id="s")
    theirs = row(openinference__span__kind="CHAIN", session__id="s")
    assert (own["session_id"], own["conversation_id"]) == ("s", "")
    assert (theirs["session_id"], theirs["conversation_id"]) == ("s", "s")


def test_of_a_name_given_twice_the_first_value_counts() -> None:
    """ClickHouse reads a map that way: raw table and typed table must not differ."""
    twice = pa.array([[(semconv.KIND, "llm"), (semconv.KIND, "tool")]], _ATTRIBUTES)
    table = with_attributes(traces(Span()), twice)
    assert agent_spans_table(table, _RECEIVED_NS)["kind"].to_pylist() == ["llm"]


_TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", "0", "1", "-1", "12.0", "1e999", "nan", "9" * 19, "9" * 400, "true"]),
    st.sampled_from(
        ['["a", 1, null, {"b": [2]}]', "[", '["\\ud800"]', "[" * 9000, "[" + "1" * 5000]
    ),
    st.sampled_from(sorted({word for column in mapping.COLUMNS for word in column.words})),
)
_KEYS = st.one_of(st.sampled_from(mapping.names()), st.text(max_size=8))
_SPECIAL = st.fixed_dictionaries(
    {},
    optional={rule.key: st.sampled_from([*rule.kinds, "x", ""]) for rule in mapping.KIND_RULES},
)
_SPANS = st.lists(
    st.builds(
        Span,
        attributes=st.builds(dict[str, str].__or__, st.dictionaries(_KEYS, _TEXTS), _SPECIAL),
        name=st.one_of(_TEXTS, st.sampled_from(["handoff to b", "chat x", "plan"])),
        scope=st.sampled_from(["", *mapping.NATIVE_SCOPES]),
        status=st.sampled_from(["Unset", "Ok", "Error", ""]),
        exceptions=st.lists(_TEXTS, max_size=2).map(tuple),
        links=st.lists(
            st.tuples(_TEXTS, st.sampled_from(["resumes", "rates", "x"])), max_size=2
        ).map(tuple),
        events=st.lists(
            st.tuples(
                st.sampled_from([*mapping.EVENT_KINDS, "other", ""]),
                st.dictionaries(_KEYS, _TEXTS, max_size=3),
            ),
            max_size=2,
        ).map(tuple),
        timestamp_ns=st.integers(-(2**63) + 1, 2**63 - 2),
        duration_ns=st.integers(0, 2**64 - 1),
    ),
    max_size=5,
)


def as_lists(table: pa.Table) -> list[list[Any]]:
    """Return all columns but the ids as Arrow scalars, which compare any instant, too.

    Rows of spans come first, then those of events: a batch yields them one after the other.
    """
    names = [name for name in table.column_names if not name.endswith("_id") or name == "user_id"]
    is_event = ["." in span_id for span_id in table["span_id"].to_pylist()]
    order = sorted(range(len(is_event)), key=is_event.__getitem__)
    return [[table[name][place] for place in order] for name in names]


@settings(deadline=None)
@given(spans=_SPANS)
def test_every_span_is_normalised_alone_as_it_is_in_any_batch(spans: list[Span]) -> None:
    """What a span means must not depend on its neighbours, and no span may stop a batch."""
    together = agent_spans_table(traces(*spans), _RECEIVED_NS)
    alone = [agent_spans_table(traces(span), _RECEIVED_NS) for span in spans]
    assert together.schema == SCHEMA
    assert as_lists(together) == as_lists(pa.concat_tables([SCHEMA.empty_table(), *alone]))


@settings(deadline=None)
@given(spans=_SPANS, before=_SPANS, size=st.integers(1, 4))
def test_slices_chunks_and_encodings_of_a_table_change_nothing(
    spans: list[Span], before: list[Span], size: int
) -> None:
    """The receiver, a rebuild and another exporter's table come in different Arrow clothes."""
    whole = agent_spans_table(traces(*spans), _RECEIVED_NS)
    sliced = traces(*before, *spans).slice(len(before))
    chunked = pa.Table.from_batches(sliced.to_batches(max_chunksize=size), sliced.schema)
    assert as_lists(agent_spans_table(chunked, _RECEIVED_NS)) == as_lists(whole)
    assert as_lists(agent_spans_table(encoded(chunked), _RECEIVED_NS)) == as_lists(whole)


def encoded(table: pa.Table) -> pa.Table:
    """Return the table with bytes, large and dictionary-encoded texts, and zoned times."""
    name = pa.dictionary(pa.int32(), pa.string())
    types = {
        "SpanName": name,
        "ServiceName": name,
        "StatusCode": name,
        "ScopeName": pa.large_string(),
        "StatusMessage": pa.binary(),
        "Timestamp": pa.timestamp("ns", "UTC"),
        "SpanAttributes": pa.map_(pa.binary(), pa.large_string()),
    }
    fields = [field_.with_type(types.get(field_.name, field_.type)) for field_ in table.schema]
    return table.cast(pa.schema(fields))


@settings(deadline=None)
@given(spans=_SPANS)
def test_texts_are_what_reading_the_mapping_span_by_span_gives(spans: list[Span]) -> None:
    """The kernels take the whole batch at once; the mapping's meaning is this plain loop."""
    table = agent_spans_table(traces(*spans), _RECEIVED_NS)
    by_span = {one["span_id"]: one for one in table.select(_PLAIN).to_pylist()}
    for number, span in enumerate(spans):
        found = by_span.get(f"{number:016x}")
        for column in mapping.COLUMNS if found else ():
            if found and column.name in _PLAIN:
                called = found["convention"] == mapping.LANGFUSE and mapping.CALLED.get(
                    found["kind"]
                )
                own = span.name if called == column.name else ""
                assert found[column.name] == (plain_text(span, column, found) or own)


_PLAIN = [
    "span_id",
    "kind",
    "convention",
    *(
        column.name
        for column in mapping.COLUMNS
        if column.shape == "text"
        and column.name not in ("cost_source", "provider", "handoff_target")
    ),
]


def plain_text(span: Span, column: mapping.Column, found: dict[str, Any]) -> str:
    """Return a text column's value by the words of mapping.py: the first source that counts."""
    for source in column.sources:
        counts = not source.kinds or found["kind"] in source.kinds
        counts = counts and (not source.own_only or found["convention"] == source.convention)
        text = span.attributes.get(source.key, "")
        if counts and text:
            return text if not column.words or text in column.words else ""
    return ""


def test_texts_that_are_not_utf8_pass_unchanged(connection: Connection) -> None:
    """Another exporter may have stored any bytes; they must not stop attach mode."""
    names = (semconv.GEN_AI_WORKFLOW_NAME, semconv.WORKFLOW_PLAN, semconv.ATTEMPT)
    items = [(semconv.KIND.encode(), b"workflow"), *((name.encode(), b"\xff") for name in names)]
    attributes = pa.array([items], pa.map_(pa.binary(), pa.binary()))
    table = with_attributes(traces(Span(timestamp_ns=_FAR_NS)), attributes)
    found = agent_spans_table(table, _RECEIVED_NS)
    connection.insert("agent_spans", found, token="one")  # noqa: S106 - not a password
    (kept,) = connection.rows(
        "SELECT hex(workflow) AS workflow, hex(workflow_plan[1]) AS plan, attempt FROM agent_spans"
    )
    assert kept == {"workflow": "FF", "plan": "FF", "attempt": 0}


def test_nulls_where_the_table_has_none_are_read_as_empty() -> None:
    """Arrow can say null for what ClickHouse never holds; a rebuild from files may."""
    kept = traces(Span({semconv.KIND: "llm"}))
    nulls = pa.table({name: pa.nulls(1, kept[name].type) for name in kept.column_names})
    assert agent_spans_table(nulls, _RECEIVED_NS).num_rows == 0
    (found,) = agent_spans_table(
        with_attributes(nulls, kept["SpanAttributes"]), _RECEIVED_NS
    ).to_pylist()
    assert (found["name"], found["duration_ns"], found["resumes"]) == ("", 0, [])


def with_attributes(table: pa.Table, attributes: pa.Array) -> pa.Table:
    """Return the table with other span attributes."""
    place = table.schema.get_field_index("SpanAttributes")
    return table.set_column(place, "SpanAttributes", attributes)


@pytest.mark.parametrize(
    ("told", "tokens"),
    [
        ('{"input": 120, "output": 15}', (120, 15, None, None, None)),
        (
            '{"input": 150, "output": 20, "cache_read_input_tokens": 50, "output_reasoning": 10}',
            (200, 30, 50, None, 10),
        ),
        (
            '{"input":150,"output":20,"total":220,"input_cache_read":45,"input_cache_creation":5}',
            (200, 20, 45, 5, None),
        ),
        (
            '{"input": 200, "output": 20, "total": 220, "input_cached_tokens": 50}',
            (200, 20, 50, None, None),
        ),
        (
            (
                '{"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, '
                '"prompt_tokens_details": {"cached_tokens": 3}, '
                '"completion_tokens_details": {"reasoning_tokens": 2}}'
            ),
            (9, 4, 3, None, 2),
        ),
        ('{"output": 4}', (None, 4, None, None, None)),
        ("no JSON at all", (None, None, None, None, None)),
        ('{"input": -1, "output": 99999999999999999999}', (None, None, None, None, None)),
    ],
)
def test_buckets_of_langfuse_become_tokens_with_their_parts_in_them(
    told: str, tokens: tuple[int | None, ...]
) -> None:
    """Beside each other there, part of each other here: by a wrong rule the cost is wrong."""
    found = row(langfuse__observation__type="generation", langfuse__observation__usage_details=told)
    names = ("input", "output", "cache_read", "cache_write", "reasoning")
    assert tuple(found[f"{name}_tokens"] for name in names) == tokens
    assert (found["kind"], found["convention"]) == ("llm", "langfuse")


@pytest.mark.parametrize(
    ("told", "tokens"),
    [
        (
            (
                '{"input": 100, "output": 20, "cache_creation_input_tokens": 30, '
                '"cache_creation_ephemeral_5m_input_tokens": 10, '
                '"cache_creation_ephemeral_1h_input_tokens": 20}'
            ),
            (130, 30, [("cache_write_1h", 20)]),
        ),
        (
            (
                '{"input": 100, "output": 20, "total": 157, "input_cache_read": 7, '
                '"input_cache_creation": 0, "input_ephemeral_5m_input_tokens": 10, '
                '"input_ephemeral_1h_input_tokens": 20}'
            ),
            (137, 30, [("cache_write_1h", 20)]),
        ),
        (
            '{"input": 100, "output": 20, "input_ephemeral_5m_input_tokens": 10}',
            (110, 10, []),
        ),
        ('{"input": 100, "output": 20, "input_cache_creation": 30}', (130, 30, [])),
    ],
)
def test_langfuse_tells_what_was_written_for_an_hour(
    told: str, tokens: tuple[int, int, list[tuple[str, int]]]
) -> None:
    """As Anthropic tells it, and as langchain-anthropic does, which makes the sum 0."""
    found = row(langfuse__observation__type="generation", langfuse__observation__usage_details=told)
    names = ("input_tokens", "cache_write_tokens", "modality_tokens")
    assert tuple(found[name] for name in names) == tokens


@pytest.mark.parametrize(
    "name",
    [
        "handspan__usage__cache_write_1h_tokens",
        "gen_ai__usage__cache_creation__ephemeral_1h_input_tokens",
        "gen_ai__usage__details__ephemeral_1h_input_tokens",
        "gen_ai__usage__details__cache_write_1h_tokens",
    ],
)
def test_what_was_written_for_an_hour_has_a_name_in_each_convention(name: str) -> None:
    """Ours, OpenLLMetry's and two of pydantic-ai: it costs more than other writes."""
    found = row(gen_ai__operation__name="chat", **{name: "20"})
    assert found["modality_tokens"] == [("cache_write_1h", 20)]


def test_what_a_span_says_in_standard_names_wins_over_langfuses_buckets() -> None:
    """Both may stand on one span; the bucket may be in another unit."""
    found = row(
        langfuse__observation__type="generation",
        langfuse__observation__usage_details='{"input": 7, "output": 3}',
        gen_ai__usage__input_tokens="11",
    )
    assert (found["input_tokens"], found["output_tokens"]) == (11, 3)


@pytest.mark.parametrize(
    ("told", "status", "usd"),
    [
        ('{"input": 0.1, "output": 0.2, "total": 0.3}', "Unset", Decimal("0.3")),
        ('{"total": 0}', "Unset", Decimal(0)),
        ('{"total": 0}', "Error", None),
        ('{"total": 1.5e-05}', "Error", Decimal("0.000015")),
        ('{"input": 0.1}', "Unset", None),
        ('{"total": 1.2.3}', "Unset", None),
    ],
)
def test_a_total_of_langfuse_is_a_cost(told: str, status: str, usd: Decimal | None) -> None:
    """Its handler for LangChain writes 0 on calls that failed: that is no price."""
    said = {"langfuse.observation.type": "generation", "langfuse.observation.cost_details": told}
    (found,) = normalised(Span(said, status=status))
    assert found["cost_usd"] == usd
    assert found["cost_source"] == ("" if usd is None else "provider")


def test_observations_of_langfuse_are_what_they_say_under_their_names() -> None:
    """The name of the span is the only place where an agent or a tool is called anything."""
    scope = "langfuse-sdk"
    outermost = {"langfuse.internal.is_app_root": "true"}
    spans = [
        Span({"langfuse.observation.type": kind} | more, name=name, scope=scope)
        for kind, name, more in [
            ("chain", "support", outermost),
            ("span", "support", outermost | {"langfuse.trace.name": "tickets"}),
            ("agent", "triage", outermost | {"session.id": "s1"}),
            ("tool", "search", {}),
            ("chain", "step", {}),
            ("guardrail", "no secrets", {}),
        ]
    ]
    told = [(one["kind"], one["workflow"], one["agent"], one["tool"]) for one in normalised(*spans)]
    assert told == [
        ("workflow", "support", "", ""),
        ("workflow", "tickets", "", ""),
        ("agent", "", "triage", ""),
        ("tool", "", "", "search"),
        ("chain", "", "", ""),
        ("validation", "", "", ""),
    ]
    assert normalised(*spans)[2]["conversation_id"] == "s1"
    assert normalised(*spans)[5]["validation"] == "no secrets"


def test_runs_of_langsmith_are_what_they_are_not_what_their_operation_says() -> None:
    """Its operation of a prompt is `chat`: as a call it would be one that nobody can price."""
    hands_over = {"gen_ai.tool.name": "ask", "langsmith.metadata.__handoff_destination": "refund"}
    spans = [
        Span(
            {"langsmith.span.kind": kind, "gen_ai.operation.name": operation} | more,
            name=name,
            scope="langsmith",
        )
        for kind, operation, name, more in [
            ("llm", "chat", "ChatOpenAI", {}),
            ("prompt", "chat", "ChatPromptTemplate", {}),
            ("retriever", "embeddings", "Retriever", {}),
            ("chain", "chain", "triage", {"langsmith.metadata.lc_agent_name": "triage"}),
            ("chain", "chain", "model", {"langsmith.metadata.lc_agent_name": "triage"}),
            ("chain", "invoke_agent", "triage", {}),
            ("tool", "execute_tool", "refund", {}),
            ("tool", "execute_tool", "ask", hands_over),
        ]
    ]
    found = normalised(*spans)
    kinds = ["llm", "chain", "retrieval", "agent", "chain", "agent", "tool", "handoff"]
    assert [one["kind"] for one in found] == kinds
    assert {one["convention"] for one in found} == {"langsmith"}
    assert [one["agent"] for one in found[3:5]] == ["triage"] * 2
    assert (found[-1]["handoff_target"], found[-1]["handoff_mode"]) == ("refund", "pass_control")


@pytest.mark.parametrize(
    ("told", "tokens"),
    [
        (
            (
                '{"input_tokens":200,"output_tokens":30,"total_tokens":230,'
                '"input_token_details":{"audio":3,"cache_read":50},'
                '"output_token_details":{"audio":4,"reasoning":10}}'
            ),
            (50, None, 10, [("input_audio", 3), ("output_audio", 4)]),
        ),
        (
            (
                '{"input_tokens":200,"output_tokens":30,"input_token_details":{"cache_read":0,'
                '"cache_creation":0,"ephemeral_5m_input_tokens":10,'
                '"ephemeral_1h_input_tokens":20}}'
            ),
            (0, 30, None, [("cache_write_1h", 20)]),
        ),
        ('{"output_token_details":{"audio":4}}', (None, None, None, [("output_audio", 4)])),
        ('{"input_token_details":null}', (None, None, None, [])),
        ('{"input_token_details":{"cache_read":-1}}', (None, None, None, [])),
    ],
)
def test_details_of_langsmith_become_tokens(told: str, tokens: tuple[object, ...]) -> None:
    """Parts of input and output, as here; without them what was cached costs the full price."""
    found = row(
        langsmith__span__kind="llm",
        gen_ai__usage__input_tokens="200",
        langsmith__metadata__usage_metadata=told,
    )
    names = ("cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "modality_tokens")
    assert tuple(found[name] for name in names) == tokens
    assert found["input_tokens"] == 200


def test_langsmith_guesses_a_provider_by_the_models_name_beside_the_true_one() -> None:
    """Azure sells the same model under the same name."""
    guess = {"gen_ai__system": "openai", "gen_ai__request__model": "gpt-4o"}
    told = row(langsmith__span__kind="llm", langsmith__metadata__ls_provider="azure", **guess)
    assert told["provider"] == "azure"
    assert row(langsmith__span__kind="llm", **guess)["provider"] == "openai"


@pytest.mark.parametrize(
    ("message", "scope", "error_type", "status"),
    [
        ("ParentCommand(Command(goto='refund'))Traceback", "langsmith", "", "Unset"),
        ("GraphInterrupt((Interrupt(value='may I?'),))", "langsmith", "", "Unset"),
        ("BankDown('ParentCommand(')Traceback", "langsmith", "BankDown", "Error"),
        ("Cancelled", "langsmith", "Exception", "Error"),
        ("ParentCommand(Command(goto='refund'))", "another", "Exception", "Error"),
    ],
)
def test_exceptions_of_langsmith_are_told_by_their_message(
    message: str, scope: str, error_type: str, status: str
) -> None:
    """All are of the type `Exception`; what hands over in LangGraph must not count as a failure."""
    raised = ("exception", {"exception.type": "Exception", "exception.message": message})
    said = {"langsmith.span.kind": "tool"}
    (found,) = normalised(Span(said, scope=scope, status="Error", events=(raised,)))
    assert (found["error_type"], found["status"]) == (error_type, status)
