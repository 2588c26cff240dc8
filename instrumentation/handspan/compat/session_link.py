"""A chaos session inside a link: compressed, versioned, without any server.

The part behind `#` is `v1.` and the session as JSON, deflated, in the URL-safe base64 alphabet.
Browsers keep that part to themselves. A later version reads every earlier one.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any

from handspan.json_lines import text_of

_VERSION = "v1"
_MAX_BYTES = 64 * 1024 * 1024
"""Of a session unpacked; a link comes from strangers."""


class UnreadableLinkError(ValueError):
    """The text is no link to a session, or one of a later version; its message says which."""


def link(document: dict[str, Any], base_url: str) -> str:
    """Return `base_url` with the document behind `#`."""
    text = json.dumps(document, default=text_of, separators=(",", ":"), ensure_ascii=False)
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).rstrip(b"=")
    return f"{base_url}#{_VERSION}.{packed.decode()}"


def document_of(url: str) -> dict[str, Any]:
    """Return the document of a link.

    Raises:
        UnreadableLinkError: damaged, too large, of a later version, or no such link at all.
    """
    version, dot, packed = url.rpartition("#")[2].partition(".")
    if not dot or not version.startswith("v"):
        raise UnreadableLinkError("this is no link to a session")
    if version != _VERSION:
        raise UnreadableLinkError(f"the link is of version {version}, update handspan to read it")
    try:
        document = json.loads(_unpacked(packed))
    except (ValueError, binascii.Error, zlib.error):
        raise UnreadableLinkError("the link is damaged, copy all of it") from None
    if not isinstance(document, dict):
        raise UnreadableLinkError("the link holds no session")
    return document


def _unpacked(packed: str) -> bytes:
    raw = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(raw, _MAX_BYTES)
    if not unpacking.eof:
        raise ValueError("cut off, or too large")
    return data
