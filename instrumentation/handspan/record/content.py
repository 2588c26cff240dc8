"""What people and models said: recorded only when the user switched content capture on."""

from __future__ import annotations

import json

from handspan import settings
from handspan.internal import contained


@contained
def captured_json(content: object) -> str | None:
    """Return the content as JSON text, or None without content capture or content.

    A string stays as it is; what JSON does not know is written as its `str()`.
    """
    return as_json(content) if settings.current().capture_content else None


@contained
def as_json(value: object) -> str | None:
    """Return a value as JSON text; a string stays as it is, None is None."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str)
