"""Receive, keep and answer: the service of Handspan.

`ClickHouseSpanExporter` is what programs import from here; it is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handspan_exporter.span_exporter import ClickHouseSpanExporter

__all__ = ["ClickHouseSpanExporter"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as Python calls it
    if name == "ClickHouseSpanExporter":
        from handspan_exporter.span_exporter import (  # noqa: PLC0415 - pyarrow and ClickHouse
            ClickHouseSpanExporter,
        )

        return ClickHouseSpanExporter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
