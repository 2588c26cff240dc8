"""Traceloop's decorators, its instrumentors off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording.said import AGENT, ANSWERED, ASKED, TOOL, USED, WORKFLOW
from opentelemetry.trace import get_current_span
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import agent, task, tool, workflow

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter


def prepare(exporter: DropExporter) -> None:
    """Set Traceloop up."""
    Traceloop.init(app_name="bench", exporter=exporter, instruments=set(), telemetry_enabled=False)


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


ask = task(name="gpt-5-mini")(_ask)
search = tool(name="search")(_search)
triage = agent(name="triage")(_triage)
work = workflow(name="support")(_support)
