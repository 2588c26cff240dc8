"""Errors of the HTTP API as RFC 9457 has them."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from handspan_exporter.query import wire

MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, *, parameter: str = "") -> Response:
    """Return an answer: `title`, `status`, `detail` (one line), `parameter` if one is wrong.

    `type` is left out: RFC 9457 then reads it as about:blank, whose title is the status's own.
    """
    told = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(
        wire.to_json(told | ({"parameter": parameter} if parameter else {})),
        status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )
