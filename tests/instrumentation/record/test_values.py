"""What people pass to verbs: enums, paths, decimals, numbers of numpy, and words with a slip."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import handspan
from handspan import internal
from handspan.context import inject
from handspan.record import QueuedTask, tracer

if TYPE_CHECKING:
    from handspan.testing import Spans


class Team(Enum):
    """Names of agents, as people keep them."""

    TRIAGE = "triage"


class Words(str, Enum):  # noqa: UP042 - as people have them
    """The same for those who want text."""

    WRITER = "writer"


class Unprintable:
    """A value that no code of ours may trip over."""

    def __str__(self) -> str:
        """Fail, as values of users do."""
        raise ValueError("no text for you")


@pytest.fixture(autouse=True)
def _every_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internal, "_warned", set())


def test_names_may_be_enums(handspan_spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    """An agent without a name would be in no KPI."""
    triage: Any = Team.TRIAGE
    with handspan.workflow(triage), handspan.agent(Words.WRITER), handspan.tool(triage):
        assert "handspan.workflow.name=triage" in inject()["baggage"]
    with handspan.task(triage), handspan.handoff(Words.WRITER, triage):
        pass
    assert handspan_spans.tree() == [
        "invoke_workflow triage",
        "  invoke_agent writer",
        "    execute_tool triage",
        "run_task triage",
        "  handoff triage",
    ]
    told = handspan_spans.attributes("execute_tool triage")
    assert (told["handspan.agent.name"], told["gen_ai.tool.name"]) == ("writer", "triage")
    assert type(told["handspan.agent.name"]) is str
    assert caplog.records == []


def test_paths_are_names_of_files_and_one_name_is_a_list_of_one(handspan_spans: Spans) -> None:
    """A text taken for a list would be a list of letters."""
    with handspan.workflow("w", plan="triage"), handspan.task("t") as task:
        task.files_modified([Path("a.py"), "b.py"])
    with handspan.handoff("a", "b", artifacts=Path("c.md")):  # type: ignore[arg-type]
        handspan.decision("who", "a", alternatives="b")
    with handspan.llm("m") as call:
        call.response(finish_reasons="stop")
    assert handspan_spans.attributes("invoke_workflow w")["handspan.workflow.plan"] == ("triage",)
    files = handspan_spans.attributes("run_task t")["handspan.task.files_modified"]
    assert files == ("a.py", "b.py")
    handoff = handspan_spans.one("handoff b")
    assert (handoff.attributes or {})["handspan.handoff.artifacts"] == ("c.md",)
    assert (handoff.events[0].attributes or {})["handspan.decision.alternatives"] == ("b",)
    reasons = handspan_spans.attributes("chat m")["gen_ai.response.finish_reasons"]
    assert reasons == ("stop",)


def test_numbers_of_other_kinds_stay_numbers(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Price lists count in decimals and evaluations in numpy; text could not be added up."""
    with handspan.budget(limit_usd=1.0) as budget, handspan.llm("m") as call:
        call.usage(input_tokens=np.int64(812), output_tokens=64)  # type: ignore[arg-type]
        call.cost(Decimal("0.25"), input_usd=Decimal("0.125"))
    told = handspan_spans.attributes("chat m")
    numbers = ("gen_ai.usage.input_tokens", "handspan.cost.usd", "handspan.cost.input_usd")
    assert [(type(told[name]), told[name]) for name in numbers] == [
        (int, 812),
        (float, 0.25),
        (float, 0.125),
    ]
    assert budget.used_usd == 0.25
    assert caplog.records == []


