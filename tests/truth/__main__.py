"""`make truth`: check as many histories as you like, from any seed on."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.truth.check import first_error, histories, report
from tests.truth.store import opened

from handspan_exporter.store import dsn as dsns

TOGETHER = 50


def main() -> int:
    """Check, tell, and return the exit code."""
    options = argparse.ArgumentParser(prog="make truth")
    options.add_argument("--seed", type=int, default=0, help="the first history")
    options.add_argument("--number", type=int, default=200, help="how many")
    chosen = options.parse_args()
    seeds = range(chosen.seed, chosen.seed + chosen.number)
    with tempfile.TemporaryDirectory() as folder:
        dsn = dsns.parse(f"chdb://{folder}/store")
        with opened(Path(folder) / "journal", dsn) as store:
            for first in seeds[::TOGETHER]:
                some = histories(range(first, min(first + TOGETHER, seeds.stop)))
                began_s = time.monotonic()
                store.clear()
                if (wrong := first_error(store, some)) is not None:
                    sys.stdout.write(f"{report(store, some, wrong)}\n")
                    return 1
                took_s = time.monotonic() - began_s
                sys.stdout.write(f"seeds {first} to {some[-1].seed}: true, {took_s:.0f} s\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
