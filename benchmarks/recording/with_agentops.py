"""AgentOps' decorators, with its exporter replaced: the one it has sends nothing with this SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentops.sdk import core
from agentops.sdk.decorators import agent, operation, tool, trace
from benchmarks.recording.said import AGENT, ANSWERED, ASKED, TOOL, USED, WORKFLOW
from opentelemetry.trace import get_current_span

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter

_NOWHERE = "http://127.0.0.1:9"


def prepare(exporter: DropExporter) -> None:
    """Set AgentOps up, without its log-in."""
    core.AuthenticatedOTLPExporter = lambda **_: exporter
    core.tracer.initialize(exporter_endpoint=_NOWHERE, metrics_endpoint=_NOWHERE)


def _support() -> None:
    get_current_span().set_attributes(WORKFLOW)
    triage()


def _triage() -> None:
    get_current_span().set_attributes(AGENT)
    search()
    ask()


def _search() -> None:
    get_current_span().set_attributes(TOOL)


def _ask() -> None:
    get_current_span().set_attributes({**ASKED, **ANSWERED, **USED})


ask = operation(name="gpt-5-mini")(_ask)
search = tool(name="search")(_search)
triage = agent(name="triage")(_triage)
work = trace(name="support")(_support)
