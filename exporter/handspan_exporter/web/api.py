"""The HTTP API: every question of `query.questions`, as JSON.

An error is a problem (RFC 9457) with `detail`, one line, and `parameter` where one is wrong: 400
(the question is wrong), 401 and 403 (the token), 404 (no such KPI or run), 409 (that is under way),
421 (another host's name), 503 (ask again later) or 500. `POST /api/v1/session` keeps a browser's
token in a cookie that no script can read, `DELETE` forgets it. `GET /metrics` is for Prometheus.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from handspan_exporter.access.http import COOKIE
from handspan_exporter.errors import (
    Busy,
    HandspanError,
    NotFound,
    QueryFailed,
    TryAgain,
    UsageError,
)
from handspan_exporter.query import comparison, questions, wire
from handspan_exporter.query.comparison import Group
from handspan_exporter.query.listing import Wanted
from handspan_exporter.query.questions import QUESTIONS, Question, filters_of
from handspan_exporter.query.window import Window, moment, window
from handspan_exporter.telemetry import QUESTIONS as QUESTIONS_ASKED
from handspan_exporter.web import operations as operating
from handspan_exporter.web.kept import Kept, Made
from handspan_exporter.web.openapi import openapi
from handspan_exporter.web.problems import problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.datastructures import Headers
    from starlette.requests import Request

    from handspan_exporter.query.answers import Answers, Row
    from handspan_exporter.query.operations import Operations
    from handspan_exporter.telemetry import Counters
    from handspan_exporter.web.kept import Stored
    from handspan_exporter.web.kpi_metrics import KpiMetrics
    from handspan_exporter.web.sessions import Sessions

_log = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[HandspanError], int], ...] = (
    (NotFound, 404),
    (UsageError, 400),
    (Busy, 409),
    (TryAgain, 503),
    (QueryFailed, 500),
)
_OPENMETRICS = "application/openmetrics-text; version=1.0.0"
_MAX_AGE = re.compile(r"\bmax-age=(\d{1,4})\b", re.ASCII)
_WATCHED = frozenset({"alerts"})
"""Questions whose answers depend on more than the store: a file."""
_MOVING = frozenset({"since", "until", "before", "at"})
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
    sessions: Sessions,
    counters: Counters,
    *,
    kpi_metrics: KpiMetrics | None = None,
    operations: Operations | None = None,
    clock_ns: Callable[[], int] = time.time_ns,
) -> Starlette:
    """Return the application; it asks `sessions`, and `clock_ns` what `now` means.

    Without `operations` nothing can be begun: those addresses are not there.
    """
    document = wire.to_json(openapi())
    kept = Kept()

    async def metrics(request: Request) -> Response:
        _only(request)
        openmetrics = "application/openmetrics-text" in request.headers.get("accept", "")
        told = counters.exposition(openmetrics=openmetrics)
        if kpi_metrics is not None:
            told += await sessions.ask(lambda one: kpi_metrics.exposition(one, clock_ns()))
        if openmetrics:
            return PlainTextResponse(f"{told}# EOF\n", media_type=_OPENMETRICS)
        return PlainTextResponse(told, media_type="text/plain; version=0.0.4")

    async def described(request: Request) -> Response:
        _only(request)
        return _known(request, Made(document, _tag(document)))

    asked = [
        Route(f"/api/v1/{_starlette(one.path)}", _endpoint(one, sessions, kept, counters, clock_ns))
        for one in QUESTIONS
    ]
    routes = [
        Route("/", _page),
        Route("/healthz", _healthy),
        Route("/metrics", metrics),
        Route("/api/v1/session", _session, methods=["POST", "DELETE"]),
        Route("/api/v1/openapi.json", described),
        *asked,
        *(operating.routes(operations, clock_ns) if operations else ()),
    ]
    errors: Any = {HandspanError: _refused, HTTPException: _no_such_page, Exception: _broken}
    return Starlette(routes=routes, exception_handlers=errors)


async def _healthy(_request: Request) -> Response:
    """Say that this process answers, to whoever asks; a processor has no other door."""
    return JSONResponse({"status": "ok"})


def _starlette(path: str) -> str:
    """Let the last part of an address hold slashes: a run's id may.

    A KPI's name with one is then refused in the same words as any other.
    """
    return path.removesuffix("}") + ":path}" if path.endswith("}") else path


def _endpoint(
    question: Question,
    sessions: Sessions,
    kept: Kept,
    counters: Counters,
    clock_ns: Callable[[], int],
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers the requests for one question."""

    async def endpoint(request: Request) -> Response:
        given: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            given.setdefault(name, []).append(value)
        values = {**questions.read(question, given), **request.path_params}
        if question.name != "health":  # a probe is nobody who looks
            counters.add(QUESTIONS_ASKED)
        now_ns = clock_ns()
        content_s = _content_s(request)

        def answered(answers: Stored) -> Made:
            def make() -> Made:
                return _made(_CALLS[question.name](answers, values, now_ns))

            if question.name in _WATCHED:
                return make()
            return kept.answer(
                answers, values, make, name=question.name, now_ns=now_ns, content_s=content_s
            )

        return _known(request, await sessions.ask(answered))

    return endpoint


