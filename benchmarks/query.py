"""How long questions take on a store of ten million spans: `make bench-query`.

    python -m benchmarks.query --spans 100000 --rounds 3
    python -m benchmarks.query --spans 1000000 --keep FOLDER

The store is made by `query_store`; it is asked by the functions behind the API and the CLI, with
their limits. A folder that holds one already is asked without making it again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import query_answers, query_report, query_store, report
from benchmarks.comparing import scratch
from benchmarks.query_store import Built

from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

_BUILT = "built.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the options ask for; 1 when a question takes longer than it must."""
    given = _options(arguments)
    with ExitStack() as opened:
        folder = given.keep or opened.enter_context(scratch())
        built, took_s = _built(folder, given.spans, given.large_spans)
        dsn = parse(f"chdb://{folder / 'store'}")
        # An embedded engine ends with its last session.
        opened.enter_context(closing(connect(dsn)))
        measured = query_answers.measure(dsn, built, rounds=given.rounds)
        disk = query_answers.disk(dsn)
    text = query_report.text(built, measured, disk, took_s=took_s, rounds=given.rounds)
    sys.stdout.write(text + "\n")
    if given.write:
        report.write(text, "query")
    return int(not query_report.is_quick(measured))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--large-spans", type=int, default=30_000, help="of one run more")
    parser.add_argument("--rounds", type=int, default=10, help="how often each question is asked")
    parser.add_argument("--keep", type=Path, help="a folder for the store, to be asked again")
    parser.add_argument("--write", action="store_true", help="into benchmarks/RESULTS.md")
    return parser.parse_args(arguments)


def _built(folder: Path, spans: int, large_spans: int) -> tuple[Built, float]:
    """Return what the folder's store holds, and how long it took to make; another process does."""
    noted = folder / _BUILT
    if not noted.exists():
        began_s = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            built = process.submit(_build, folder, spans, large_spans).result()
        took_s = time.monotonic() - began_s
        noted.write_text(json.dumps({"took_s": took_s, **asdict(built)}), encoding="utf-8")
    said = json.loads(noted.read_text(encoding="utf-8"))
    took_s = said.pop("took_s")
    return Built(**said), took_s


def _build(folder: Path, spans: int, large_spans: int) -> Built:
    dsn = parse(f"chdb://{folder / 'store'}")
    with closing(connect(dsn)):
        return query_store.build(dsn, spans, large_spans=large_spans)


if __name__ == "__main__":
    sys.exit(main())
