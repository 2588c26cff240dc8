"""Figures in pages of docs/, taken from benchmarks/RESULTS.md: a figure stands in one place.

A page has the marks `<!-- from RESULTS: <section>, <first cell of the table's head> -->` and
`<!-- end -->`; what is between them is the line that says when and where was measured, and that
table.
"""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_MARKS = re.compile(
    r"(<!-- from RESULTS: (?P<section>\w+), (?P<head>[\w, ]+) -->\n).*?(<!-- end -->)", re.DOTALL
)


def filled(page: str) -> str:
    """Return the text of a page of docs/ with every table between marks as RESULTS.md has it.

    Raises:
        LookupError: RESULTS.md has no such section or table.
    """
    results = (_ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    text = (_ROOT / "docs" / page).read_text(encoding="utf-8")
    return _MARKS.sub(lambda mark: f"{mark[1]}{_measured(results, mark)}\n{mark[4]}", text)


def _measured(results: str, mark: re.Match[str]) -> str:
    section = re.search(
        rf"<!-- {mark['section']}: begin -->\n(.+?)<!-- {mark['section']}: end -->",
        results,
        re.DOTALL,
    )
    if section is None:
        raise LookupError(f"RESULTS.md has no section {mark['section']!r}")
    start = rf"^\| {re.escape(mark['head'])} \|"
    table = re.search(rf"{start}.+?(?=\n\n|\Z)", section[1], re.MULTILINE | re.DOTALL)
    if table is None:
        raise LookupError(f"section {mark['section']!r} has no table that begins {mark['head']!r}")
    return f"{section[1].splitlines()[0]}\n\n{table[0].rstrip()}"
