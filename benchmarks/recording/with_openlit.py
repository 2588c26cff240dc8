"""OpenLIT's manual spans on an SDK of our own; its instrumentors are off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import openlit
from benchmarks.recording import with_bare
from benchmarks.recording.said import AGENT, ANSWERED, ASKED, TOOL, USED, WORKFLOW

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter

_NO_PRICES = Path(__file__).with_name("no_prices.json")


def prepare(exporter: DropExporter) -> None:
    """Set the SDK up; OpenLIT takes its provider."""
    with_bare.prepare(exporter)
    openlit.init(disable_metrics=True, pricing_json=str(_NO_PRICES))  # else it asks the network


def work() -> None:
    """Record one run."""
    with openlit.start_trace("support") as run:
        run.set_metadata(WORKFLOW)
        with openlit.start_trace("triage") as agent:
            agent.set_metadata(AGENT)
            with openlit.start_trace("search") as tool:
                tool.set_metadata(TOOL)
            with openlit.start_trace("gpt-5-mini") as call:
                call.set_metadata({**ASKED, **ANSWERED, **USED})
