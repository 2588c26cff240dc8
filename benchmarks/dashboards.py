"""Ingest while dashboards ask, against the same ingest while nobody does: `make bench-dashboards`.

    python -m benchmarks.dashboards --rounds 1 --seconds 5

One service and one store; quiet and viewers take turns, at a fixed rate and at the top load.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from benchmarks import report
from benchmarks.comparing import STORED_S, scratch
from benchmarks.measuring import Spread, cpu_s, quantile
from benchmarks.sending import send
from benchmarks.systems import Failed, Handspan, free_port, wait_until
from benchmarks.workload import Workload

from handspan_exporter.query import kpi

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from benchmarks.sending import Sent

CONNECTIONS = 6
"""Of a browser, or of Grafana for one dashboard."""
REFRESH_S = 5.0
_WARM_SPANS = 51_200
_SEED = 99


class Offered(Handspan):
    """`handspan serve` with the endpoint that readers ask."""

    def start(self) -> None:
        """Start the service on an empty store."""
        self.readers = free_port()
        self.options = ("--clickhouse-http", f"127.0.0.1:{self.readers}")
        super().start()


@dataclass(slots=True)
class Viewers:
    """People before dashboards, and how long their panels took."""

    port: int
    people: int
    answered_s: list[float] = field(default_factory=list)
    refused: int = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Refresh every dashboard over and over for the length of the block."""
        ended = threading.Event()
        threads = [threading.Thread(target=self._watch, args=(ended,)) for _ in range(self.people)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def _watch(self, ended: threading.Event) -> None:
        with ThreadPoolExecutor(CONNECTIONS) as panels:
            while not ended.is_set():
                began_s = time.monotonic()
                for took_s in panels.map(self._ask, _panels()):
                    self.answered_s.append(took_s)
                ended.wait(max(0.0, REFRESH_S - (time.monotonic() - began_s)))

    def _ask(self, panel: tuple[str, str]) -> float:
        began_s = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", f"/?{panel[0]}", panel[1].encode())
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status == 429:
            self.refused += 1
        elif answer.status != 200:
            raise Failed(f"a panel is answered with {answer.status}: {said[:500]!r}")
        return time.monotonic() - began_s


@dataclass(frozen=True, slots=True)
class Measured:
    """One turn."""

    people: int
    due_per_s: float
    """Spans; 0: as many as are acknowledged."""
    acknowledged_per_s: float
    stored_per_s: float
    p50_ms: float
    p99_ms: float
    cores: float
    panels: int
    panel_p50_ms: float
    panel_p95_ms: float


def main() -> int:
    """Measure what the options ask for."""
    given = _options()
    try:
        with scratch() as folder, Offered(folder) as system:
            text = _measured(system, given)
    except Failed as error:
        report.say(f"no figures: {error}")
        return 1
    sys.stdout.write(text + "\n")
    if given.write:
        report.write(text, "dashboards")
    return 0


def _options() -> Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="of one turn")
    parser.add_argument("--spans-per-s", type=float, default=2000.0, help="of the fixed rate")
    parser.add_argument("--top-spans", type=int, default=51_200, help="of a turn at top load")
    parser.add_argument("--people", type=int, nargs="+", default=[1, 3], help="who watch")
    parser.add_argument("--write", action="store_true", help="into benchmarks/RESULTS.md")
    return parser.parse_args()


def _measured(system: Offered, given: Namespace) -> str:
    load, turns, first = Workload(seed=_SEED), [], 0
    report.say(f"filling with {_WARM_SPANS} spans ...")
    _, first = _send(system, load, first, _WARM_SPANS, 0.0)
    for number in range(given.rounds):
        for rate in (given.spans_per_s, 0.0):
            for people in (0, *given.people):
                report.say(f"round {number + 1}: {rate or 'top'} spans/s, {people} viewers ...")
                spans = int(rate * given.seconds) or given.top_spans
                turn, first = _turn(system, load, first, spans, rate, people)
                turns.append(turn)
    return "\n\n".join([report.machine(), _table(turns), _ratios(turns)])


