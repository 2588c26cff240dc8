"""The guide's lines for each framework, run as they are printed, lead to the figures it promises.

Each block of `docs/framework_lines.md` runs in its framework's environment, before the story that
the recordings tell, with its scripted models. Where spans go, and that they go over HTTP (gRPC is
not in all those environments), is said by variables; the lines are the page's.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from stack.frameworks import story
from stack.tools import FRAMEWORKS
from tests.end_to_end.processes import BIN, ROOT, Service, wait_for
from tests.stack.drawing import tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

PAGE = (ROOT / "docs" / "framework_lines.md").read_text(encoding="utf-8")
PINS = ROOT / "stack" / "frameworks" / "pins"
TEAM = {story.TRIAGE, story.REFUND}
EDGE = f"{story.TRIAGE} > {story.REFUND}"
REPLIES = (story.HANDS_OVER, *story.REFUND_REPLIES)
WITHOUT = {"OpenAI Agents SDK: Handspan's adapter", "Agents of your own"}
"""Parts of the page without a framework's environment; they have tests of their own below."""


@dataclass(frozen=True)
class Lines:
    """One part of the page: a framework, and what its lines must lead to."""

    heading: str
    framework: str
    ending: str = "refund"
    closes: bool = False
    """The first agent gets the answer back and has the last word."""
    tokens: bool = True
    """Somebody tells them."""
    handoffs: frozenset[str] = frozenset({EDGE})

    @property
    def input_tokens(self) -> int | None:
        """What the models were given in all; None: unknown."""
        replies = (*REPLIES, story.CLOSES) if self.closes else REPLIES
        return sum(reply.input_tokens for reply in replies) if self.tokens else None

    @cached_property
    def part(self) -> str:
        """The text under the heading."""
        return PAGE.split(f"### {self.heading}\n")[1].split("\n#")[0]

    def blocks(self, language: str) -> list[str]:
        """Return the part's blocks of a language."""
        return re.findall(rf"^```{language}\n(.*?)^```", self.part, re.MULTILINE | re.DOTALL)


PARTS = (
    Lines("LangGraph, LangChain: OpenTelemetry's instrumentor", "langgraph", "swarm-refund"),
    Lines("Pydantic AI: its own telemetry", "pydantic_ai", closes=True, handoffs=frozenset()),
    Lines("CrewAI: its own telemetry, or OpenInference with events", "crewai", closes=True),
    Lines("AutoGen: its own telemetry, with OpenInference on top", "autogen", tokens=False),
    Lines("Strands: its own telemetry", "strands", closes=True),
)


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return one service for all frameworks: each is a service of its own there."""
    # Some tell of no run as a whole: the page says how long one waits for it, and by which option.
    one = Service(tmp_path_factory.mktemp("frameworks"), ["--implicit-run-s", "2"])
    try:
        one.start()
        yield one
    finally:
        one.stop()


def test_every_part_of_the_page_is_run() -> None:
    """A framework that is added to the page must be added here."""
    proven = PAGE.split("## Proven on recordings")[1].split("## Not recorded")[0]
    headings = set(re.findall(r"^### (.*)$", proven, re.MULTILINE))
    assert headings == {part.heading for part in PARTS} | (WITHOUT & headings)
    python = re.findall(r"^```python$", PAGE, re.MULTILINE)
    assert len(python) == len(PARTS) + 1, "and the block of the agents of one's own"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.framework)
def test_what_the_page_says_to_install_is_what_is_run(part: Lines) -> None:
    """A package that was renamed is noticed when the environments are pinned anew."""
    wanted = (PINS / f"{part.framework}.in").read_text(encoding="utf-8").splitlines()
    for block in part.blocks(""):
        names = block.removeprefix("pip install ").split()
        assert set(names) <= set(wanted)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.framework)
def test_the_lines_of_a_framework_lead_to_its_figures(part: Lines, serve: Service) -> None:
    """One run, both agents, the handoff between them, and the tokens where somebody tells them."""
    (lines,) = part.blocks("python")
    tells = (
        f"from stack.frameworks import with_{part.framework} as team\nteam.tell('{part.ending}')"
    )
    # As a program that a user wrote: the lines first, agents after them.
    run([tool(FRAMEWORKS[part.framework]), "-c", f"{lines}\n{tells}\n"], serve, part.framework)
    wait_for(lambda: asked(serve, "workflow_success_ratio", part)[:1], "the run")
    serve.await_facts()
    (success,) = asked(serve, "workflow_success_ratio", part)
    assert (success["n"], success["successful"]) == (1, 1)
    agents = {row["group"] for row in asked(serve, "agent_performance", part, "agent")}
    assert agents == TEAM
    assert {row["group"] for row in asked(serve, "handoffs", part, "edge")} == part.handoffs
    (tokens,) = asked(serve, "tokens", part)
    assert tokens["input_tokens"] == part.input_tokens
    (cost,) = asked(serve, "cost_usd", part)
    assert (cost["cost_usd"] is not None) == part.tokens


def test_the_line_of_the_openai_agents_sdk_leads_to_its_figures(
    serve: Service, tmp_path: Path
) -> None:
    """`handspan-instrument python my_agents.py`, and my_agents.py knows nothing of it."""
    part = Lines("OpenAI Agents SDK: Handspan's adapter", "openai_agents")
    (line,) = part.blocks("")
    program = "from stack.frameworks import with_openai_agents as team\nteam.tell('refund')\n"
    (tmp_path / "my_agents.py").write_text(program, encoding="utf-8")
    run(["/bin/sh", "-c", line], serve, part.framework, tmp_path)
    wait_for(lambda: asked(serve, "workflow_success_ratio", part)[:1], "the run")
    serve.await_facts()
    assert {row["group"] for row in asked(serve, "agent_performance", part, "agent")} == TEAM
    assert {row["group"] for row in asked(serve, "handoffs", part, "edge")} == {EDGE}
    (tokens,) = asked(serve, "tokens", part)
    assert tokens["input_tokens"] == part.input_tokens


def test_the_lines_for_agents_of_ones_own_lead_to_a_run(serve: Service) -> None:
    """The last block of the page, in the environment that has nothing but Handspan's needs."""
    last = PAGE.split("## Agents of your own")[1]
    (lines,) = re.findall(r"^```python\n(.*?)^```", last, re.MULTILINE | re.DOTALL)
    part = Lines("Agents of your own", "own")
    run([BIN / "python", "-c", lines], serve, "own")
    wait_for(lambda: asked(serve, "workflow_success_ratio", part)[:1], "the run")
    serve.await_facts()
    assert {row["group"] for row in asked(serve, "agent_performance", part, "agent")} == {"triage"}


def run(
    command: list[str | Path], serve: Service, framework: str, folder: Path | None = None
) -> None:
    """Run a program to its end, its spans going to `serve`."""
    variables = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'instrumentation'}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{serve.http}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": framework,
        # No framework may speak to its maker from a test.
        "CREWAI_DISABLE_TELEMETRY": "true",
        "OPENAI_API_KEY": "none",
    }
    done = subprocess.run(
        [str(word) for word in command],
        env=os.environ | variables,
        cwd=folder or ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def asked(serve: Service, kpi: str, part: Lines, by: str = "total") -> list[dict[str, Any]]:
    """Return the rows of a KPI for one framework; those of a total only when it has cases."""
    rows: list[dict[str, Any]] = serve.ask(f"kpis/{kpi}?by={by}&service={part.framework}")["rows"]
    return [row for row in rows if row["n"] or kpi in {"tokens", "cost_usd"}]