def _made(answer: Row) -> Made:
    text = wire.to_json(answer)
    if not _MOVING & answer.keys():  # a run is megabytes: not written a second time
        return Made(text, _tag(text))
    # The ends of a window that moves with the clock make no answer another one.
    steady = {name: value for name, value in answer.items() if name not in _MOVING}
    return Made(text, _tag(wire.to_json(steady)))


def _tag(text: str) -> str:
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _content_s(request: Request) -> float:
    """Return how old an answer the asker accepts, as HTTP says it; 0 when it does not."""
    found = _MAX_AGE.search(request.headers.get("cache-control", ""))
    return float(found[1]) if found else 0.0


def _between(values: Row, now_ns: int) -> Window:
    return window(values["since"], values["until"], now_ns=now_ns)


def _kpi(answers: Answers, values: Row, now_ns: int) -> Row:
    return answers.kpi(
        values["name"],
        _between(values, now_ns),
        by=values["by"] or None,
        filters=filters_of(values),
        compare=values["compare"],
    )


def _history(answers: Answers, values: Row, now_ns: int) -> Row:
    return answers.history(
        values["name"],
        _between(values, now_ns),
        grain=values["grain"],
        by=values["by"],
        measure=values["measure"],
        groups=values["group"],
        filters=filters_of(values),
    )


def _overview(answers: Answers, values: Row, now_ns: int) -> Row:
    filters = filters_of(values)
    return answers.overview(_between(values, now_ns), filters=filters, compare=values["compare"])


def _runs(answers: Answers, values: Row, now_ns: int) -> Row:
    names = ("status", "text", "min_cost_usd", "min_duration_s", "sort", "limit", "cursor")
    wanted = Wanted(**{name: values[name] for name in names})
    return answers.runs(_between(values, now_ns), wanted, filters=filters_of(values))


def _compare_groups(answers: Answers, values: Row, now_ns: int) -> Row:
    windows = zip(("a", "b"), comparison.default_windows(values["split"]), strict=True)
    a, b = (
        Group(
            window(
                values[f"since_{side}"] or since, values[f"until_{side}"] or until, now_ns=now_ns
            ),
            values[side],
        )
        for side, (since, until) in windows
    )
    filters = filters_of(values)
    return answers.compare_groups(a, b, split=values["split"], of=values["of"], filters=filters)


def _best_agents(answers: Answers, values: Row, now_ns: int) -> Row:
    names = ("task", "domain", "task_type", "min_confidence")
    own = {name: values[name] for name in names}
    return answers.best_agents(_between(values, now_ns), **own, filters=filters_of(values))


def _decisions(answers: Answers, values: Row, now_ns: int) -> Row:
    own = {name: values[name] for name in ("actor", "run", "limit")}
    return answers.decisions(_between(values, now_ns), **own, filters=filters_of(values))


_CALLS: dict[str, Callable[[Answers, Row, int], Row]] = {
    "health": lambda answers, _values, _now_ns: answers.health(),
    "overview": _overview,
    "history": _history,
    "kpi": _kpi,
    "runs": _runs,
    "run": lambda answers, values, _now_ns: answers.run(values["run"]),
    "compare_runs": lambda answers, values, _now_ns: answers.compare_runs(values["run"]),
    "compare_groups": _compare_groups,
    "best_agents": _best_agents,
    "decisions": _decisions,
    "alerts": lambda answers, _values, _now_ns: answers.alerts(),
    "mapping": lambda answers, values, now_ns: answers.mapping(
        moment("since", values["since"], now_ns)
    ),
}
"""How each question of `QUESTIONS` is put."""


def _only(request: Request) -> None:
    """Refuse every parameter where none is known."""
    if given := sorted(request.query_params):
        raise UsageError("unknown; this address takes none", parameter=given[0][:60])


def _known(request: Request, made: Made) -> Response:
    """Return the answer, or 304 where the asker has it already.

    A browser asks again each time: its copy is only shown after we said that nothing changed.
    """
    headers = {
        "Cache-Control": "private, no-cache",
        "ETag": made.tag,
        "Vary": "Authorization, Cookie",
        "X-Content-Type-Options": "nosniff",
    }
    asked = request.headers.get("if-none-match", "")
    if made.tag in [one.strip() for one in asked.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(made.text, media_type="application/json", headers=headers)


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
    answer = problem(status, text)
    answer.headers.update(headers)
    return answer


async def _refused(_request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if not isinstance(error, UsageError):
        return problem(status, str(error))
    detail = f"{error.parameter}: {error.text}" if error.parameter else error.text
    return problem(status, detail, parameter=error.parameter)


async def _no_such_page(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = f"{request.method} {request.url.path[:200]} is not in the API"
    return problem(status, f"{said}: see /api/v1/openapi.json")


async def _broken(_request: Request, error: Exception) -> Response:
    _log.error("a question to the HTTP API failed", exc_info=error)
    return problem(500, "internal error; the log of `handspan serve` says more")
