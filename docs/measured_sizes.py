"""The table of sizes in docs/sizing.md, made of what the benchmarks wrote into RESULTS.md."""

from __future__ import annotations

import re
from typing import NamedTuple


class Row(NamedTuple):
    """One load of the table, and where its figures stand in RESULTS.md."""

    load: str
    found: str
    """Regular expression; its groups fill `took`."""
    took: str


_MEDIAN = r"[\d.]+ / \*\*([\d.]+)\*\* / [\d.]+"
_RANGE = r"([\d.]+) / \*\*[\d.]+\*\* / ([\d.]+)"
_SKIPPED = r"[^|\n]*"
_CELL = rf" \| {_SKIPPED}"
ROWS = (
    Row(
        "at rest, nothing stored yet",
        r"Idle for \d+ s, nothing stored yet: ([\d.]+)% of a core, (\d+) MB",
        "{0} % of a core, {1} MB",
    ),
    Row(
        "1,000 spans/s (20 runs/s)",
        r"1000 spans/s in requests of 51: ([\d.]+)% of a core",
        "{0} % of a core",
    ),
    Row(
        "the same, while somebody waits for a run",
        r"a trace is a run with all its facts ([\d.]+) s \(p50\) and ([\d.]+) s \(p95\)",
        "seen {0} s after it was sent (median), {1} s at the 95 % mark",
    ),
    Row(
        "2,000 spans/s with three people before dashboards",
        rf"\| 2000 spans/s \| 3{_CELL * 4} \| {_MEDIAN}{_CELL} \| {_MEDIAN}",
        "{0} cores; a panel takes {1} ms (median)",
    ),
    Row(
        "half load",
        r"Half load, (\d+) spans/s for (\d+) s: ([\d.]+) cores",
        "{0} spans/s for {1} s: {2} cores",
    ),
    Row("memory there", r"Memory there is [^\n]* (\d+) MB at its highest", "{0} MB at its highest"),
    Row(
        "as fast as it takes, 8 connections",
        rf"span \(658 B[^#]*?\| Handspan{_CELL * 2} \| {_RANGE} \| {_RANGE}{_CELL * 2}"
        rf" \| {_MEDIAN}",
        "{2} to {3} thousand spans/s acknowledged from disk, {0} to {1} stored;"
        " {4} MB at its highest",
    ),
    Row(
        "one span",
        rf"span \(658 B[^#]*?\| Handspan \| {_MEDIAN} \| {_MEDIAN}",
        "{0} us of CPU until stored, {1} us with all facts computed (medians)",
    ),
    Row(
        "one span with 4 KiB of messages",
        rf"4 KiB of messages per span[^#]*?\| Handspan \| {_MEDIAN} \| {_MEDIAN}",
        "{0} us until stored, {1} us with all facts",
    ),
)


def sizes_table(results: str) -> str:
    """Return the table in Markdown; a figure that RESULTS.md lacks is a line less.

    Raises:
        ValueError: none is found, so that the words of RESULTS.md have changed.
    """
    rows = [
        f"| {row.load} | {row.took.format(*found.groups())} |"
        for row in ROWS
        if (found := re.search(row.found, results))
    ]
    if len(rows) < len(ROWS) - 3:  # a quick run leaves out rest, steady load and half load
        raise ValueError("benchmarks/RESULTS.md has other words than docs/measured_sizes.py")
    when = re.search(r"measured: begin -->\n([\d-]+) [^,]*, commit (\w+)", results)
    said = f"Measured on {when[1]}, commit {when[2]}." if when else ""
    return "\n".join([said, "", "| load | what it took |", "|---|---|", *rows]) + "\n"
