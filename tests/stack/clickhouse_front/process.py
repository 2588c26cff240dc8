"""The front as a process of its own, for tests of any folder."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.end_to_end.processes import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@contextmanager
def fronting(
    folder: Path,
    *options: str,
    python: Path | str = sys.executable,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Serve `folder` with the engine of that Python for the length of the block; yield the port."""
    port = free_port()
    command = [python, "-m", "tests.stack.clickhouse_front", "--port", str(port)]
    with running([*command, "--folder", folder, *options], port, **(environment or {})):
        yield port
