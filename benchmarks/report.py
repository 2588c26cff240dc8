"""Figures as Markdown, and their place in RESULTS.md."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import Spread
from stack.tools import COLLECTOR, ROTEL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.comparing import Run

RESULTS = Path(__file__).parent / "RESULTS.md"

_COLUMNS: tuple[tuple[str, Callable[[Run], float], int], ...] = (
    ("CPU us/span, stored", lambda run: run.cpu_us, 1),
    ("CPU us/span, settled", lambda run: run.cpu_settled_us, 1),
    ("stored k/s", lambda run: run.stored_per_s / 1e3, 1),
    ("acked k/s", lambda run: run.acknowledged_per_s / 1e3, 1),
    ("ack p50 ms", lambda run: run.p50_ms, 0),
    ("ack p99 ms", lambda run: run.p99_ms, 0),
    ("peak MB", lambda run: run.peak_mb, 0),
)


def machine() -> str:
    """Return where and of what the figures are."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - the developer's own git
        capture_output=True,
        text=True,
        check=False,
        cwd=RESULTS.parent,
    ).stdout.strip()
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit or 'unknown'}; "
        f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, "
        f"chdb {version('chdb')}, Collector {COLLECTOR.version}, rotel {ROTEL.version}; "
        f"load average before the first run {load:.1f}."
    )


def table(runs: Sequence[Run]) -> str:
    """Return one row per system in the order of the runs: min / median / max of the rounds."""
    heads = ["system", *(name for name, _, _ in _COLUMNS), "every span once"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for system in dict.fromkeys(run.system for run in runs):
        mine = [run for run in runs if run.system == system]
        cells = [Spread.of(map(value, mine)).text(digits) for _, value, digits in _COLUMNS]
        whole = sum(run.complete for run in mine)
        lines.append(_row([system, *cells, f"{whole} of {len(mine)}"]))
    return "\n".join(lines)


def remarks(runs: Sequence[Run]) -> str:
    """Return what the table has no column for."""
    noise = Spread.of(run.others_cores for run in runs).text(2)
    rounds = len({run.round for run in runs})
    lines = [
        f"- {rounds} interleaved rounds of {runs[0].spans} spans.",
        f"- Cores that other programs used meanwhile: {noise}.",
        *(f"- {line}" for line in _counts(runs)),
    ]
    if refused := {run.system: run.refusals for run in runs if run.refusals}:
        said = ", ".join(f"{system} {number}" for system, number in refused.items())
        lines.append(f"- Answers that asked to come again, in one run: {said}.")
    return "\n".join(lines)


def ratios(runs: Sequence[Run], ours: str) -> str:
    """Return our CPU per span against each peer's, round by round."""
    mine = {run.round: run for run in runs if run.system == ours}
    lines = []
    for system in dict.fromkeys(run.system for run in runs if run.system != ours):
        peers = [run for run in runs if run.system == system and run.round in mine]
        if not peers:
            continue
        stored = Spread.of(mine[run.round].cpu_us / run.cpu_us for run in peers)
        settled = Spread.of(mine[run.round].cpu_settled_us / run.cpu_settled_us for run in peers)
        lines.append(
            f"- CPU per span, {ours} to {system}: {stored.text(2)} until stored, "
            f"{settled.text(2)} settled."
        )
    return "\n".join(lines)


def write(text: str, part: str = "measured") -> None:
    """Put a part of RESULTS.md in the place of the last one.

    Args:
        text: what was measured.
        part: name in the marks around it.
    """
    page = RESULTS.read_text(encoding="utf-8")
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    pattern = re.compile(f"{begin}.*{end}", re.DOTALL)
    measured = f"{begin}\n{text}\n{end}"
    RESULTS.write_text(pattern.sub(lambda _: measured, page), encoding="utf-8")


def say(line: str) -> None:
    """Tell whoever waits what is happening."""
    sys.stderr.write(line + "\n")


def _counts(runs: Sequence[Run]) -> list[str]:
    lines = []
    for run in runs:
        found = run.counted
        if not run.complete:
            lines.append(
                f"{run.system}, round {run.round + 1}: {found.rows} rows, {found.distinct} "
                f"different spans: not each span once."
            )
        if found.agent_spans is not None:
            lines.append(
                f"{run.system}, round {run.round + 1}: {found.agent_spans} agent spans, "
                f"{found.runs} runs, {found.llm_calls} calls; the last facts "
                f"{run.facts_after_s:.0f} s after the last span was stored; "
                f"{run.rest_mb:.0f} MB at rest."
            )
    return lines


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()
