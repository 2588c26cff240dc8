"""Cost on spans: there where it is known, with its source, absent with a reason where not.

That it is the service's own number is tested beside that, in tests/exporter/test_prices.py.
"""

from __future__ import annotations

import sys
from decimal import Context, localcontext
from typing import TYPE_CHECKING

import pytest
from opentelemetry.trace import NonRecordingSpan

import handspan
from handspan import semconv
from handspan.price_file import read
from handspan.prices import Unpriced, price_version
from handspan.processors import cost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.instrumentation.leaving.conftest import Sent

START_NS = 1_795_132_800 * 10**9
GPT_4O: dict[str, str | int] = {
    semconv.GEN_AI_PROVIDER_NAME: "openai",
    semconv.GEN_AI_REQUEST_MODEL: "gpt-4o",
    semconv.GEN_AI_USAGE_INPUT_TOKENS: 1_000_000,
    semconv.GEN_AI_USAGE_OUTPUT_TOKENS: 100_000,
}


def test_a_call_says_what_it_cost_and_who_says_so(sent: Sent) -> None:
    """So that Jaeger and any other backend show it."""
    with handspan.llm("gpt-4o", provider="openai") as call:
        call.usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_tokens=400_000)
    attributes = sent.attributes()
    assert attributes[semconv.COST_USD] == 3.0
    assert attributes[semconv.COST_INPUT_USD] == 2.0
    assert attributes[semconv.COST_OUTPUT_USD] == 1.0
    assert attributes[semconv.COST_SOURCE] == "genai-prices"
    assert attributes[semconv.COST_PRICE_VERSION] == price_version()
    assert semconv.COST_UNKNOWN_REASON not in attributes


def test_a_write_to_the_cache_for_an_hour_costs_more(sent: Sent) -> None:
    """Anthropic asks twice the price of input for it, and 1.25 times that for five minutes."""
    with handspan.llm("claude-sonnet-4-5", provider="anthropic") as call:
        call.usage(input_tokens=100_000, output_tokens=0, cache_write_tokens=60_000)
        call.usage(modality_tokens={"cache_write_1h": 40_000})
    assert sent.attributes()[semconv.COST_USD] == pytest.approx(0.435)


@pytest.mark.parametrize(
    ("model", "tokens", "reason"),
    [
        ("no-such-model", 10, "model unknown"),
        ("gpt-4o", None, "no usage"),
        ("gpt-4o", 10**13, "usage is not plausible"),
        (None, 10, "no model"),
    ],
)
def test_what_is_not_known_is_absent_with_a_reason(
    sent: Sent, model: str | None, tokens: int | None, reason: str
) -> None:
    """Zero would make a team look cheap."""
    with handspan.llm(model, provider="openai") as call:
        call.usage(input_tokens=tokens, output_tokens=tokens)
    attributes = sent.attributes()
    assert attributes[semconv.COST_UNKNOWN_REASON] == reason
    assert semconv.COST_USD not in attributes
    assert semconv.COST_SOURCE not in attributes


def test_a_reported_cost_is_kept(sent: Sent) -> None:
    """The provider knows discounts."""
    with handspan.llm("gpt-4o", provider="openai") as call:
        call.usage(input_tokens=1000, output_tokens=100)
        call.cost(0.5)
    attributes = sent.attributes()
    assert (attributes[semconv.COST_USD], attributes[semconv.COST_SOURCE]) == (0.5, "provider")


def test_only_calls_that_handspan_recorded_are_priced(sent: Sent) -> None:
    """What another convention counts as input is for the service's mapping to say."""
    with sent.provider.get_tracer("openinference").start_as_current_span("call") as span:
        span.set_attributes(GPT_4O)
    assert semconv.COST_USD not in sent.attributes()
    assert not isinstance(span, NonRecordingSpan)


def test_cost_can_be_switched_off(sent: Sent, use: Callable[..., object]) -> None:
    """Prices may be nobody's business; the service still knows them."""
    use(cost=False)
    with handspan.llm("gpt-4o", provider="openai") as call:
        call.usage(input_tokens=1000, output_tokens=100)
    assert not any(name.startswith("handspan.cost") for name in sent.attributes())