def test_other_values_are_told_as_text_or_not_at_all(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """One value that cannot be told must not lose the span."""
    more: Any = {"a": Path("x"), "b": {"c": 1}, "d": [1, "e"], "f": Unprintable(), "g": {"h"}}
    with handspan.agent("a", attributes=more, state="calm") as agent:  # type: ignore[arg-type]
        agent.set("i", Unprintable())  # type: ignore[arg-type]
        agent.set("j", b"\xff")
        agent.set("k", b"text")
    told = handspan_spans.attributes("invoke_agent a")
    assert {name: told.get(name) for name in "abdfgijk"} == {
        "a": "x",
        "b": '{"c": 1}',
        "d": ("1", "e"),
        "f": None,
        "g": ("h",),
        "i": None,
        "j": "/w==",
        "k": "text",
    }
    assert {"cannot be written", "no mapping"} <= {
        part
        for part in ("cannot be written", "no mapping")
        if any(part in record.message for record in caplog.records)
    }


SLIPS: dict[str, Any] = {
    "success, failure, cancelled": lambda: handspan.workflow("w").start().outcome("failed"),  # type: ignore[arg-type]
    "accepted, refused, lost": lambda: handspan.handoff("a").start().outcome("ok"),  # type: ignore[arg-type]
    "return_to_caller, pass_control": lambda: handspan.handoff("a", mode="give").start(),  # type: ignore[arg-type]
    "agent, human, workflow": lambda: handspan.handoff("a", target_type="person").start(),  # type: ignore[arg-type]
    "pass, fail, reject": lambda: handspan.validation("v").start().result("passed"),  # type: ignore[arg-type]
    "critic, test, guard, human": lambda: handspan.validation("v", role="judge").start(),  # type: ignore[arg-type]
    "approved, denied": lambda: handspan.human("h").start().decision("yes"),  # type: ignore[arg-type]
    "low, medium, high": lambda: handspan.human("h", priority="urgent").start(),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("words", SLIPS)
def test_a_word_that_no_kpi_knows_is_said_once(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture, words: str
) -> None:
    """`outcome("failed")` would silently count as neither failure nor success."""
    SLIPS[words]()
    SLIPS[words]()
    (record,) = caplog.records
    assert words in record.message
    del handspan_spans


def test_what_comes_after_the_end_is_said_to_be_lost(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Usage one indentation too far to the left is the commonest slip there is."""
    with handspan.llm("m") as call:
        pass
    call.usage(input_tokens=1)
    call.set("x", 1)
    told = [record.message for record in caplog.records]
    assert "gen_ai.usage.input_tokens" in told[0]
    assert len(told) == 2
    assert len(handspan_spans) == 1


def test_a_span_that_is_not_sampled_has_nothing_to_say(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It records nothing from the start: nothing comes too late."""
    monkeypatch.setattr(tracer, "_provider", None)  # what is configured here is put back
    monkeypatch.setattr(tracer, "_tracer", None)
    monkeypatch.setattr(tracer, "_pricing", None)
    handspan.configure(tracer_provider=TracerProvider(sampler=ALWAYS_OFF), instrument=())
    with handspan.workflow("w"), handspan.llm("m", stream=True) as call:
        list(call.streamed("ab"))
    assert caplog.records == []


@pytest.mark.parametrize(("code", "outcome"), [(1, "failure"), ("no", "failure"), (0, "success")])
def test_a_program_that_exits_says_whether_its_run_failed(
    handspan_spans: Spans, code: object, outcome: str
) -> None:
    """`sys.exit(1)` in an agent is no success."""
    with pytest.raises(SystemExit), handspan.workflow("w"):
        raise SystemExit(code)
    told = handspan_spans.attributes("invoke_workflow w")
    assert told["handspan.workflow.outcome"] == outcome


def test_a_queued_task_may_come_as_bytes_and_from_a_later_version(handspan_spans: Spans) -> None:
    """Redis and SQS give bytes; the other program may have been updated first."""
    with handspan.workflow("w", id="ticket-7"):
        text = str(handspan.queue_task("bug_fix"))
    with handspan.task.queued(text.encode()):
        run = handspan.current_run()
    assert run
    assert run.id == "ticket-7"
    later = QueuedTask.parse(text.replace('"type"', '"colour": "red", "type"'))
    assert later.type == "bug_fix"
    for wrong in ('{"type": 5, "queued_at_ns": 1}', '{"type": "a"}', "[1]", "null", "{"):
        with pytest.raises(ValueError, match="not a queued task"):
            QueuedTask.parse(wrong)
    assert len(handspan_spans) == 2


def test_a_rating_of_nothing_that_can_be_found_is_told(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """It is kept, for what it says; but who gave it should know."""
    handspan.rate(4.0, of=5)  # type: ignore[arg-type]
    handspan.rate(True, success=True, of=("zz", "y"))
    told = [dict(span.attributes or {}).get("handspan.rating.quality") for span in handspan_spans]
    assert told == [4, None]
    assert sum("cannot find what is rated" in record.message for record in caplog.records) == 2
