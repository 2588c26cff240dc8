"""Colour on a terminal, for the console, the log formatter and the event stream."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from typing import IO

Colour = Literal["red", "green", "yellow", "blue", "magenta", "cyan", "grey", "bold"]

_CODES: dict[Colour, int] = {
    "red": 31,
    "green": 32,
    "yellow": 33,
    "blue": 34,
    "magenta": 35,
    "cyan": 36,
    "grey": 90,
    "bold": 1,
}


def wanted(stream: IO[str]) -> bool:
    """Say whether `stream` should get colours: a terminal, and NO_COLOR is not set.

    Source: https://no-color.org, and TERM=dumb as terminals without colours set it.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # somebody's own stream, or one that is closed
        return False


def painted(text: str, colour: Colour | None, *, on: bool) -> str:
    """Return `text` in a colour when colours are on."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if on and colour else text


def printable(text: str) -> str:
    """Return `text` as one line without control characters.

    Names come from models and tools: one must not move the cursor or forge a line of its own.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)
