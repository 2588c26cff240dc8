"""A research team on the OpenAI Agents SDK, with scripted models: no key, no network.

Triage hands a question to the researcher, the researcher hands its notes to the writer, the
writer (who asks a fact checker, an agent used as a tool) hands the draft to the critic, who may
send it back. Some runs end badly, as they do in real life: see `STORIES`.

The program knows nothing of Handspan. Watch it with:

    handspan-instrument python examples/research_team.py
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from agents import (
    Agent,
    GuardrailFunctionOutput,
    MaxTurnsExceeded,
    ModelRetrySettings,
    ModelSettings,
    RunConfig,
    RunContextWrapper,
    Runner,
    function_tool,
    generation_span,
    handoff,
    input_guardrail,
    set_trace_processors,
)
from agents.exceptions import InputGuardrailTripwireTriggered
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from agents.usage import Usage
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.items import ModelResponse, TResponseOutputItem

STORIES = {
    "straight": 6,
    "revised": 4,  # the critic sends the draft back once
    "search_fails_once": 3,  # the tool raises, the researcher asks again
    "model_overloaded": 3,  # two calls fail, the SDK's retry gets through
    "two_handoffs": 2,  # triage asks for two agents at once; the SDK takes the first
    "off_topic": 2,  # the guardrail trips
    "endless_search": 1,  # MaxTurnsExceeded
    "model_down": 1,  # every call fails
    "critic_busy": 1,  # the critic refuses the handoff
}
"""What happens in a run -> how often, relative to the others. The last four end in failure."""

TOPICS = (
    "solid state batteries",
    "coral bleaching",
    "sourdough fermentation",
    "satellite internet latency",
    "urban heat islands",
    "ancient Roman concrete",
)


class ModelOverloadedError(Exception):
    """The model's provider has no capacity."""


class CriticBusyError(Exception):
    """The critic takes no more drafts now."""


class SearchTimeoutError(Exception):
    """The search engine did not answer in time."""


class TeamModel(ScriptedModel):
    """A scripted model that takes time, counts tokens and is traced as the SDK's own models are."""

    def __init__(self, name: str, steps: Sequence[ModelStep], chance: random.Random) -> None:
        """Answer with `steps` as the model `name`, at speeds drawn from `chance`."""
        super().__init__(steps)
        self._name = name
        self._chance = chance
        self._history_tokens = 0

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:  # noqa: ANN401
        """Answer after a while, with the usage that such a call has."""
        with generation_span(model=self._name) as span:
            await asyncio.sleep(self._chance.uniform(0.01, 0.06))
            response = await super().get_response(*args, **kwargs)
            response.usage = self._usage()
            span.span_data.usage = {
                "input_tokens": response.usage.input_tokens,
                "output_tokens": response.usage.output_tokens,
                "input_tokens_details": response.usage.input_tokens_details.model_dump(),
                "output_tokens_details": response.usage.output_tokens_details.model_dump(),
            }
            return response

    def _usage(self) -> Usage:
        cached_tokens = self._history_tokens // 128 * 128
        input_tokens = self._history_tokens + self._chance.randint(600, 2400)
        output_tokens = self._chance.randint(60, 700)
        reasoning_tokens = output_tokens // 2 if self._name.startswith("gpt-5") else 0
        self._history_tokens = input_tokens + output_tokens
        return Usage(
            requests=1,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            total_tokens=input_tokens + output_tokens,
            input_tokens_details=InputTokensDetails(
                cached_tokens=cached_tokens, cache_write_tokens=0
            ),
            output_tokens_details=OutputTokensDetails(reasoning_tokens=reasoning_tokens),
        )


@dataclass
class Engine:
    """The search engine, as the tools see it."""

    chance: random.Random
    failures_left: int = 0


@function_tool(failure_error_function=lambda _context, error: f"The search failed: {error}")
async def search(context: RunContextWrapper[Engine], query: str) -> str:
    """Search the web."""
    await asyncio.sleep(context.context.chance.uniform(0.01, 0.04))
    if context.context.failures_left > 0:
        context.context.failures_left -= 1
        raise SearchTimeoutError(query)
    return f"Three pages about {query}."


