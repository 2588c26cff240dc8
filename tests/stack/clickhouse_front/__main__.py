"""`python -m tests.stack.clickhouse_front --port 8123 --folder DIR`: serves until it is ended."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from typing import NoReturn

from tests.stack.clickhouse_front.engine import Engine
from tests.stack.clickhouse_front.server import FrontServer


def main() -> None:
    """Serve one folder on the loopback interface."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--password", default="")
    parser.add_argument("--says-version", default="", help="what it answers to `version()`")
    parser.add_argument("--cluster", default="", help="name of a cluster of this one server")
    parser.add_argument("--config", type=Path, help="a server's configuration, with its users")
    parser.add_argument("--trouble", type=Path, help="file that says what to suffer from")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    engine = Engine(
        given.folder,
        sessions=given.sessions,
        says_version=given.says_version,
        cluster=given.cluster,
        config=given.config,
    )
    front = FrontServer(given.port, engine, password=given.password, trouble=given.trouble)
    front.serve_forever()


def _end(_signal: int, _frame: object) -> NoReturn:
    # At once: the interpreter's own end waits for ever when a query is under way in a thread.
    # What the engine has answered lies on disk.
    os._exit(0)


if __name__ == "__main__":
    main()
