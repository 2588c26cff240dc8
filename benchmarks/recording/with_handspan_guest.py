"""Handspan on a provider of the program's own: completed in the recording thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording import with_bare
from benchmarks.recording.with_handspan import without_prices, work

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter

__all__ = ["prepare", "work"]


def prepare(exporter: DropExporter) -> None:
    """Set the bare SDK up; the first verb finds its provider."""
    without_prices()
    with_bare.prepare(exporter)