def _turn(
    system: Offered, load: Workload, first: int, spans: int, rate: float, people: int
) -> tuple[Measured, int]:
    viewers = Viewers(system.readers, people)
    with viewers.watching():
        before_s, began_s = cpu_s(system.pids), time.monotonic()
        sent, first = _send(system, load, first, spans, rate)
        took_s = time.monotonic() - began_s
        cores = (cpu_s(system.pids) - before_s) / took_s
    asked = viewers.answered_s or [0.0]
    return (
        Measured(
            people=people,
            due_per_s=rate,
            acknowledged_per_s=sent.spans / sent.took_s,
            stored_per_s=sent.spans / took_s,
            p50_ms=quantile(sent.acknowledged_s, 0.5) * 1e3,
            p99_ms=quantile(sent.acknowledged_s, 0.99) * 1e3,
            cores=cores,
            panels=len(viewers.answered_s),
            panel_p50_ms=quantile(asked, 0.5) * 1e3,
            panel_p95_ms=quantile(asked, 0.95) * 1e3,
        ),
        first,
    )


def _send(system: Offered, load: Workload, first: int, spans: int, rate: float) -> tuple[Sent, int]:
    """Return once all is stored: what clients saw, and the number of the next request."""
    numbers = range(first, first + max(1, spans // load.spans))
    sent = send(load, system.port, numbers, spans_per_s=rate or None)
    wait_until(lambda: system.has_stored(1), STORED_S, "the last span to be stored")
    return sent, numbers.stop


def _panels() -> list[tuple[str, str]]:
    """Return parameters and statement of each panel: every KPI, the last 24 hours, in total."""
    now_s = time.time()
    given = {f"param_{name}": "[]" for name in kpi.filters()} | {"param_by": kpi.TOTAL}
    for name, at_s in (("since", now_s - 86_400), ("until", now_s)):
        given[f"param_{name}"] = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_s))
    asked = urlencode(given)
    return [(asked, kpi.filled(f"kpi/{found.name}")) for found in kpi.catalog()]


def _table(turns: list[Measured]) -> str:
    heads = ["load", "viewers", "acked k/s", "stored k/s", "ack p50 ms", "ack p99 ms", "cores"]
    heads += ["panels answered", "panel p50 ms", "panel p95 ms"]
    lines = [heads, ["---"] * len(heads)]
    for due, people in dict.fromkeys((turn.due_per_s, turn.people) for turn in turns):
        mine = [one for one in turns if (one.due_per_s, one.people) == (due, people)]
        figures = (
            Spread.of(one.acknowledged_per_s / 1e3 for one in mine).text(2),
            Spread.of(one.stored_per_s / 1e3 for one in mine).text(2),
            Spread.of(one.p50_ms for one in mine).text(),
            Spread.of(one.p99_ms for one in mine).text(),
            Spread.of(one.cores for one in mine).text(2),
            str(sum(one.panels for one in mine)),
            Spread.of(one.panel_p50_ms for one in mine).text(),
            Spread.of(one.panel_p95_ms for one in mine).text(),
        )
        lines.append([f"{due:.0f} spans/s" if due else "top", str(people), *figures])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _ratios(turns: list[Measured]) -> str:
    lines = []
    for due in dict.fromkeys(turn.due_per_s for turn in turns):
        mine = [turn for turn in turns if turn.due_per_s == due]
        quiet = [turn for turn in mine if not turn.people]
        for people in dict.fromkeys(turn.people for turn in mine if turn.people):
            asked = [turn for turn in mine if turn.people == people]
            pairs = list(zip(asked, quiet, strict=True))
            acked = Spread.of(a.acknowledged_per_s / q.acknowledged_per_s for a, q in pairs)
            stored = Spread.of(a.stored_per_s / q.stored_per_s for a, q in pairs)
            load = f"{due:.0f} spans/s" if due else "top load"
            lines.append(
                f"- At {load} with {people} viewers, to the same round without: acknowledged "
                f"{acked.text(2)}, stored {stored.text(2)}."
            )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
