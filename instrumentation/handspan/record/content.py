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
    if content is None or not settings.current().capture_content:
        return None
    return content if isinstance(content, str) else json.dumps(content, default=str)
