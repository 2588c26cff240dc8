"""What a running service can be asked to do, and how far it is: the words of API and command line.

The API routes requests by this table; the OpenAPI document and docs/api.md are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, get_args

from handspan_exporter.errors import UsageError
from handspan_exporter.query.window import moment

if TYPE_CHECKING:
    from handspan_exporter.query.answers import Row

State = Literal["none", "running", "done", "failed", "stopped"]
STATES: Final[tuple[State, ...]] = get_args(State)

SINCE_MEANING: Final = (
    "Only what started at or after: 24h, 7d, 2026-11-20, 2026-11-20T08:00:00Z (UTC); null or left "
    "out: all."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One of them; its address is below /api/v1."""

    name: str
    summary: str
    noun: str
    """In a sentence: `a rebuild`."""
    counts: str
    """What `spans` are."""


OPERATIONS: Final = (
    Operation(
        name="rebuild",
        summary="Make agent spans and facts anew from the raw spans, while spans come",
        noun="a rebuild",
        counts="raw spans",
    ),
    Operation(
        name="reprice",
        summary="Price stored calls again, by the newest list and the service's price file",
        noun="a re-pricing",
        counts="model calls",
    ),
)
BY_NAME: Final = {one.name: one for one in OPERATIONS}


class Operations(Protocol):
    """Does them beside all else, one at a time."""

    def start(self, name: str, since_ns: int | None) -> Row:
        """Begin one and return its progress at once.

        Raises:
            Busy: one is under way.
            UsageError: the service's price file is wrong.
        """

    def progress(self, name: str) -> Row:
        """Return how far the last one of this name is; never blocks."""


def read(body: Any, now_ns: int) -> int | None:  # noqa: ANN401 - whatever JSON has
    """Return the `since` of a request's body, None when all is meant.

    Raises:
        UsageError: the body is not what it must be; the error names the parameter.
    """
    if not isinstance(body, dict):
        raise UsageError('the body must be an object: {"since": "7d"}')
    if unknown := sorted(set(body) - {"since"}):
        raise UsageError("unknown; use since", parameter=unknown[0][:60])
    since = body.get("since")
    if since is None:
        return None
    if not isinstance(since, str):
        raise UsageError("must be a text", parameter="since")
    return moment("since", since, now_ns)
