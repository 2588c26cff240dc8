"""Which statements are let through to the engine: decided on the syntax tree, not on the text.

`readonly = 1` in the engine refuses every write, every change of a setting and every table function
that leaves the process, and is set for each request. It does not refuse what an embedded engine can
do besides, because there the reader and the owner are the same person: the scalar function `file`
reads any file of this machine, `INTO OUTFILE` writes one, `KILL QUERY` ends the ingest's inserts,
`Python` reads this process. So what is unknown here is refused here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from handspan_exporter.web.clickhouse.refused import ACCESS_DENIED, READONLY, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Node = dict[str, Any]

_STATEMENTS: Final = frozenset(
    {"SelectWithUnionQuery", "SelectIntersectExceptQuery", "ShowTablesQuery", "ShowColumnsQuery"}
)
_EXPLAINED: Final = frozenset({"EXPLAIN", *(f"EXPLAIN {kind}" for kind in (
    "AST", "SYNTAX", "QUERY TREE", "PIPELINE", "ESTIMATE", "PLAN"
))})  # fmt: skip
TABLE_FUNCTIONS: Final = frozenset(
    {
        *("numbers", "numbers_mt", "zeros", "zeros_mt", "generateseries", "generate_series"),
        *("values", "view", "null", "generaterandom"),
    }
)
"""Lower case. Each makes its rows from its arguments."""
FUNCTIONS_REFUSED: Final = frozenset(
    {
        *("file", "catboostevaluate", "showcertificate", "getmacro", "getclienthttpheader"),
        *("filesystemavailable", "filesystemcapacity", "filesystemunreserved"),
        *("sleep", "sleepeachrow", "fuzzquery"),
        *("aiclassify", "aiembed", "aiextract", "aifilter", "aigenerate", "airedact"),
        *("aisimilarity", "aitranslate"),
    }
)
"""Lower case. They read this machine, ask another one, or do nothing but hold a place."""
SYSTEM_TABLES: Final = frozenset(
    {
        *("aggregate_function_combinators", "build_options", "clusters", "collations", "columns"),
        *("contributors", "data_skipping_indices", "data_type_families", "databases", "formats"),
        *("dictionaries", "events", "functions", "keywords", "licenses", "merges", "metrics"),
        *("mutations", "numbers", "numbers_mt", "one", "parts", "parts_columns", "projections"),
        *("settings", "table_engines", "table_functions", "tables", "time_zones", "zeros"),
        *("zeros_mt",),
    }
)
"""What clients and dashboards ask of `system`; the rest tells of the process and of other users."""

_NAME: Final = r"(?:`(?:[^`\\]|\\.)*`|[A-Za-z_]\w*)"
_ABOUT_TABLE: Final = re.compile(
    rf"(?:DESCRIBE TABLE|EXISTS(?: TABLE| VIEW| DATABASE)?|SHOW CREATE(?: TABLE| VIEW| DATABASE)?) "
    rf"(?P<database>{_NAME})(?:\.(?P<table>{_NAME}))?(?: FORMAT (?P<format>\w+))?"
)
"""Statements without a tree, as the engine itself formats them."""
_DESCRIBED: Final = re.compile(
    r"DESCRIBE TABLE \((?P<inner>.*)\)(?: FORMAT (?P<format>\w+))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a statement that may run says of its run."""

    form: str = ""
    """Of the answer; empty: it names none."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of its SETTINGS clauses."""


