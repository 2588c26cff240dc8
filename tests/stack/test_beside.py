"""The real instrumentors of others in one program with Handspan: each call is one span."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import pytest
from stack.tools import FRAMEWORKS
from tests.end_to_end.processes import ROOT
from tests.stack.drawing import tool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

OTHERS = {
    "openinference": "openinference.instrumentation.openai_agents",
    "openllmetry": "opentelemetry.instrumentation.openai_agents",
    "official": "opentelemetry.instrumentation.genai.openai_agents",
}
"""Source of the recordings -> the module, and the scope, of its instrumentor."""

PROGRAM = """
import json, sys
from agents import set_trace_processors
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import handspan
from stack.frameworks import with_openai_agents as program

kept = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(provider)
set_trace_processors([])
STEPS
program.tell("refund")
handspan.flush()
print(json.dumps([
    [span.instrumentation_scope.name, span.name, span.context.trace_id]
    for span in kept.get_finished_spans()
]))
"""
OTHER_ON = "program._instrumentor({source!r}).instrument()"


class Seen(NamedTuple):
    """What the program's provider got, and what stood on stderr."""

    spans: list[tuple[str, str, int]]
    """Scope, name and trace of each."""
    warnings: list[str]

    @property
    def scopes(self) -> set[str]:
        """Who recorded."""
        return {scope for scope, _, _ in self.spans}


Run = Callable[..., Seen]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a team of OpenAI's agents, on its scripted model, after some lines."""
    folder = tmp_path_factory.mktemp("handspan")
    installed(folder)

    def run(*steps: str) -> Seen:
        done = subprocess.run(
            [tool(FRAMEWORKS["openai_agents"]), "-c", PROGRAM.replace("STEPS", "\n".join(steps))],
            env={"PYTHONPATH": f"{folder}:{ROOT}", "OTEL_LOGS_EXPORTER": "none"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        spans = [(scope, name, trace) for scope, name, trace in json.loads(done.stdout)]
        return Seen(spans, [line for line in done.stderr.splitlines() if "Handspan" in line])

    return run


def installed(folder: Path) -> None:
    """Install Handspan alone: with its entry points, which name the frameworks."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-build-isolation", "--target", str(folder), str(ROOT)]
    subprocess.run([*pip, *alone], check=True)


@pytest.mark.parametrize("source", OTHERS)
def test_who_was_there_first_records_alone(run: Run, source: str) -> None:
    """Lesson 2: two instrumentors of one framework make two spans of each call."""
    alone = run(OTHER_ON.format(source=source))
    both = run(OTHER_ON.format(source=source), "handspan.configure()")

    assert both.scopes == {OTHERS[source]} == alone.scopes
    assert names(both) == names(alone)
    assert len(both.warnings) == 1
    assert f"{OTHERS[source]} records openai_agents already" in both.warnings[0]


@pytest.mark.parametrize("source", OTHERS)
def test_who_comes_later_is_named(run: Run, source: str) -> None:
    """Handspan cannot take the other back, but whoever reads the log knows what to do.

    OpenInference takes the SDK's other processors out, so that its spans are the only ones.
    """
    both = run("handspan.configure(instrument=['openai_agents'])", OTHER_ON.format(source=source))

    assert OTHERS[source] in both.scopes
    assert len(both.warnings) == 1
    assert f"{OTHERS[source]} and Handspan both record openai_agents" in both.warnings[0]


@pytest.mark.parametrize("source", OTHERS)
def test_verbs_around_a_foreign_instrumentor_are_one_trace(run: Run, source: str) -> None:
    """The workflow is Handspan's, what is inside is the other's; nobody starts a second trace."""
    both = run(
        OTHER_ON.format(source=source),
        "handspan.configure(instrument=[])",
        "program.tell = handspan.workflow('support')(program.tell)",
    )

    assert both.scopes == {"handspan", OTHERS[source]}
    assert both.warnings == []
    assert len({trace for _, _, trace in both.spans}) == 1


def names(seen: Seen) -> Sequence[str]:
    """Return the names of the spans, sorted."""
    return sorted(name for _, name, _ in seen.spans)
