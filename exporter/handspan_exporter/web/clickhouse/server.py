"""ClickHouse's HTTP protocol as an ASGI application: what a request says where, and the answer.

`GET` and `POST` at `/`: the statement is the parameter `query`, the body, or both one after the
other; `param_x` are its parameters, `default_format`, `database`, `compress` and the names of
settings as ClickHouse has them. `/ping` and `/replicas_status` answer `Ok.`. A token is the
password of HTTP's Basic (any user), `X-ClickHouse-Key`, or `Authorization: Bearer`; it is never in
the address.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from handspan_exporter.access.body import read_body
from handspan_exporter.access.guard import is_loopback
from handspan_exporter.access.http import OwnHost
from handspan_exporter.asgi import AsgiServer
from handspan_exporter.errors import NotAuthenticated, NotPermitted, UsageError
from handspan_exporter.telemetry import READER_ANSWERED, READER_QUERIES, READER_RESULT_BYTES
from handspan_exporter.web.clickhouse.engine import Answer, Engine, Statement
from handspan_exporter.web.clickhouse.packing import encoding, framed, packed
from handspan_exporter.web.clickhouse.refused import (
    ACCESS_DENIED,
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    REQUIRED_PASSWORD,
    TOO_LARGE,
    TOO_MANY_QUERIES,
    Refused,
)

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from handspan_exporter.access.guard import Door
    from handspan_exporter.settings import Settings
    from handspan_exporter.store.dsn import Dsn
    from handspan_exporter.telemetry import Counters

_log = logging.getLogger(__name__)

OPTION: Final = "--clickhouse-http"
MOST_WAITING: Final = 64
"""Statements that wait for a place; the next is refused: a dashboard has a few dozen panels."""
_MOST_REQUEST_BYTES: Final = 1 << 20
_PREFIX: Final = "param_"
_CONTENT_TYPES: Final = {
    "CSV": "text/csv; charset=UTF-8",
    "JSON": "application/json; charset=UTF-8",
    "Native": "application/octet-stream",
    "Parquet": "application/octet-stream",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
}
_OTHER_TYPE: Final = "application/octet-stream"


class ClickHouseServer:
    """Lets readers in at one address between `start` and `stop`."""

    def __init__(self, dsn: Dsn, settings: Settings, counters: Counters, *, door: Door) -> None:
        """Remember what to serve; nothing listens yet.

        Args:
            dsn: The embedded store, migrated and held by this process.
            settings: For `clickhouse_http` (port 0 takes a free one) and its limits.
            counters: For statements and bytes.
            door: Lets clients in, over TLS or not.

        Raises:
            UsageError: the address is not one, or the store is a server, which speaks for itself.
        """
        if not dsn.embedded:
            raise UsageError(
                f"{OPTION} is for the embedded store: point readers at {dsn.host} itself"
            )
        self._front = _Front(
            Engine(dsn, settings), door, counters, settings.clickhouse_http_queries
        )
        app: ASGIApp = self._front.application()
        if is_loopback(settings.clickhouse_http):
            names = settings.allowed_hosts.lower().replace(" ", "").split(",")
            app = OwnHost(app, tuple(filter(None, names)), _other_host)
        self._server = AsgiServer(app, settings.clickhouse_http, option=OPTION, tls=door.tls)

    @property
    def url(self) -> str:
        """Where it answers, for instance http://127.0.0.1:8123."""
        return self._server.url

    def start(self) -> None:
        """Return once statements are answered.

        Raises:
            PortTaken: another program listens there.
            UsageError: this machine has no such address.
        """
        self._server.start()

    def stop(self) -> None:
        """Let the statements under way end, then close."""
        self._server.stop()
        self._front.close()