def test_without_the_extra_nothing_is_said(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install handspan` is light: no price list is no reason for a warning."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)
    cost.available.cache_clear()
    with handspan.llm("gpt-4o", provider="openai") as call:
        call.usage(input_tokens=1000, output_tokens=100)
    attributes = sent.attributes()
    cost.available.cache_clear()
    assert not any(name.startswith("handspan.cost") for name in attributes)


_PRICES = """
[[model]]
model = "house-llama"
input_usd_per_mtok = 1
output_usd_per_mtok = 2
[[model.tier]]
above_tokens = 1000
input_usd_per_mtok = 10
[[discount]]
provider = "openai"
percent = 50
"""


def test_own_prices_and_discounts_are_on_spans_as_in_kpis(
    sent: Sent, use: Callable[..., object], tmp_path: Path
) -> None:
    """The service reads the same file: a trace and a KPI that disagree are both doubted."""
    path = tmp_path / "prices.toml"
    path.write_text(_PRICES, encoding="utf-8")
    use(prices=path)
    for model, provider in (("gpt-4o", "openai"), ("house-llama", "vllm"), ("o3", "nobody")):
        with handspan.llm(model, provider=provider) as call:
            call.usage(input_tokens=1_000_000, output_tokens=100_000)
    told = [dict(span.attributes or {}) for span in sent.spans()]
    assert [one[semconv.COST_USD] for one in told[:2]] == [1.75, 10.2]
    assert [one[semconv.COST_SOURCE] for one in told] == ["custom", "custom", "genai-prices"]
    digest = read(path).version
    assert [one[semconv.COST_PRICE_VERSION] for one in told] == [
        f"{price_version()}+{digest}",
        digest,
        price_version(),
    ]


@pytest.mark.parametrize(
    ("text", "extra", "said"),
    [
        ("[[model]]\nmodel = 'x'", True, "model 1: `input_usd_per_mtok` is missing"),
        (None, True, "cannot be read"),
        (_PRICES, False, "needs genai-prices, pip install 'handspan[cost]'"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_once_and_guesses_nothing(
    sent: Sent,
    use: Callable[..., object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    text: str | None,
    extra: bool,  # noqa: FBT001 - a case
    said: str,
) -> None:
    """The list price of a discounted model is a wrong cost; the service may know better."""
    monkeypatch.setattr("handspan.internal._warned", set())
    path = tmp_path / "prices.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    if not extra:
        monkeypatch.setitem(sys.modules, "genai_prices", None)
        monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)
        cost.available.cache_clear()
    use(prices=str(path))
    for _ in range(2):
        with handspan.llm("gpt-4o", provider="openai") as call:
            call.usage(input_tokens=1000, output_tokens=100)
    told = [dict(span.attributes or {}) for span in sent.spans()]
    cost.available.cache_clear()
    assert not any(name.startswith("handspan.cost") for one in told for name in one)
    (warning,) = caplog.messages
    assert said in warning


def test_the_programs_own_decimals_do_not_matter() -> None:
    """A program for money may round everything to two digits."""
    with localcontext(Context(prec=2)):
        found = cost.cost_of({**GPT_4O, semconv.GEN_AI_USAGE_INPUT_TOKENS: 1_234_567}, START_NS)
    assert found.usd == 4.0864175


def test_other_code_can_ask_before_a_call() -> None:
    """A budget needs the number while the run goes on."""
    assert cost.cost_of(GPT_4O, START_NS).usd == 3.5
    with pytest.raises(Unpriced, match="no usage"):
        cost.cost_of({semconv.GEN_AI_REQUEST_MODEL: "gpt-4o"}, START_NS)


def test_a_budget_counts_what_the_price_list_says(sent: Sent) -> None:
    """It needs the number when the call ends, not when the span is sent."""
    with handspan.budget(10, stop=True) as budget:
        with handspan.llm("gpt-4o", provider="openai") as call:
            call.usage(input_tokens=1_000_000, output_tokens=100_000)
        assert (budget.used_usd, budget.unpriced_calls) == (3.5, 0)
        with handspan.llm("no-such-model") as call:
            call.usage(input_tokens=10, output_tokens=10)
    assert (budget.used_usd, budget.unpriced_calls) == (3.5, 1)
    told = [dict(span.attributes or {}) for span in sent.spans()]
    assert [one.get(semconv.COST_USD) for one in told if one.get(semconv.KIND) == "llm"] == [
        3.5,
        None,
    ]
