"""Handspan's verbs and attribution on a bare SDK, without what `configure()` adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording import with_bare
from benchmarks.recording.with_handspan import work

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter

__all__ = ["prepare", "work"]


def prepare(exporter: DropExporter) -> None:
    """Set the bare SDK up; the first verb finds its provider and teaches it attribution."""
    with_bare.prepare(exporter)
