"""Receive, keep and answer: the service of Handspan.

`Client` and `ClickHouseSpanExporter` are what programs import from here; each is loaded when it is
asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handspan_exporter.query.client import Client
    from handspan_exporter.span_exporter import ClickHouseSpanExporter

__all__ = ["ClickHouseSpanExporter", "Client"]

_WHERE = {
    "ClickHouseSpanExporter": "handspan_exporter.span_exporter",
    "Client": "handspan_exporter.query.client",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as Python calls it
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
