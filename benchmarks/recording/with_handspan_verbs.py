"""Handspan's verbs and attribution on a bare SDK: what recording costs without completing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording import with_bare
from benchmarks.recording.with_handspan import work
from opentelemetry import trace

from handspan.record.tracer import use_provider

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter

__all__ = ["prepare", "work"]


def prepare(exporter: DropExporter) -> None:
    """Set the bare SDK up and record with it, spans leaving as they are."""
    with_bare.prepare(exporter)
    use_provider(trace.get_tracer_provider(), completing=False)