def judge(tree: str, parameters: Mapping[str, str]) -> Verdict:
    """Let a statement through.

    Args:
        tree: What the engine's `parseQueryToJSON` makes of the statement.
        parameters: Their values by name; one of the type Identifier becomes a name.

    Raises:
        Refused: it is not for reading, or reads what is not the store.
    """
    statement = json.loads(tree)
    kind = statement.get("type")
    if kind == "ExplainQuery":
        if statement.get("kind") not in _EXPLAINED:
            raise Refused(ACCESS_DENIED, f"{statement.get('kind')} is not offered here")
    elif kind not in _STATEMENTS:
        raise Refused(READONLY, "this address is for reading: SELECT, SHOW, DESCRIBE, EXPLAIN")
    settings: dict[str, str] = {}
    for node in _nodes(statement):
        _check(node)
        _check_parameters(node, parameters)
        if node.get("type") == "SetQuery":
            settings.update(_settings(node))
    named = statement.get("format_ast") or {}
    return Verdict(str(named.get("name", "")), settings)


def about_table(formatted: str) -> Verdict | None:
    """Let DESCRIBE, EXISTS and SHOW CREATE of a table through; None: it is no such statement.

    Args:
        formatted: What the engine's `formatQuerySingleLine` makes of the statement.

    Raises:
        Refused: it asks about what is not the store.
    """
    found = _ABOUT_TABLE.fullmatch(formatted)
    if found is None:
        return None
    if found["table"]:
        _check_table([found["database"].strip("`"), found["table"].strip("`")])
    return Verdict(found["format"] or "")


def described(formatted: str) -> tuple[str, Verdict] | None:
    """Return the SELECT inside a DESCRIBE, for `judge`, and the verdict if that lets it through."""
    found = _DESCRIBED.fullmatch(formatted)
    return (found["inner"], Verdict(found["format"] or "")) if found else None


def _settings(node: Node) -> Iterator[tuple[str, str]]:
    for change in node.get("changes") or ():
        value = change.get("value")
        yield str(change.get("name")), str(value.get("value") if isinstance(value, dict) else value)


def _check(node: Node) -> None:
    if node.get("out_file"):
        raise Refused(
            ACCESS_DENIED, "INTO OUTFILE is not offered here: it would write on the server"
        )
    if isinstance(function := node.get("table_function"), dict):
        name = str(function.get("name", ""))
        if name.lower() not in TABLE_FUNCTIONS:
            raise Refused(ACCESS_DENIED, f"the table function {name} is not offered here")
    # A function can be called by any name in a statement: `arrayMap(file, ...)`, `* APPLY(file)`.
    for word in _words(node):
        if word.lower() in FUNCTIONS_REFUSED:
            raise Refused(ACCESS_DENIED, f"the function {word} is not offered here")
    if node.get("type") in ("Identifier", "TableIdentifier"):
        _check_table(node.get("name_parts") or str(node.get("name", "")).split("."))


def _check_parameters(node: Node, parameters: Mapping[str, str]) -> None:
    """Let a parameter name a column, never a table or a function."""
    inner = [one for one in node.get("children") or () if isinstance(one, dict)]
    named = [one for one in inner if one.get("param_type") == "Identifier"]
    if named and (node.get("type") == "TableIdentifier" or len(node.get("name_parts") or ()) > 1):
        raise Refused(ACCESS_DENIED, "a parameter may name a column here, not a table")
    if node.get("param_type") == "Identifier":
        value = parameters.get(str(node.get("name")), "")
        if not re.fullmatch(r"\w*", value) or value.lower() in {*FUNCTIONS_REFUSED, "system"}:
            raise Refused(ACCESS_DENIED, f"the name {value[:60]} is not offered here")


def _check_table(parts: list[str]) -> None:
    if parts[0].lower() == "system" and len(parts) > 1 and parts[1].lower() not in SYSTEM_TABLES:
        raise Refused(ACCESS_DENIED, f"the table system.{parts[1]} is not offered here")


def _words(node: Node) -> Iterator[str]:
    """Yield the texts of a node itself; what a literal holds is data."""
    if node.get("type") == "Literal":
        return
    for value in node.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, str))


def _nodes(node: Any) -> Iterator[Node]:  # noqa: ANN401 - any part of a tree
    """Yield every object of the tree; without recursion, for statements may be deep."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
