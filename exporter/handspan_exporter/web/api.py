"""The HTTP API: every question that `query.answers` knows, as JSON.

`GET /api/v1/health`, `/api/v1/kpis`, `/api/v1/kpis/{name}`, `/api/v1/runs`, `/api/v1/runs/{id}`;
`since` and `until` as on the command line, filters by name, repeated for several values. Numbers
are as `query.wire` writes them. An error is {"error": one line} with 400 (the question is wrong),
401 and 403 (the token), 404 (no such KPI or run), 421 (another host's name), 503 (ask again later)
or 500. `POST /api/v1/session` keeps a browser's token in a cookie that no script can read, `DELETE`
forgets it. `GET /metrics` is for Prometheus.
"""

from __future__ import annotations

import logging
import time
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from handspan_exporter.access.http import COOKIE
from handspan_exporter.errors import HandspanError, NotFound, QueryFailed, TryAgain, UsageError
from handspan_exporter.query import kpi, wire
from handspan_exporter.query.window import Window, window
from handspan_exporter.telemetry import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import Headers
    from starlette.requests import Request

    from handspan_exporter.query.answers import Answers, Filters, Row
    from handspan_exporter.telemetry import Counters
    from handspan_exporter.web.sessions import Sessions

_log = logging.getLogger(__name__)

_DEFAULT_SINCE = "24h"
_STATUS: tuple[tuple[type[HandspanError], int], ...] = (
    (NotFound, 404),
    (UsageError, 400),
    (TryAgain, 503),
    (QueryFailed, 500),
)
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def application(
    sessions: Sessions, counters: Counters, *, clock_ns: Callable[[], int] = time.time_ns
) -> Starlette:
    """Return the application; it asks `sessions`, and `clock_ns` what `now` means."""
    api = _Api(sessions, counters, clock_ns)

    async def metrics(request: Request) -> Response:
        _only(request, ())
        return PlainTextResponse(counters.exposition(), media_type="text/plain; version=0.0.4")

    routes = [
        Route("/", _page),
        Route("/metrics", metrics),
        Route("/api/v1/session", _session, methods=["POST", "DELETE"]),
        Route("/api/v1/health", api.health),
        Route("/api/v1/kpis", api.overview),
        # A name with a slash is refused in the same words as any other.
        Route("/api/v1/kpis/{name:path}", api.kpi),
        Route("/api/v1/runs", api.runs),
        # An id is what its user chose: it may hold a slash.
        Route("/api/v1/runs/{run:path}", api.run),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={
            HandspanError: _refused,
            HTTPException: _no_such_page,
            Exception: _broken,
        },
    )


class _Api:
    """One method per route."""

    def __init__(self, sessions: Sessions, counters: Counters, clock_ns: Callable[[], int]) -> None:
        self._sessions = sessions
        self._counters = counters
        self._clock_ns = clock_ns

    async def health(self, request: Request) -> Response:
        _only(request, ())
        # A probe is nobody who looks.
        return _json(await self._sessions.ask(lambda answers: answers.health()))

    async def overview(self, request: Request) -> Response:
        _only(request, ("since", "until", *kpi.filters()))
        between, filters = self._window(request), _filters(request)
        return await self._answer(lambda answers: answers.overview(between, filters=filters))

    async def kpi(self, request: Request) -> Response:
        name, by = request.path_params["name"], request.query_params.get("by")
        kpi.find(name)
        _only(request, ("since", "until", "by", *kpi.filters()))
        between, filters = self._window(request), _filters(request)
        return await self._answer(
            lambda answers: answers.kpi(name, between, by=by, filters=filters)
        )

    async def runs(self, request: Request) -> Response:
        _only(request, ("since", "until", "status", "limit", *kpi.filters()))
        between, filters = self._window(request), _filters(request)
        status, limit = request.query_params.getlist("status"), _limit(request)
        return await self._answer(
            lambda answers: answers.runs(between, status=status, filters=filters, limit=limit)
        )

    async def run(self, request: Request) -> Response:
        _only(request, ())
        run = request.path_params["run"]
        return await self._answer(lambda answers: answers.run(run))

    async def _answer(self, question: Callable[[Answers], Row]) -> Response:
        self._counters.add(QUESTIONS)
        return _json(await self._sessions.ask(question))

    def _window(self, request: Request) -> Window:
        asked = request.query_params
        return window(
            asked.get("since", _DEFAULT_SINCE),
            asked.get("until", "now"),
            now_ns=self._clock_ns(),
        )


def _only(request: Request, known: tuple[str, ...]) -> None:
    """Refuse a parameter that would be ignored: a misspelt filter answers for everything."""
    if unknown := sorted(set(request.query_params) - set(known)):
        use = f"use {', '.join(known)}" if known else "this address takes none"
        raise UsageError(f"the parameter {unknown[0][:60]!r} is unknown; {use}")


def _filters(request: Request) -> Filters:
    asked = request.query_params
    return {name: asked.getlist(name) for name in kpi.filters() if name in asked}


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "20")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise UsageError(f"limit must be a whole number, not {text[:60]!r}")
    return int(text)


def _json(answer: object, status: int = 200) -> Response:
    return Response(
        wire.to_json(answer),
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


async def _session(request: Request) -> Response:
    """Keep the token that the guard has just let in, or forget it; it is never in an address."""
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    secure = request.url.scheme == "https"
    _, _, token = request.headers.get("authorization", "").partition(" ")
    if request.method == "DELETE":
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=secure)
    elif token:
        answer.set_cookie(COOKIE, token.strip(), httponly=True, samesite="strict", secure=secure)
    return answer


async def _page(_request: Request) -> Response:
    page = files("handspan_exporter.web").joinpath("page.html").read_text(encoding="utf-8")
    return HTMLResponse(page, headers=_PAGE_HEADERS)


def refusal(_asked: Headers, status: int, text: str, headers: dict[str, str]) -> Response:
    """Return the answer of a guard."""
    answer = _json({"error": text}, status)
    answer.headers.update(headers)
    return answer


async def _refused(_request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return _json({"error": str(error)}, status)


async def _no_such_page(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _json({"error": f"{request.method} {request.url.path[:200]} is not in the API"}, status)


async def _broken(_request: Request, error: Exception) -> Response:
    _log.error("a question to the HTTP API failed", exc_info=error)
    return _json({"error": "internal error; the log of `handspan serve` says more"}, 500)
