"""What docs/compat.md, docs/testing.md and the docstrings show runs as printed."""

from __future__ import annotations

import doctest
import inspect
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import handspan
from handspan import log_context
from handspan.compat import chaos, counts, events, invocations, scenarios, session_log, workflows

if TYPE_CHECKING:
    from handspan.testing import Spans

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)

EXAMPLES = {
    f"{module.__name__}.{name}": value
    for module in (workflows, invocations, events, chaos, session_log, scenarios, log_context)
    for name, value in vars(module).items()
    if getattr(value, "__module__", "") == module.__name__
    and ">>> " in (inspect.getdoc(value) or "")
}


@pytest.mark.parametrize("number", range(len(BLOCK.findall((DOCS / "compat.md").read_text()))))
def test_the_page_for_who_has_an_older_api_runs_as_printed(
    number: int, handspan_spans: Spans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is copied line by line; each section makes spans and loses nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(events, "_emitter", None)
    program = BLOCK.findall((DOCS / "compat.md").read_text())[number]
    exec(compile(program, "compat.md", "exec"), {})  # noqa: S102 - our own page
    assert len(handspan_spans) > 0
    assert counts() == {}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_call_runs_as_printed(name: str, handspan_spans: Spans) -> None:
    """Who reads a docstring should get what it shows."""
    session = chaos.start_session(seed=7)
    around = vars(sys.modules[name.rpartition(".")[0]]) | {
        "invocation_id": invocations.log_invocation("coder", "developer", "fix it", {}),
        "handspan": handspan,
        "session": session,
        "logger": logging.getLogger("example"),
    }
    text = inspect.getdoc(EXAMPLES[name]) or ""
    example = doctest.DocTestParser().get_doctest(text, around, name, None, None)
    told: list[str] = []
    assert doctest.DocTestRunner().run(example, out=told.append).failed == 0, "".join(told)
    session.end_session()
    assert len(handspan_spans) > 0


def test_every_call_of_the_older_apis_is_shown() -> None:
    """A call without its migration line would be a dead end."""
    page = (DOCS / "compat.md").read_text()
    for module in (workflows, invocations, scenarios):
        for name in set(module.__all__) - {"log_context"}:
            assert f"{name}(" in page
    for name in [one for one in vars(chaos.Session) if one.startswith(("log_", "end_", "eval"))]:
        assert name in page


@pytest.mark.end_to_end
def test_the_page_on_testing_runs_as_printed(tmp_path: Path) -> None:
    """It is the first test that a team writes with Handspan."""
    (block,) = BLOCK.findall((DOCS / "testing.md").read_text())
    (tmp_path / "test_team.py").write_text(block)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout
