"""Prices: what SQL makes of usage is what genai-prices itself says, or unknown with a reason."""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from handspan import semconv, settings
from handspan.price_file import NO_FILE, PriceFile, read
from handspan.prices import Unpriced, price_provider
from handspan.processors.cost import cost_of
from handspan_exporter import sql
from handspan_exporter.columns import mapping
from handspan_exporter.processor.prices import Asked, ensure_prices, price_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from handspan_exporter.store.connection import Connection

_DAY = datetime(2026, 11, 20, tzinfo=UTC)
_NOON = _DAY.replace(hour=12)
_HALF_PICO_USD = Decimal("5e-13")
_UNKNOWABLE = ("not priced by token", "priced by what spans do not say", "no price")

_LISTED_AS = {"cache_read_audio": "cache_audio_read", "cache_read_image": "cache_image_read"}
"""Our word for a kind of token -> genai-prices' own."""
_ON_SPAN = {column.name: column.sources[0].key for column in mapping.MODALITIES}

_WORK_SPANS = """
CREATE TEMPORARY TABLE work_spans
(
    trace_id String, span_id String, kind LowCardinality(String),
    provider LowCardinality(String), model LowCardinality(String),
    started_at DateTime64(9, 'UTC'),
    input_tokens Nullable(UInt64), output_tokens Nullable(UInt64),
    cache_read_tokens Nullable(UInt64), cache_write_tokens Nullable(UInt64),
    reasoning_tokens Nullable(UInt64), modality_tokens Map(LowCardinality(String), UInt64),
    cost_usd Nullable(Decimal(18, 12)), cost_source LowCardinality(String)
)
"""


@dataclass(frozen=True)
class Call:
    """One span of `work_spans`."""

    model: str = "gpt-4o"
    provider: str = "openai"
    kind: str = "llm"
    started_at: datetime = _NOON
    input_tokens: int | None = 1000
    output_tokens: int | None = 100
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    modality_tokens: tuple[tuple[str, int], ...] = ()
    cost_usd: Decimal | None = None
    cost_source: str = ""


_SCHEMA = pa.schema(
    [
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("kind", pa.string()),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("started_at", pa.timestamp("ns", "UTC")),
        *(
            (f"{name}_tokens", pa.uint64())
            for name in ("input", "output", "cache_read", "cache_write", "reasoning")
        ),
        ("modality_tokens", pa.map_(pa.string(), pa.uint64())),
        ("cost_usd", pa.decimal128(18, 12)),
        ("cost_source", pa.string()),
    ]
)


@pytest.fixture
def work(connection: Connection) -> Connection:
    """Return a session with the processor's temporary tables."""
    connection.command(_WORK_SPANS)
    connection.command(sql.load("facts/work_costs_table"))
    return connection


def costs(
    work: Connection, calls: Sequence[Call], own: PriceFile = NO_FILE
) -> list[dict[str, Any]]:
    """Price the calls the way the processor does; return the rows in the calls' order."""
    rows = [{"trace_id": "t", "span_id": f"{n:08}"} | asdict(call) for n, call in enumerate(calls)]
    work.command("TRUNCATE TABLE work_spans")
    work.command("TRUNCATE TABLE work_costs")
    work.insert("work_spans", pa.Table.from_pylist(rows, schema=_SCHEMA), token="")
    ensure_prices(work, own=own, clock_ns=lambda: 1_795_000_000_000_000_000)
    work.command(sql.load("facts/work_costs"))
    return work.rows("SELECT * FROM work_costs ORDER BY span_id")


def reference(call: Call) -> Decimal:
    """Return genai-prices' own total of a call."""
    names = ("input", "output", "cache_read", "cache_write", "reasoning")
    said = {name: getattr(call, f"{name}_tokens") for name in names}
    said["output_reasoning"] = said.pop("reasoning")
    for kind, count in call.modality_tokens:
        said[_LISTED_AS.get(kind, kind)] = count
    usage = Usage(**{f"{name}_tokens": count for name, count in said.items()})
    answer = get_snapshot().calc(usage, call.model, call.provider, None, call.started_at)
    return Decimal(answer.total_price)


