"""What people and models said: recorded only where the user switched content capture on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from handspan import settings
from handspan.internal import contained

if TYPE_CHECKING:
    from handspan.context import Run


def captures(run: Run, own: bool | None = None) -> bool:  # noqa: FBT001 - as told to a verb
    """Say whether content is recorded: as told to this verb, to one around it, or in general."""
    for told in (own, run.capture_content):
        if told is not None:
            return told
    return settings.current().capture_content


@contained
def captured_json(content: object, run: Run) -> str | None:
    """Return the content as JSON text, or None without content capture or content.

    A string stays as it is; what JSON does not know is written as its `str()`.
    """
    return as_json(content) if captures(run) else None


@contained
def as_json(value: object) -> str | None:
    """Return a value as JSON text; a string stays as it is, None is None."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str)
