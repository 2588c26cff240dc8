"""Model calls inside a budget that other instrumentations record: each counted once.

Spans as OpenInference, OpenLLMetry and the GenAI conventions write them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import StatusCode

import handspan
from handspan import calls, semconv, settings
from handspan.record import BudgetExceeded, tracer
from handspan_exporter.columns import mapping

if TYPE_CHECKING:
    from handspan.testing import Spans

MILLION = 1_000_000
CALLS: dict[str, dict[str, Any]] = {
    "otel": {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4o",
        "gen_ai.usage.input_tokens": MILLION,
        "gen_ai.usage.output_tokens": 0,
    },
    "openinference": {
        "openinference.span.kind": "LLM",
        "llm.provider": "openai",
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": MILLION,
        "llm.token_count.completion": 0,
    },
    "langfuse": {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.usage_details": f'{{"input": {MILLION}, "output": 0}}',
    },
    "langsmith": {
        "langsmith.span.kind": "llm",
        "gen_ai.operation.name": "chat",
        "langsmith.metadata.ls_provider": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": MILLION,
        "gen_ai.usage.output_tokens": 0,
    },
    "openllmetry": {
        "llm.request.type": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.prompt_tokens": str(MILLION),
        "gen_ai.usage.completion_tokens": "0",
    },
}
GPT_4O_USD = 2.5


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the defaults."""
    monkeypatch.setattr(settings, "_current", settings.from_environment({}))


@pytest.mark.parametrize("convention", CALLS)
def test_a_call_of_any_convention_counts(handspan_spans: Spans, convention: str) -> None:
    """Who traces a framework with another instrumentation still spends money."""
    foreign = handspan_spans.tracer(convention)
    with handspan.workflow("support"), handspan.budget(10) as budget:
        with foreign.start_as_current_span("call", attributes=CALLS[convention]):
            pass
        with foreign.start_as_current_span("GET"):
            pass
    assert (budget.used_usd, budget.unpriced_calls) == (GPT_4O_USD, 0)


@pytest.mark.parametrize(
    "told",
    [
        {
            "gen_ai.usage.input_tokens": MILLION,
            "gen_ai.usage.cache_creation.input_tokens": MILLION,
            "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens": str(MILLION),
        },
        {
            "langfuse.observation.usage_details": (
                '{"input": 0, "output": 0, "input_cache_creation": 0,'
                f' "input_ephemeral_1h_input_tokens": {MILLION}}}'
            )
        },
    ],
)
def test_what_others_write_to_a_cache_for_an_hour_is_paid(
    handspan_spans: Spans, told: dict[str, Any]
) -> None:
    """A budget that takes it for a write of five minutes stops at 1.6 times its limit."""
    claude: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.response.model": "claude-opus-4-5",
        "gen_ai.usage.output_tokens": 0,
    }
    with handspan.budget(100) as budget:
        handspan_spans.tracer("x").start_span("call", attributes=claude | told).end()
    assert (budget.used_usd, budget.unpriced_calls) == (10, 0)


def test_a_call_that_tells_its_cost_is_believed(handspan_spans: Spans) -> None:
    """The provider knows discounts."""
    with handspan.budget(10) as budget:
        told = {**CALLS["openinference"], "llm.cost.total": 0.5}
        handspan_spans.tracer("x").start_span("call", attributes=told).end()
    assert budget.used_usd == 0.5


def test_a_call_that_two_record_counts_once(handspan_spans: Spans) -> None:
    """Ours around the client's, or two instrumentors: dd-trace-js#8936 counted 2.2 times."""
    foreign = handspan_spans.tracer("openinference")
    with handspan.budget(10) as budget, handspan.llm("gpt-4o", provider="openai") as call:
        with (
            foreign.start_as_current_span("wrapper"),
            foreign.start_as_current_span("call", attributes=CALLS["openinference"]),
        ):
            handspan_spans.tracer("http").start_span("POST").end()
        call.usage(input_tokens=MILLION, output_tokens=0)
    assert (budget.used_usd, budget.unpriced_calls) == (GPT_4O_USD, 0)


def test_an_inner_call_without_usage_leaves_the_outer_one_to_tell(handspan_spans: Spans) -> None:
    """A client's span may know nothing of tokens where the framework's does."""
    bare = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}
    with handspan.budget(10) as budget, handspan.llm("gpt-4o", provider="openai") as call:
        handspan_spans.tracer("x").start_span("call", attributes=bare).end()
        call.usage(input_tokens=MILLION, output_tokens=0)
    assert (budget.used_usd, budget.unpriced_calls) == (GPT_4O_USD, 0)


def test_agents_that_repeat_usage_do_not_count(handspan_spans: Spans) -> None:
    """strands#3602: the container's 600 tokens are the children's 300, told twice."""
    foreign = handspan_spans.tracer("strands")
    agent = {**CALLS["otel"], "gen_ai.operation.name": "invoke_agent"}
    with (
        handspan.budget(10) as budget,
        foreign.start_as_current_span("invoke_agent a", attributes=agent),
    ):
        foreign.start_span("chat", attributes=CALLS["otel"]).end()
    assert budget.used_usd == GPT_4O_USD


