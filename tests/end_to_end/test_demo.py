"""`handspan demo` end to end, its figures recounted from the raw spans without any SQL of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from genai_prices import Usage, calc_price
from tests.end_to_end.processes import handspan

from handspan import semconv
from handspan_exporter.query.wire import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.end_to_end

RUNS = 24

READ_RAW = """
import json, sys
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
print(json.dumps(connect(parse(sys.argv[1])).rows("SELECT * FROM otel_traces"), default=str))
"""


@dataclass(frozen=True)
class Demo:
    """What a demo printed, and what it left behind."""

    store: str
    printed: str
    spans: list[dict[str, Any]]

    def of_operation(self, *operations: str) -> Iterator[dict[str, str]]:
        """Yield the attributes of the spans with one of the operations."""
        for span in self.spans:
            attributes = span["SpanAttributes"]
            if attributes.get(semconv.GEN_AI_OPERATION_NAME) in operations:
                yield attributes

    def rows(self, kpi: str, *options: str) -> list[dict[str, Any]]:
        """Return the rows of a KPI as the command gives them."""
        ended = handspan("kpi", kpi, "--store", self.store, "--format", "json", *options)
        assert ended.returncode == 0, ended.stderr
        found: list[dict[str, Any]] = from_json(ended.stdout)["rows"]
        return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run the demo once, and read its raw spans in a process of its own."""
    folder = tmp_path_factory.mktemp("demo")
    ended = handspan("demo", "--runs", str(RUNS), "--folder", str(folder))
    assert ended.returncode == 0, ended.stderr
    store = f"chdb://{folder}"
    raw = subprocess.run(
        [sys.executable, "-c", READ_RAW, store], capture_output=True, text=True, check=True
    )
    return Demo(store, ended.stdout, json.loads(raw.stdout))


def test_the_demo_says_where_everything_is(demo: Demo) -> None:
    """A stranger has nothing but this text."""
    assert demo.store.removeprefix("chdb://") in demo.printed
    assert "http://127.0.0.1:" in demo.printed
    assert "handspan-instrument" in demo.printed
    assert "workflow_success_ratio" in demo.printed
    assert "-> researcher" in demo.printed, "one run is shown as a tree, with its handoffs"


def test_runs_and_their_outcomes_are_those_of_the_workflow_spans(demo: Demo) -> None:
    """Recounted by hand: one workflow span is one run."""
    outcomes = Counter(
        attributes[semconv.WORKFLOW_OUTCOME] for attributes in demo.of_operation("invoke_workflow")
    )
    (row,) = demo.rows("workflow_success_ratio")

    assert outcomes.total() == RUNS
    assert outcomes["failure"] > 0, "a demo in which nothing fails shows nothing"
    assert (row["successful"], row["failed"]) == (outcomes["success"], outcomes["failure"])
    assert row["workflow_success_ratio"] == pytest.approx(outcomes["success"] / RUNS)


def test_agents_are_those_of_the_agent_spans(demo: Demo) -> None:
    """Recounted by hand, per agent."""
    counted = Counter(
        attributes[semconv.GEN_AI_AGENT_NAME] for attributes in demo.of_operation("invoke_agent")
    )
    rows = demo.rows("agent_performance", "--by", "agent")

    assert {row["group"]: row["agent_runs"] for row in rows} == dict(counted)


def test_handoffs_are_those_of_the_handoff_spans(demo: Demo) -> None:
    """Recounted by hand, per edge."""
    counted = Counter(
        f"{attributes[semconv.HANDOFF_SOURCE]} > {attributes[semconv.HANDOFF_TARGET]}"
        for attributes in (span["SpanAttributes"] for span in demo.spans)
        if attributes.get(semconv.KIND) == "handoff"
    )
    rows = demo.rows("handoffs", "--by", "edge")

    assert {row["group"]: row["handoffs"] for row in rows} == dict(counted)


def test_tokens_are_those_of_the_chat_spans(demo: Demo) -> None:
    """The SDK also reports sums per turn and per task: none of them is counted on top."""
    (row,) = demo.rows("tokens")

    for column, name in (
        ("input_tokens", semconv.GEN_AI_USAGE_INPUT_TOKENS),
        ("output_tokens", semconv.GEN_AI_USAGE_OUTPUT_TOKENS),
        ("cache_read_tokens", semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
    ):
        calls = demo.of_operation("chat")
        assert row[column] == sum(int(attributes.get(name, 0)) for attributes in calls), column


def test_cost_is_what_the_price_list_says_of_each_call(demo: Demo) -> None:
    """genai-prices is asked once more, call by call; what it does not know is unknown here."""
    total, priced, unpriced = Decimal(0), 0, 0
    for attributes in demo.of_operation("chat"):
        cost = cost_of(attributes)
        priced, unpriced = priced + (cost is not None), unpriced + (cost is None)
        total += cost or 0
    (row,) = demo.rows("cost_usd")

    assert (row["priced_calls"], row["unpriced_calls"]) == (priced, unpriced)
    assert unpriced > 0, "a demo without an unknown model does not show how one is treated"
    assert abs(row["cost_usd"] - total) < Decimal("1e-9")


def cost_of(attributes: dict[str, str]) -> Decimal | None:
    """Return what genai-prices says of one call, None when it cannot say."""
    tokens = {
        "input_tokens": attributes.get(semconv.GEN_AI_USAGE_INPUT_TOKENS),
        "output_tokens": attributes.get(semconv.GEN_AI_USAGE_OUTPUT_TOKENS),
        "cache_read_tokens": attributes.get(semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
    }
    if tokens["input_tokens"] is None or tokens["output_tokens"] is None:
        return None
    usage = Usage(**{name: int(value) for name, value in tokens.items() if value is not None})
    try:
        price: Decimal = calc_price(usage, attributes[semconv.GEN_AI_REQUEST_MODEL]).total_price
    except LookupError:
        return None
    return price


def test_the_demo_can_be_repeated_on_its_own_store(demo: Demo) -> None:
    """The second demo shows its own runs, not those of the first."""
    folder = demo.store.removeprefix("chdb://")
    again = handspan("demo", "--runs", "3", "--seed", "2", "--folder", folder)

    assert again.returncode == 0, again.stderr
    assert "3 runs are in the store" in again.stdout
