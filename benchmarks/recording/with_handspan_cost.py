"""Handspan with the extra `cost`: every call is priced before its span ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording.with_handspan import work

import handspan

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter

__all__ = ["prepare", "work"]


def prepare(exporter: DropExporter) -> None:
    """Set Handspan up."""
    handspan.configure(exporter=exporter, instrument=())
