"""The `handspan` command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 0, 2 (wrong usage), or 1."""
    try:
        from handspan_exporter.cli.group import run  # noqa: PLC0415 - `click` is an extra
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("handspan"):
            raise
        sys.stderr.write(
            f"handspan: {error.name} is not installed: pip install 'handspan[server]', "
            "or 'handspan[server,embedded]' for the embedded store\n"
        )
        raise SystemExit(1) from None
    raise SystemExit(run(arguments))
