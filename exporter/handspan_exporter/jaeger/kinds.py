"""Which attributes are no strings: the table keeps values as text, the names say what they were."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from handspan_exporter.columns import mapping

if TYPE_CHECKING:
    from handspan_exporter.otlp.encode import Kind

_SHAPES: Final[dict[str, Kind]] = {
    "count": "int",
    "number": "int",
    "instant": "int",
    "real": "double",
    "usd": "double",
    "flag": "bool",
    "yes_no": "bool",
    "texts": "string[]",
}
_TYPE: Final = re.compile(r"(string\[\]|string|int|double|bool)(?=\W)[^.]*\. ")


@cache
def kinds() -> dict[str, Kind]:
    """Return the attributes that are no strings, by name: what `semconv` says, then the mapping."""
    by_mapping = {
        source.key: _SHAPES[column.shape]
        for column in mapping.COLUMNS
        if column.shape in _SHAPES
        for source in column.sources
    }
    told = _told()
    found = {name: kind for name, kind in by_mapping.items() if name not in told}
    return found | {name: kind for name, kind in told.items() if kind != "string"}


def _told() -> dict[str, Any]:
    """Return the type that the text under each name of `handspan.semconv` begins with."""
    source = files("handspan").joinpath("semconv.py").read_text(encoding="utf-8")
    found = {}
    for node, below in pairwise(ast.parse(source).body):
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            told = _TYPE.match(" ".join(str(below.value.value).split()) + " ")
            if told is not None:
                found[str(node.value.value)] = told[1]
    return found