class _Front:
    """One method per path."""

    def __init__(self, engine: Engine, door: Door, counters: Counters, queries: int) -> None:
        self._engine = engine
        self._door = door
        self._counters = counters
        self._threads = ThreadPoolExecutor(queries, thread_name_prefix="reader")
        self._most = queries + MOST_WAITING
        self._under_way = 0

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self.statement, methods=["GET", "POST"]),
                Route("/ping", _alive, methods=["GET"]),
                Route("/replicas_status", _alive, methods=["GET"]),
            ],
            exception_handlers={HTTPException: self._not_http, Exception: self._broken},
        )

    def close(self) -> None:
        self._threads.shutdown()

    async def statement(self, request: Request) -> Response:
        try:
            self._identify(request.headers)
            statement = await _statement(request)
            if not statement.text.strip():
                return await _alive(request)
            answer, name, data = await self._answered(request, statement)
        except Refused as refused:
            return self._refusal(refused)
        self._counters.add(READER_QUERIES, reason=READER_ANSWERED)
        self._counters.add(READER_RESULT_BYTES, len(answer.data))
        headers = {"Content-Encoding": name} if name else {}
        return Response(data, headers=headers | self._headers(request, answer))

    async def _answered(self, request: Request, statement: Statement) -> tuple[Answer, str, bytes]:
        if self._under_way >= self._most:
            text = f"too many statements at once: {self._under_way} run or wait, ask again"
            raise Refused(TOO_MANY_QUERIES, text)
        asked, headers = request.query_params, request.headers

        def work() -> tuple[Answer, str, bytes]:
            answer = self._engine.run(statement)
            if asked.get("compress") == "1":
                return answer, "", framed(answer.data)
            name = encoding(headers, asked) if answer.data else ""
            return answer, name, packed(answer.data, name) if name else answer.data

        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1

    def _identify(self, headers: Headers) -> None:
        shown = _shown(headers)
        try:
            self._door.identify(f"Bearer {shown}" if shown else None, "read")
        except NotAuthenticated as error:
            kind = AUTHENTICATION_FAILED if shown else REQUIRED_PASSWORD
            text = f"{error}; here the token is the password, the user may be any"
            raise Refused(kind, text) from error
        except NotPermitted as error:
            raise Refused(ACCESS_DENIED, str(error)) from error

    def _headers(self, request: Request, answer: Answer) -> dict[str, str]:
        return {
            "Cache-Control": "no-store",
            "Content-Type": _CONTENT_TYPES.get(answer.form, _OTHER_TYPE),
            "X-Content-Type-Options": "nosniff",
            "X-ClickHouse-Format": answer.form,
            "X-ClickHouse-Query-Id": _plain(request, "query_id") or secrets.token_hex(16),
            "X-ClickHouse-Server-Display-Name": "handspan",
            "X-ClickHouse-Summary": "{}",
            "X-ClickHouse-Timezone": _plain(request, "session_timezone") or "UTC",
        }

    def _refusal(self, refused: Refused) -> Response:
        self._counters.add(READER_QUERIES, reason=refused.name.lower())
        headers = {"X-ClickHouse-Exception-Code": str(refused.code)}
        if refused.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="handspan"'
        if refused.status == 429:
            headers["Retry-After"] = "1"
        body = refused.body(self._engine.version)
        return PlainTextResponse(body, refused.status, headers)

    async def _not_http(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        kind = {413: TOO_LARGE, 415: NOT_IMPLEMENTED}.get(status, BAD_ARGUMENTS)
        said = error.detail if isinstance(error, HTTPException) else str(error)
        if status in (404, 405):
            said = f"there is no handle for {request.method} {request.url.path[:100]}"
        answer = self._refusal(Refused(kind, said))
        answer.status_code = status
        return answer

    async def _broken(self, _request: Request, error: Exception) -> Response:
        _log.error("a statement at %s failed", OPTION, exc_info=error)
        text = "internal error; the log of `handspan serve` says more"
        return self._refusal(Refused((1002, "UNKNOWN_EXCEPTION"), text))


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("Ok.\n")


async def _statement(request: Request) -> Statement:
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise Refused(NOT_IMPLEMENTED, "tables in the request (multipart) are not offered here")
    asked = request.query_params
    if asked.get("decompress") == "1":
        raise Refused(NOT_IMPLEMENTED, "statements in frames (decompress=1) are not offered here")
    body = await read_body(request, _MOST_REQUEST_BYTES) if request.method == "POST" else b""
    headers = request.headers
    try:
        text = asked.get("query", "") + body.decode()
    except UnicodeDecodeError as error:
        raise Refused(BAD_ARGUMENTS, "the statement is not UTF-8") from error
    return Statement(
        text=text,
        database=asked.get("database") or headers.get("x-clickhouse-database", ""),
        form=asked.get("default_format") or headers.get("x-clickhouse-format", "TabSeparated"),
        parameters={
            name.removeprefix(_PREFIX): value
            for name, value in asked.items()
            if name.startswith(_PREFIX)
        },
        settings=dict(asked),
    )


def _shown(headers: Headers) -> str:
    """Return the token that a client shows, '' when it shows none."""
    if key := headers.get("x-clickhouse-key"):
        return key
    kind, _, rest = headers.get("authorization", "").strip().partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return "unreadable"


def _plain(request: Request, name: str) -> str:
    """Return a parameter that may stand in a header, else ''."""
    value = request.query_params.get(name, "")
    return value if re.fullmatch(r"[\w/+.:-]{1,100}", value, re.ASCII) else ""


def _other_host(_asked: Headers, status: int, text: str, headers: dict[str, str]) -> Response:
    return PlainTextResponse(f"{text}\n", status, headers)