@function_tool
def count_words(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


@input_guardrail(run_in_parallel=False)
async def on_topic(
    _context: RunContextWrapper[Engine],
    _agent: Agent[Engine],
    question: str | list[Any],
) -> GuardrailFunctionOutput:
    """Let only questions about the world through."""
    await asyncio.sleep(0.005)
    return GuardrailFunctionOutput(
        output_info=None, tripwire_triggered="lottery numbers" in str(question)
    )


@dataclass
class Run:
    """One question on its way through the team."""

    number: int
    story: str
    chance: random.Random
    calls: count[int] = field(default_factory=lambda: count(1))

    async def answer(self) -> str:
        """Let the team work; return how it ended."""
        topic = self.chance.choice(TOPICS)
        question = "next week's lottery numbers" if self.story == "off_topic" else topic
        config = RunConfig(
            workflow_name="research report",
            group_id=f"conversation-{self.number % 7}",
            trace_metadata={"topic": topic, "words": 300},
        )
        failures = {"search_fails_once": 1, "endless_search": 99}.get(self.story, 0)
        engine = Engine(self.chance, failures)
        try:
            await Runner.run(
                self._team(), question, context=engine, max_turns=14, run_config=config
            )
        except InputGuardrailTripwireTriggered:
            return "off topic"
        except MaxTurnsExceeded:
            return "gave up"
        except (ModelOverloadedError, CriticBusyError):
            return "failed"
        return "answered"

    # --- the team ---

    def _team(self) -> Agent[Engine]:
        critic = self._agent("critic", "anthropic/claude-sonnet-4-5", self._critic())
        checker = self._agent("fact checker", "inhouse-checker-7b", self._checker(), [search])
        check_facts = checker.as_tool("check_facts", "Check the facts of a draft.")
        writer = self._agent("writer", "gpt-5-mini", self._writer(), [check_facts, count_words])
        researcher = self._agent("researcher", "gpt-4.1", self._researcher(), [search])
        triage = self._agent("triage", "gpt-4.1-mini", self._triage())
        triage.input_guardrails.append(on_topic)
        triage.handoffs.extend([researcher, writer])
        researcher.handoffs.append(writer)
        writer.handoffs.append(handoff(critic, on_handoff=self._draft_arrives))
        critic.handoffs.append(writer)
        return triage

    def _agent(
        self, name: str, model: str, steps: list[ModelStep], tools: Sequence[Any] = ()
    ) -> Agent[Engine]:
        retry = ModelRetrySettings(
            max_retries=2,
            backoff={"initial_delay": 0.02, "jitter": False},
            policy=lambda failed: isinstance(failed.error, ModelOverloadedError),
        )
        return Agent(
            name,
            instructions=f"You are the {name} of a research team.",
            model=TeamModel(model, steps, self.chance),
            model_settings=ModelSettings(retry=retry),
            tools=list(tools),
        )

    def _draft_arrives(self, _context: RunContextWrapper[Engine]) -> None:
        if self.story == "critic_busy":
            raise CriticBusyError("three drafts are waiting already")

    # --- what their models say ---

    def _triage(self) -> list[ModelStep]:
        if self.story == "two_handoffs":
            return [self._calls(("transfer_to_researcher", {}), ("transfer_to_writer", {}))]
        return [self._calls(("transfer_to_researcher", {}))]

    def _researcher(self) -> list[ModelStep]:
        overloaded = ModelStep.raise_error(ModelOverloadedError("no capacity, try later"))
        if self.story == "model_down":
            return [overloaded] * 3
        first = [overloaded, overloaded] if self.story == "model_overloaded" else []
        searches = {"search_fails_once": 3, "endless_search": 14}.get(
            self.story, self.chance.randint(1, 3)
        )
        looked = [self._calls(("search", {"query": f"part {n}"})) for n in range(searches)]
        return [*first, *looked, self._calls(("transfer_to_writer", {}))]

    def _writer(self) -> list[ModelStep]:
        check = self._calls(("check_facts", {"input": "draft"}), ("count_words", {"text": "a b"}))
        checks = [check] if self.chance.random() < 0.6 else []
        drafts = 2 if self.story == "revised" else 1
        return [*checks, *(self._calls(("transfer_to_critic", {})) for _ in range(drafts))]

    def _checker(self) -> list[ModelStep]:
        return [
            self._calls(("search", {"query": "the claim"})),
            ModelStep(output=[assistant_message("All facts hold.")]),
        ]

    def _critic(self) -> list[ModelStep]:
        back = [self._calls(("transfer_to_writer", {}))] if self.story == "revised" else []
        return [*back, ModelStep(output=[assistant_message("The report is good.")])]

    def _calls(self, *wanted: tuple[str, dict[str, str]]) -> ModelStep:
        items: list[TResponseOutputItem] = [
            function_call(name, arguments, call_id=f"call_{next(self.calls)}")
            for name, arguments in wanted
        ]
        return ModelStep(output=items)


def stories(seed: int, runs: int) -> list[str]:
    """Return one story per run: every kind once as far as `runs` reaches, then by its weight."""
    chance = random.Random(seed)  # noqa: S311 - a demonstration, no secret
    chosen = list(STORIES)[:runs]
    chosen += chance.choices(list(STORIES), list(STORIES.values()), k=runs - len(chosen))
    chance.shuffle(chosen)
    return chosen


async def work(seed: int, runs: int) -> Counter[str]:
    """Let the team answer `runs` questions, eight at a time; say how it goes."""
    places, outcomes = asyncio.Semaphore(8), Counter[str]()

    async def one(number: int, story: str) -> None:
        chance = random.Random(f"{seed}/{number}")  # noqa: S311 - a demonstration, no secret
        async with places:
            outcomes[await Run(number, story, chance).answer()] += 1
        done = outcomes.total()
        if done % 6 == 0 or done == runs:
            told = ", ".join(f"{many} {outcome}" for outcome, many in sorted(outcomes.items()))
            print(f"{done:>4} of {runs} runs: {told}", flush=True)

    await asyncio.gather(*(one(n, story) for n, story in enumerate(stories(seed, runs))))
    return outcomes


def main() -> None:
    """Read the options and let the team work."""
    parser = argparse.ArgumentParser(description="A research team on scripted models.")
    parser.add_argument("--runs", type=int, default=24, help="questions to answer (default 24)")
    parser.add_argument("--seed", type=int, default=7, help="which runs happen (default 7)")
    options = parser.parse_args()
    set_trace_processors([])  # the SDK would send traces to OpenAI; this program has no key
    asyncio.run(work(options.seed, options.runs))


if __name__ == "__main__":
    main()