def test_sums_that_only_an_agent_tells_are_for_the_service(handspan_spans: Spans) -> None:
    """They come when the agent ends, too late to stop it, and from frameworks that tell twice."""
    agent = {**CALLS["otel"], "gen_ai.operation.name": "invoke_agent"}
    with handspan.budget(10) as budget:
        handspan_spans.tracer("x").start_span("invoke_agent a", attributes=agent).end()
    assert (budget.used_usd, budget.unpriced_calls) == (0, 0)


def test_what_has_no_price_is_counted_as_such_and_failures_are_not(handspan_spans: Spans) -> None:
    """Unknown is not free; a call that was refused cost nothing."""
    unknown = {**CALLS["otel"], "gen_ai.response.model": "no-such-model"}
    with handspan.budget(10) as budget:
        foreign = handspan_spans.tracer("x")
        foreign.start_span("call", attributes=unknown).end()
        refused = foreign.start_span("call", attributes=unknown)
        refused.set_status(StatusCode.ERROR)
        refused.end()
    assert (budget.used_usd, budget.unpriced_calls) == (0, 1)


def test_a_budget_stops_before_the_next_call_of_ours(handspan_spans: Spans) -> None:
    """Spent by whomever: the pot is one."""
    with handspan.budget(3, stop=True):
        handspan_spans.tracer("x").start_span("call", attributes=CALLS["otel"]).end()
        with pytest.raises(BudgetExceeded), handspan.llm("gpt-4o"):
            raise AssertionError("the call was made")


def test_a_call_counts_where_it_began(handspan_spans: Spans) -> None:
    """A stream may be read to its end when the block is long left; others' calls do not count."""
    foreign = handspan_spans.tracer("x")
    outside = foreign.start_span("call", attributes=CALLS["otel"])
    with handspan.budget(10) as outer, handspan.budget(5) as inner:
        late = foreign.start_span("call", attributes=CALLS["otel"])
    outside.end()
    late.end()
    assert (outer.used_usd, inner.used_usd) == (GPT_4O_USD, GPT_4O_USD)


@pytest.mark.usefixtures("handspan_spans")
def test_calls_count_although_a_provider_lies_where_a_dead_one_lay() -> None:
    """What was added to a provider may outlive it, in a circle that is not collected yet."""
    outlived: list[SpanProcessor] = []

    class Short(TracerProvider):
        def add_span_processor(self, span_processor: SpanProcessor) -> None:
            super().add_span_processor(span_processor)
            outlived.append(span_processor)

    for _ in range(20):
        provider = Short(shutdown_on_exit=False)
        tracer.use_provider(provider, completing=False)
        with handspan.budget(10) as budget:
            provider.get_tracer("x").start_span("call", attributes=CALLS["otel"]).end()
        assert budget.used_usd == GPT_4O_USD
        del provider


def test_the_names_are_those_that_the_service_reads() -> None:
    """One fact in two programs: whoever changes one changes the other."""
    columns = mapping.BY_NAME
    read = {
        semconv.GEN_AI_PROVIDER_NAME: "provider",
        semconv.GEN_AI_RESPONSE_MODEL: "model",
        semconv.GEN_AI_USAGE_INPUT_TOKENS: "input_tokens",
        semconv.GEN_AI_USAGE_OUTPUT_TOKENS: "output_tokens",
        semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: "cache_read_tokens",
        semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: "cache_write_tokens",
        semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: "reasoning_tokens",
        **{column.sources[0].key: column.name for column in mapping.MODALITIES},
    }
    assert {
        ours: tuple(source.key for source in columns[name].sources) for ours, name in read.items()
    } == calls.NAMES
    assert tuple(source.key for source in columns["cost_usd"].sources) == calls.COSTS
    assert {ours: mapping.BUCKETS[read[ours]] for ours in calls.BUCKETS} == calls.BUCKETS
    assert len(calls.BUCKETS) == len(mapping.BUCKETS)
    assert {read[o]: names for o, names in calls.BUCKETS_ADDED.items()} == mapping.BUCKETS_ADDED
    assert {
        read[ours]: tuple(read[other] for other in beside)
        for ours, beside in calls.BUCKETS_BESIDE.items()
    } == mapping.BUCKETS_BESIDE
    assert {read[o]: n for o, n in calls.BUCKETS_INCLUSIVE.items()} == mapping.BUCKETS_INCLUSIVE
    assert {read[ours]: name for ours, name in calls.USAGE.items()} == mapping.USAGE
    assert {read[o]: names for o, names in calls.USAGE_ADDED.items()} == mapping.USAGE_ADDED
    assert calls.USAGE_KEY == mapping.USAGE_KEY
    assert (calls.BUCKETS_KEY, calls.COST_KEY) == (mapping.BUCKETS_KEY, mapping.COST_KEY)
    paid = {"llm", "embedding"}
    assert [
        (rule.key, {word for word, kind in rule.kinds.items() if kind in paid})
        for rule in mapping.KIND_RULES
        if rule.key != semconv.KIND
    ] == [(key, set(words)) for key, words in calls.CALL_WORDS.items() if key != semconv.KIND]
