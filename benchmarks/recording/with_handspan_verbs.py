"""Handspan's verbs and attribution on a bare SDK, without what `configure()` adds to its provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import with_bare
from with_handspan import MODULE, work

if TYPE_CHECKING:
    from drop import DropExporter

__all__ = ["MODULE", "prepare", "work"]


def prepare(exporter: DropExporter) -> None:
    """Set the bare SDK up; the first verb finds its provider and teaches it attribution."""
    with_bare.prepare(exporter)
