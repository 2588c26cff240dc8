"""Every example that users read is run: those of docstrings, and those of README."""

from __future__ import annotations

import doctest
import inspect
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import handspan
from handspan import context

if TYPE_CHECKING:
    from handspan.testing import Spans

ROOT = Path(__file__).parents[2]


class Answer(str):
    """What any of the example's functions returns: some text with a model and some tokens."""

    __slots__ = ()
    model = "gpt-5-mini-2025-08-07"
    tokens_so_far = 3
    solved = True


def answer(*_: object, **__: object) -> Answer:
    """Answer anything."""
    return Answer("yes")


class Client:
    """A model's client."""

    responses = SimpleNamespace(create=answer)

    def stream(self, question: str) -> list[Answer]:
        """Answer in pieces."""
        return [Answer(word) for word in question.split()]


def around() -> dict[str, Any]:
    """Return what a reader takes to be there: a question, and functions of the user's own."""
    functions = "search cached write decide fix is_clean ask_the_boss work"
    return {
        "handspan": handspan,
        "client": Client(),
        "question": "where is my refund?",
        "answer": answer(),
        "ticket": "ticket-7",
        "queue": SimpleQueue[Any](),
        "request": SimpleNamespace(headers={"accept": "text/plain"}),
        "team": type("Team", (), {"work": answer, "__call__": answer})(),
        "ThreadPoolExecutor": ThreadPoolExecutor,
        "Thread": Thread,
        **dict.fromkeys(functions.split(), answer),
    }


def documented() -> dict[str, object]:
    """Return every public thing, and the methods that have examples of their own."""
    names = [name for name in handspan.__all__ if name != "context"]
    found: dict[str, object] = {name: getattr(handspan, name) for name in names}
    found |= {
        f"context.{name}": value
        for name, value in vars(context).items()
        if inspect.isfunction(value) and value.__module__ == context.__name__ and name[0] != "_"
    }
    found["llm.streamed"] = handspan.llm.streamed
    return found


SWITCHES = {"configure", "console", "flush", "instrument"}
"""They change this process; test_configure.py and test_console.py run them."""
WITHOUT_EXAMPLE = {
    "BudgetExceeded",
    "flush",
    "context.extract",
    "context.inside",
    "context.run_in",
    "context.span_context",
    "context.with_run",
    "context.current_run",
}


@pytest.mark.parametrize("name", sorted(documented().keys() - WITHOUT_EXAMPLE))
def test_everything_public_has_an_example(name: str) -> None:
    """A reader should be able to use each verb from its docstring alone."""
    assert ">>> " in (inspect.getdoc(documented()[name]) or "")


@pytest.mark.parametrize("name", sorted(documented().keys() - WITHOUT_EXAMPLE - SWITCHES))
def test_the_example_runs_as_printed(name: str, handspan_spans: Spans) -> None:
    """It shows what it shows, records something, and Handspan has no error of its own in it."""
    text = inspect.getdoc(documented()[name]) or ""
    example = doctest.DocTestParser().get_doctest(text, around(), name, None, None)
    told: list[str] = []
    failed = doctest.DocTestRunner().run(example, out=told.append).failed
    assert failed == 0, "".join(told)
    assert len(handspan_spans) > 0


def test_the_verbs_in_the_readme_run_as_printed(
    handspan_spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what people copy first."""
    monkeypatch.setattr(handspan, "configure", lambda: None)  # the test records already
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    exec(compile(program, "README.md", "exec"), {})  # noqa: S102 - our own README
    assert handspan_spans.tree() == [
        "invoke_workflow answer ticket",
        "  invoke_agent triage",
        "    chat gpt-4.1-mini",
        "  handoff writer",
        "  invoke_agent writer",
    ]