def listed() -> Iterator[tuple[str, str, list[int]]]:
    """Yield every model of the list that is found by its own name, and the starts of its tiers."""
    for provider in get_snapshot().providers:
        for model in provider.models:
            try:
                found, _ = get_snapshot().find_provider_model(model.id, None, provider.id, None)
            except LookupError:
                continue
            rows = price_rows(Asked(found.id, model.id, _DAY.date()), asked_at_ns=0)
            prices = [row[name] for row in rows for name in ("input", "output", "cache_read")]
            yield (
                provider.id,
                model.id,
                sorted({tier["above_tokens"] for p in prices for tier in p}),
            )


def around(tiers: Sequence[int]) -> set[int]:
    """Return inputs at, just below and just above each border."""
    return {1, 777} | {tokens for start in tiers for tokens in (start, start + 1) if tokens > 0}


def usages(call: Call, tiers: Sequence[int]) -> Iterator[Call]:
    """Yield the call without and with cached and reasoning tokens, sound and pictures."""
    for tokens in sorted(around(tiers)):
        plain = replace(call, input_tokens=tokens, output_tokens=333, reasoning_tokens=0)
        yield plain
        yield replace(
            plain,
            reasoning_tokens=33,
            cache_read_tokens=tokens // 3,
            cache_write_tokens=tokens // 4,
            modality_tokens=(("cache_write_1h", tokens // 6),),
        )
        yield replace(
            plain,
            cache_read_tokens=tokens // 3,
            modality_tokens=(
                ("input_audio", tokens // 5),
                ("input_image", tokens // 7),
                ("output_audio", 44),
                ("output_image", 55),
                ("cache_read_audio", tokens // 9),
                ("cache_read_image", tokens // 11),
            ),
        )


def test_every_listed_model_costs_what_genai_prices_says(work: Connection) -> None:
    """A number beside genai-prices' own, at any tier border, would be a second price list."""
    calls = [
        call
        for provider, model, tiers in listed()
        for call in usages(Call(model=model, provider=provider), tiers)
    ]
    found = costs(work, calls)
    assert len(found) == len(calls) > 12_000
    for call, row in zip(calls, found, strict=True):
        if row["cost_usd"] is None:
            assert row["unknown_reason"] in _UNKNOWABLE, (call, row)
        else:
            assert abs(row["cost_usd"] - reference(call)) <= _HALF_PICO_USD, (call, row)
            assert row["cost_source"] == "genai-prices"
            assert not row["unknown_reason"]
    assert sum(row["cost_usd"] is not None for row in found) > 0.9 * len(found)


def test_the_process_says_the_same_of_any_usage(work: Connection) -> None:
    """One call, one price: on the span in Jaeger and in the KPI."""
    chance = random.Random(7)  # noqa: S311 - any will do, the same every time
    models = [*listed(), ("openai", "no-such-model", [0]), ("ollama", "llama3.2", [0])]
    calls = [any_call(chance, *chance.choice(models)) for _ in range(3000)]
    calls += [any_call(chance, "deepseek", "deepseek-chat", [0]) for _ in range(300)]
    known = 0
    for call, row in zip(calls, costs(work, calls), strict=True):
        try:
            usd: float | None = cost_of(on_span(call), _ns(call.started_at)).usd
            reason = ""
        except Unpriced as unpriced:
            usd, reason = None, str(unpriced)
        assert reason == row["unknown_reason"], (call, row)
        assert usd == (None if row["cost_usd"] is None else float(row["cost_usd"])), (call, row)
        known += usd is not None
    assert known > 500


_USD = st.decimals(0, 100, places=18).map(str)
_TIER_LISTS = st.lists(st.integers(1, 300_000), max_size=3, unique=True).map(sorted)
_OWN_KINDS = ("input", "output", "cache_read", "cache_write", "reasoning", "cache_write_1h")


@st.composite
def own_files(draw: st.DrawFn) -> dict[str, Any]:
    """Return a file of three models, some with tiers, and of two discounts."""
    models = []
    for number in range(3):
        kinds = ["input", "output", *draw(st.lists(st.sampled_from(_OWN_KINDS[2:]), unique=True))]
        tiers = [
            {"above_tokens": above} | {f"{kind}_usd_per_mtok": draw(_USD) for kind in kinds[::2]}
            for above in draw(_TIER_LISTS)
        ]
        rates = {f"{kind}_usd_per_mtok": draw(_USD) for kind in kinds}
        models.append(
            {"model": f"own-{number}", "tier": tiers, "usd_per_krequest": draw(_USD)} | rates
        )
    percents = st.decimals(0, 100, places=3).map(str)
    names = ("openai", "google")
    return {
        "model": models,
        "discount": [{"provider": one, "percent": draw(percents)} for one in names],
    }


def _as_json(said: dict[str, Any]) -> str:
    """Return a file with its decimals as numbers, to the last digit."""
    return re.sub(r'": "([0-9.E+-]+)"', r'": \1', json.dumps(said))


def by_hand(model: dict[str, Any], call: Call) -> Fraction:
    """Return what a plain call costs by a model of one's own."""

    def rate(kind: str) -> Fraction:
        key = f"{kind}_usd_per_mtok"
        above = [one for one in model["tier"] if (call.input_tokens or 0) > one["above_tokens"]]
        return Fraction(next((one[key] for one in reversed(above) if key in one), model[key]))

    tokens = rate("input") * (call.input_tokens or 0) + rate("output") * (call.output_tokens or 0)
    return tokens / 10**6 + Fraction(model["usd_per_krequest"]) / 1000


@tries(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=own_files(), seed=st.integers(0, 2**32))
def test_own_prices_are_the_same_in_the_process_as_in_the_kpis(
    work: Connection, tmp_path: Path, said: dict[str, Any], seed: int
) -> None:
    """A discount that only the KPIs know makes a budget stop too early, and traces disagree."""
    path = tmp_path / f"{seed}-{time.monotonic_ns()}.json"
    path.write_text(_as_json(said), encoding="utf-8")
    chance, own = random.Random(seed), read(path)  # noqa: S311 - no secret
    work.command("TRUNCATE TABLE model_prices")
    plain = [
        Call(model=model["model"], provider="vllm", input_tokens=chance.randint(0, 400_000))
        for model in said["model"]
    ]
    names = [("vllm", "own-1"), ("", "own-2"), ("openai", "gpt-4o"), ("google", "gemini-2.5-pro")]
    borders = [tier["above_tokens"] for model in said["model"] for tier in model["tier"]]
    odd = [any_call(chance, *chance.choice(names), [200_000, *borders]) for _ in range(40)]
    rows = costs(work, [*plain, *odd], own)
    settings.use(prices=str(path))
    try:
        for call, row in zip([*plain, *odd], rows, strict=True):
            assert in_process(call) == (
                None if row["cost_usd"] is None else float(row["cost_usd"]),
                row["cost_source"],
                row["price_version"],
                row["unknown_reason"],
            )
    finally:
        settings.use()
    half_pico = Fraction(1, 2 * 10**12)
    for model, call, row in zip(said["model"], plain, rows[: len(plain)], strict=True):
        if not {"reasoning_usd_per_mtok"} & model.keys():
            assert abs(Fraction(row["cost_usd"]) - by_hand(model, call)) <= half_pico


def in_process(call: Call) -> tuple[float | None, str, str, str]:
    """Return cost, source, version and reason as the span of a call gets them."""
    try:
        cost = cost_of(on_span(call), _ns(call.started_at))
    except Unpriced as unpriced:
        return None, "", "", str(unpriced)
    return cost.usd, cost.source, cost.price_version, ""


def any_call(chance: random.Random, provider: str, model: str, tiers: Sequence[int]) -> Call:
    """Return a call with odd usage: often near the border of a tier, often incomplete."""

    def tokens(most: int) -> int | None:
        return chance.choice([None, 0, 1, most, chance.randint(0, most)])

    border = chance.choice(list(tiers) or [0])
    said = chance.choice([None, border, border + 1, chance.randint(0, 10**6), 10**13])
    return Call(
        model=model,
        provider=provider,
        started_at=_DAY.replace(hour=chance.randrange(24), minute=chance.randrange(60)),
        input_tokens=said,
        output_tokens=tokens(10**5),
        cache_read_tokens=tokens(said or 5),
        cache_write_tokens=tokens(99),
        reasoning_tokens=tokens(99),
        modality_tokens=tuple(
            (kind, tokens(99) or 0) for kind in _ON_SPAN if chance.random() < 0.2
        ),
    )


def on_span(call: Call) -> dict[str, Any]:
    """Return the attributes of the span that the call is in the process."""
    said = {
        semconv.GEN_AI_PROVIDER_NAME: call.provider,
        semconv.GEN_AI_REQUEST_MODEL: call.model,
        semconv.GEN_AI_USAGE_INPUT_TOKENS: call.input_tokens,
        semconv.GEN_AI_USAGE_OUTPUT_TOKENS: call.output_tokens,
        semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: call.cache_read_tokens,
        semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: call.cache_write_tokens,
        semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: call.reasoning_tokens,
        **{_ON_SPAN[kind]: count for kind, count in call.modality_tokens},
    }
    return {name: value for name, value in said.items() if value is not None}


def _ns(at: datetime) -> int:
    return int(at.timestamp()) * 10**9


def test_a_price_by_the_time_of_day_holds_from_its_second_on(work: Connection) -> None:
    """Deepseek is cheaper at night: one price a day would be wrong for half of it."""
    times = [
        _DAY.replace(hour=hour, minute=minute, second=second)
        for hour in (0, 1, 4, 6, 10, 16, 23)
        for minute in (0, 29, 30)
        for second in (0, 59)
    ]
    calls = [
        Call(model=model, provider="deepseek", started_at=at)
        for model in ("deepseek-chat", "deepseek-v4-pro")
        for at in times
    ]
    found = [row["cost_usd"] for row in costs(work, calls)]
    assert found == [pytest.approx(reference(call), abs=_HALF_PICO_USD) for call in calls]
    assert len(set(found)) > 2


def test_a_request_is_priced_by_itself_and_never_a_sum(work: Connection) -> None:
    """The tier at 200k doubles the price of the whole request: two of 150k are not one of 300k."""
    call = Call(model="claude-sonnet-4-5", provider="anthropic", output_tokens=0)
    below, above, container, small = costs(
        work,
        [
            replace(call, input_tokens=150_000),
            replace(call, input_tokens=250_000),
            replace(call, input_tokens=300_000, kind="agent"),
            replace(call, input_tokens=150_000, kind="agent"),
        ],
    )
    assert (below["cost_usd"], above["cost_usd"]) == (Decimal("0.45"), Decimal("1.50"))
    assert container["cost_usd"] is None
    assert container["unknown_reason"] == "summed usage of a model priced per request"
    assert small["cost_usd"] == Decimal("0.45")


def test_what_is_written_to_a_cache_for_an_hour_costs_more(work: Connection) -> None:
    """Twice the input, not a quarter more; of a model without such a price, as any other write."""
    claude = Call(model="claude-sonnet-4-5", provider="anthropic", output_tokens=0)
    gpt = replace(claude, model="gpt-4o", provider="openai")
    for_an_hour = (("cache_write_1h", 400),)
    calls = [
        replace(call, input_tokens=1000, cache_write_tokens=600, modality_tokens=kinds)
        for call in (claude, gpt)
        for kinds in ((), for_an_hour)
    ]
    usual, long, *same = [row["cost_usd"] for row in costs(work, calls)]
    assert (usual, long) == (Decimal("0.00345"), Decimal("0.00435"))
    assert same[0] == same[1] == Decimal("0.0025")


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Call(model="no-such-model"), "model unknown"),
        (Call(model="no-such-model", provider=""), "model unknown"),
        (Call(model=""), "no model"),
        (Call(model="llama3.2", provider="ollama"), "provider has no price list"),
        (Call(input_tokens=None, output_tokens=None), "no usage"),
        (Call(input_tokens=None), "no input tokens"),
        (Call(output_tokens=None), "no output tokens"),
        (Call(cache_read_tokens=900, cache_write_tokens=101), "cache tokens exceed input"),
        (
            Call(
                model="claude-sonnet-4-5",
                provider="anthropic",
                cache_write_tokens=10,
                modality_tokens=(("cache_write_1h", 11),),
            ),
            "one-hour cache writes exceed cache writes",
        ),
        (Call(cache_read_tokens=2**64 - 1, cache_write_tokens=2), "usage is not plausible"),
        (Call(input_tokens=2**64 - 1), "usage is not plausible"),
        (Call(model="whisper-1"), "not priced by token"),
        (Call(input_tokens=10**12, output_tokens=10**12), "cost is not plausible"),
        (
            Call(model="sonar-deep-research", provider="perplexity"),
            "priced by what spans do not say",
        ),
        (
            Call(model="perplexity/sonar-deep-research", provider="openrouter"),
            "no reasoning tokens",
        ),
    ],
)
def test_what_cannot_be_priced_is_unknown_with_its_reason(
    work: Connection, call: Call, reason: str
) -> None:
    """A zero would make a team look cheap; without the reason nobody can mend it."""
    (row,) = costs(work, [call])
    assert row["cost_usd"] is None
    assert (row["unknown_reason"], row["cost_source"], row["price_version"]) == (reason, "", "")


def test_a_free_model_costs_zero_and_says_who_says_so(work: Connection) -> None:
    """Free is known; it must not look like unknown."""
    (row,) = costs(work, [Call(model="qwen/qwen3-coder:free", provider="openrouter")])
    assert (row["cost_usd"], row["cost_source"]) == (Decimal(0), "genai-prices")


def test_an_embedding_needs_no_output(work: Connection) -> None:
    """Embeddings report input only: that is all they cost."""
    (row,) = costs(
        work, [Call(model="text-embedding-3-small", kind="embedding", output_tokens=None)]
    )
    assert row["cost_usd"] == Decimal("0.00002")


def test_a_reported_cost_wins_over_the_list(work: Connection) -> None:
    """The provider knows discounts; only what came from the same list is computed again."""
    own, custom, same_list, beyond_list = costs(
        work,
        [
            Call(cost_usd=Decimal("0.5")),
            Call(cost_usd=Decimal("0.25"), cost_source="custom", model=""),
            Call(cost_usd=Decimal("0.1"), cost_source="genai-prices"),
            Call(cost_usd=Decimal("0.1"), cost_source="genai-prices", model="own-model"),
        ],
    )
    assert (own["cost_usd"], own["cost_source"]) == (Decimal("0.5"), "provider")
    assert (custom["cost_usd"], custom["cost_source"]) == (Decimal("0.25"), "custom")
    assert (same_list["cost_usd"], same_list["price_version"]) != (Decimal("0.1"), "")
    assert (beyond_list["cost_usd"], beyond_list["price_version"]) == (Decimal("0.1"), "")
    assert not any(row["unknown_reason"] for row in (own, custom, same_list, beyond_list))


def test_only_calls_and_spans_that_report_usage_or_cost_get_a_row(work: Connection) -> None:
    """A tool without usage is no call: counted as unpriced it would spoil the coverage."""
    silent = Call(kind="tool", input_tokens=None, output_tokens=None, model="")
    found = costs(
        work,
        [
            silent,
            replace(silent, kind="llm"),
            replace(silent, kind="agent", cost_usd=Decimal(1)),
        ],
    )
    assert [row["span_id"][-1] for row in found] == ["1", "2"]


@pytest.mark.parametrize(
    ("provider", "model", "matched"),
    [
        ("openai", "gpt-4o", "openai"),
        ("azure.ai.openai", "gpt-4o", "azure"),
        ("x_ai", "grok-4", "x-ai"),
        ("gcp.gen_ai", "gemini-2.5-flash", "google"),
        ("aws.bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("strands-agents", "gpt-4o-mini", "openai"),
        ("somebody-new", "claude-sonnet-4-5", "anthropic"),
        ("", "gpt-4o", "openai"),
    ],
)
def test_a_provider_of_any_convention_leads_to_its_prices(
    provider: str, model: str, matched: str
) -> None:
    """Azure at OpenAI's prices, or no price for Grok, is what genai-prices makes of raw names."""
    (row,) = price_rows(Asked(provider, model, _DAY.date()), asked_at_ns=0)
    assert row["matched_provider"] == matched


def test_a_price_is_asked_once_a_day(work: Connection) -> None:
    """The list is a megabyte of Python: it is asked per model and day, not per call."""
    call = Call()
    costs(work, [call, call, Call(model="no-such-model")])
    assert ensure_prices(work) == 0
    kept = work.rows("SELECT model, day, asked_at FROM model_prices ORDER BY model")
    assert [row["model"] for row in kept] == ["gpt-4o", "no-such-model"]


def test_an_unknown_model_is_asked_again_when_the_price_list_is_another(work: Connection) -> None:
    """A new model is unknown until the package is upgraded; then its cost must appear."""
    work.command(
        "INSERT INTO model_prices (provider, model, day, source, price_version, unknown_reason)"
        " VALUES ('openai', 'gpt-4o', '2026-11-20', 'genai-prices', '0.0.1', 'model unknown')"
    )
    (row,) = costs(work, [Call()])
    assert row["cost_usd"] == reference(Call())


@given(st.text())
def test_any_provider_can_be_asked_for(provider: str) -> None:
    """The name comes off a span: nothing in it may stop the processor."""
    asked = price_provider(provider)
    assert asked is None or asked
    (row,) = price_rows(Asked(provider, "no-such-model", _DAY.date()), asked_at_ns=0)
    assert row["unknown_reason"]
