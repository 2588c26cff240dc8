"""What recording costs, against a bare OpenTelemetry SDK: `make bench-record`.

    python -m benchmarks.record --pairs 3
    python -m benchmarks.record --peers --pairs 4 --write

Each SDK runs in a process of its own, right after a bare one that it is compared with; a peer
also in an environment of its own, installed into the cache at first use. Nothing is sent.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.recording.environments import Missing, peers, python_of
from benchmarks.report import machine, write

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = Path(__file__).parents[1]
_CONTROL = "bare"
_OURS = (_CONTROL, "handspan-verbs", "handspan", "handspan-guest", "handspan-cost")
_LOSSES = ("refused", "hangs")
_LIMIT_S = 300


def main() -> int:
    """Measure what the options ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=7, help="of each SDK with a bare one")
    parser.add_argument("--peers", action="store_true", help="other SDKs too; installs them once")
    parser.add_argument("--no-down", action="store_true", help="leave out the lost receiver")
    parser.add_argument("--write", action="store_true", help="into benchmarks/RESULTS.md")
    given = parser.parse_args()
    names = [*_OURS, *(peers() if given.peers else ())]
    said = f"{machine()}; {given.pairs} pairs"
    down = () if given.no_down else _down()
    text = "\n".join([said, "", *_table(names, given.pairs), *_small(), *down])
    sys.stdout.write(text + "\n")
    if given.write:
        write(text, "recorded")
    return 0


def _table(names: Sequence[str], pairs: int) -> list[str]:
    """Return the rows of all SDKs; each round has every one, so that none has the quiet hour."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    failed: dict[str, str] = {}
    for number in range(pairs):
        for name in [name for name in names if name not in failed]:
            sys.stderr.write(f"pair {number + 1} of {pairs}: {name}\n")
            try:
                found[name].append((_cpu_us(_CONTROL), _cpu_us(name)))
            except (Missing, subprocess.SubprocessError) as error:
                failed[name] = str(error)
    head = [
        "| SDK | CPU us per run of 4 spans | ratio to bare, min / **median** / max |",
        "|---|---|---|",
    ]
    return [*head, *(_row(name, found[name]) for name in names if found[name]), *_told(failed)]


def _row(name: str, pairs: Sequence[tuple[float, float]]) -> str:
    ratios = [own / bare for bare, own in pairs]
    version = f" {peers()[name]['version']}" if name in peers() else ""
    label = "bare, against itself" if name == _CONTROL else f"{name}{version}"
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    cpu_us = statistics.median(own for _, own in pairs)
    return f"| {label} | {cpu_us:.0f} | {low:.2f} / **{middle:.2f}** / {high:.2f} |"


def _told(failed: dict[str, str]) -> list[str]:
    return [f"| {name} | not measured: {reason} | |" for name, reason in failed.items()]


def _cpu_us(name: str) -> float:
    """Return the CPU of one run, median of 20 rounds of 500 in one process."""
    return float(_printed(python_of(name), "measured", name)["cpu_us"])


def _small() -> list[str]:
    """Return what Handspan costs besides spans."""
    cost = _printed(sys.executable, "small_costs")
    return [
        "",
        "| besides spans | |",
        "|---|---|",
        f"| a block where nothing is recorded | {cost['no_op_us']:.2f} us |",
        f"| a decorated call where nothing is recorded | {cost['no_op_decorated_us']:.2f} us |",
        f"| `import handspan` beyond the SDK's import | {cost['import_ms']:.0f} ms |",
        f"| an open run: a workflow and an agent in it | {cost['open_run_bytes'] / 1e3:.1f} kB |",
        f"| of it the SDK's two spans | {cost['open_run_of_the_sdk_bytes'] / 1e3:.1f} kB |",
        (
            f"| a run of 30 minutes, four spans a second: kept at its end, at most | "
            f"{cost['half_an_hour_mb']:.2f}, {cost['half_an_hour_peak_mb']:.2f} MB |"
        ),
        (
            f"| `pip install handspan` beyond the SDK and its exporter | "
            f"{cost['installed_mb']:.1f} MB |"
        ),
    ]


def _down() -> list[str]:
    """Return what a program notices of a receiver that goes away, beside a bare SDK's."""
    lines = [
        "",
        "| receiver lost | one run before, p50 / p99 us | after | `flush()` | lines on stderr |",
        "|---|---|---|---|---|",
    ]
    for loss in _LOSSES:
        for name in ("handspan", _CONTROL):
            sys.stderr.write(f"receiver {loss}: {name}\n")
            done = _run(sys.executable, "receiver_down", name, loss)
            cost = _figures(done)
            told = len(done.stderr.strip().splitlines())
            lines.append(
                f"| {loss}: {name} | {cost['p50_before_us']:.0f} / {cost['p99_before_us']:.0f} "
                f"| {cost['p50_after_us']:.0f} / {cost['p99_after_us']:.0f} "
                f"| {bool(cost['flush_said'])} after {cost['flush_s']:.1f} s | {told} |"
            )
    return lines


def _printed(python: str, program: str, *given: str) -> dict[str, float]:
    return _figures(_run(python, program, *given))


def _run(python: str, program: str, *given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-m", f"benchmarks.recording.{program}", *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
        timeout=_LIMIT_S,
    )


def _figures(done: subprocess.CompletedProcess[str]) -> dict[str, float]:
    if done.returncode:
        raise subprocess.SubprocessError((done.stderr.strip().splitlines() or ["no output"])[-1])
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


if __name__ == "__main__":
    sys.exit(main())
