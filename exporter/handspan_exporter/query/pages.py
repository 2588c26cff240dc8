"""Where the next page of a list begins: a cursor that nobody has to understand."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from handspan_exporter.errors import UsageError

_MOST_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of the page before, and the question that it answered."""

    since_ns: int
    until_ns: int
    """The window of the first page: `now` must not move from page to page."""
    sort: str
    key: int
    row: str
    """Identifies the row among those with an equal `key`."""

    def __str__(self) -> str:
        """Return the text that `read` takes."""
        told = [self.since_ns, self.until_ns, self.sort, self.key, self.row]
        return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def read(text: str) -> Cursor:
    """Return the cursor that an answer gave.

    Raises:
        UsageError: no answer gave it.
    """
    try:
        if len(text) > _MOST_CHARACTERS:
            raise ValueError  # noqa: TRY301 - one refusal for whatever is wrong
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        since_ns, until_ns, sort, key, row = json.loads(base64.urlsafe_b64decode(padded))
        whole = all(type(one) is int and abs(one) < 2**63 for one in (since_ns, until_ns, key))
        if not (whole and isinstance(sort, str) and isinstance(row, str)):
            raise ValueError  # noqa: TRY301 - as above
    except (ValueError, TypeError, binascii.Error, RecursionError):
        wrong = f"{text[:40]!r} is not a cursor: use `next` of the page before"
        raise UsageError(wrong, parameter="cursor") from None
    return Cursor(since_ns, until_ns, sort, key, row)
