"""Speed of ingest against the real Collector and rotel: `make bench-ingest`.

    python -m benchmarks.ingest --spans 102400 --rounds 1 --systems handspan collector
    python -m benchmarks.ingest --steady-s 600 --systems handspan

Processes on the loopback interface, a fresh database for each run; nothing is left behind.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.comparing import Run, compare
from benchmarks.lag import lag
from benchmarks.steady import steady
from benchmarks.systems import SYSTEMS, Failed, Handspan
from benchmarks.workload import Workload
from stack.tools import Missing

if TYPE_CHECKING:
    from argparse import Namespace


def main() -> int:
    """Measure what the options ask for."""
    given = _options()
    try:
        text = _measured(given)
    except (Missing, Failed) as error:
        report.say(f"no figures: {error}")
        return 1
    sys.stdout.write(text + "\n")
    if given.write:
        report.write(text)
    return 0


def _options() -> Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, default=409_600, help="of one run")
    parser.add_argument("--rounds", type=int, default=3, help="0: only the steady part")
    parser.add_argument(
        "--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), metavar="SYSTEM"
    )
    parser.add_argument("--no-content", action="store_true", help="leave the 4 KiB profile out")
    parser.add_argument(
        "--steady-s", type=float, default=30.0, help="seconds at half load; 0: none, 600: ten min"
    )
    parser.add_argument(
        "--half-load", type=float, default=0.0, help="spans/s of it; 0: half of what was stored"
    )
    parser.add_argument(
        "--lag-s", type=float, default=20.0, help="seconds of each rate of facts' lag; 0: none"
    )
    parser.add_argument("--write", action="store_true", help="into benchmarks/RESULTS.md")
    parser.add_argument("--json", type=Path, help="append every run as one line")
    return parser.parse_args()


def _measured(given: Namespace) -> str:
    parts = [report.machine()]
    plain = _rounds(given, content=False)
    parts += _section(plain, content=False)
    if not given.no_content:
        # A quarter of the spans: each is seven times as large.
        parts += _section(_rounds(given, content=True), content=True)
    if given.steady_s and "handspan" in given.systems:
        stored = [run.stored_per_s for run in plain if run.system == Handspan.name]
        rate = given.half_load or max(stored, default=20_000) / 2
        parts += ["### Handspan over time", steady(half_load=rate, seconds=given.steady_s)]
    if given.lag_s and "handspan" in given.systems:
        parts += ["### Facts of long and short runs", lag(seconds=given.lag_s)]
    return "\n\n".join(parts)


def _rounds(given: Namespace, *, content: bool) -> list[Run]:
    """Run every system once per round, one after another."""
    runs = []
    for number in range(given.rounds):
        for name in given.systems:
            report.say(f"round {number + 1}, {SYSTEMS[name].name}, content: {content} ...")
            spans = given.spans // 4 if content else given.spans
            run = compare(SYSTEMS[name], spans=spans, content=content, number=number)
            report.say(report.table([run]).splitlines()[-1])
            runs.append(run)
            if given.json:
                with given.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(run)) + "\n")
    return runs


def _section(runs: list[Run], *, content: bool) -> list[str]:
    if not runs:
        return []
    load = Workload(seed=0, content=content)
    title = "4 KiB of messages per span" if content else "14 attributes and one event per span"
    return [
        f"### {title} ({load.bytes_per_span} B per span)",
        report.table(runs),
        report.remarks(runs),
        report.ratios(runs, Handspan.name),
    ]


if __name__ == "__main__":
    sys.exit(main())
