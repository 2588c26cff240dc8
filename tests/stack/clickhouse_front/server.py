"""ClickHouse's HTTP protocol: what a request says where, and how answers and errors look."""

from __future__ import annotations

import base64
import gzip
import re
import time
import zlib
from dataclasses import replace
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qsl, urlsplit

import lz4.frame
from tests.stack.clickhouse_front.engine import Engine, Statement
from tests.stack.clickhouse_front.frames import framed, unframed, zstd_decompress
from tests.stack.clickhouse_front.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NOT_SETTINGS = frozenset(
    {
        *("query", "database", "default_format", "compress", "decompress", "query_id"),
        *("user", "password", "session_id", "session_timeout", "session_check", "role"),
        *("quota_key", "wait_end_of_query", "client_protocol_version", "buffer_size"),
        *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
        *("enable_http_compression", "async_insert", "wait_for_async_insert"),
    }
)
"""Parameters that are for the protocol itself, or that an embedded engine does not have."""

_ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": zstd_decompress,
    "lz4": lz4.frame.decompress,
}
_NOT_FOUND = {"60", "81", "47"}
"""Codes that ClickHouse answers with 404: unknown table, database, identifier."""
_NOT_LET_IN = (
    "Code: 516. DB::Exception: {user}: Authentication failed: password is incorrect, or there is "
    "no user with such name. (AUTHENTICATION_FAILED)"
)


class FrontServer(ThreadingHTTPServer):
    """One engine on one loopback address; a thread per connection."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, port: int, engine: Engine, *, password: str = "", trouble: Path | None = None
    ) -> None:
        """Listen; with a password every user must show it. `trouble` is a file, see there."""
        super().__init__(("127.0.0.1", port), _Request)
        self.engine = engine
        self.password = password
        self.trouble = trouble


def _form(kind: str, body: bytes) -> dict[str, str]:
    """Return the fields of a form; clients send long parameters in one."""
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    fields = message_from_bytes(head + body, policy=policy.HTTP)
    return {
        str(part.get_param("name", header="Content-Disposition")): bytes(
            part.get_payload(decode=True)
        ).decode()
        for part in fields.iter_parts()
    }


class _Request(BaseHTTPRequestHandler):
    server: FrontServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: a second one waits 40 ms for an acknowledgement
    disable_nagle_algorithm: ClassVar[bool] = True

    def do_GET(self) -> None:
        """Answer a question whose statement is in the address."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer a statement or rows in the body."""
        self._answer(self._body())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Keep quiet: errors go to the client."""

    def _answer(self, body: bytes) -> None:
        address = urlsplit(self.path)
        asked = dict(parse_qsl(address.query, keep_blank_values=True))
        if address.path == "/ping":
            self._reply(200, b"Ok.\n", {})
            return
        if self.headers.get_content_type() == "multipart/form-data":  # what an address cannot hold
            asked |= _form(self.headers["Content-Type"], body)
            body = b""
        user, password = self._user(asked)
        if password != self.server.password:
            self._refuse(_NOT_LET_IN.format(user=user))
            return
        trouble = Trouble.of(self.server.trouble)
        time.sleep(trouble.slow_s)
        statement = self._statement(asked, body)
        try:
            answer = self.server.engine.execute(
                replace(statement, settings={**(statement.settings or {}), **trouble.settings})
            )
        except Exception as error:  # noqa: BLE001 - whatever the engine says is the client's to hear
            self._refuse(str(error))
            return
        if trouble.lose_answers and b"insert" in statement.sql[:20].lower():
            self.close_connection = True
            return
        packed = answer and asked.get("compress") == "1"
        self._reply(200, framed(answer) if packed else answer, {"X-ClickHouse-Summary": "{}"})

    def _user(self, asked: dict[str, str]) -> tuple[str, str]:
        """Return who asks and with which password; clients have three ways to say it."""
        kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            user, _, password = base64.b64decode(encoded).decode().partition(":")
            return user, password
        user = self.headers.get("X-ClickHouse-User") or asked.get("user", "default")
        return user, self.headers.get("X-ClickHouse-Key") or asked.get("password", "")

    def _statement(self, asked: dict[str, str], body: bytes) -> Statement:
        encoding = self.headers.get("Content-Encoding", "")
        if encoding in _ENCODINGS:
            body = _ENCODINGS[encoding](body)
        if asked.get("decompress") == "1":
            body = unframed(body)
        sql = asked.get("query", "").encode()
        prefix = "param_"
        return Statement(
            sql=sql or body,
            data=body if sql else b"",
            session=asked.get("session_id", ""),
            database=asked.get("database") or "default",
            format=asked.get("default_format", "TabSeparated"),
            settings={
                name: value
                for name, value in asked.items()
                if name not in _NOT_SETTINGS and not name.startswith(prefix)
            },
            parameters={
                name.removeprefix(prefix): value
                for name, value in asked.items()
                if name.startswith(prefix)
            },
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _refuse(self, text: str) -> None:
        code = found[1] if (found := re.search(r"Code: (\d+)", text)) else "0"
        status = 404 if code in _NOT_FOUND else 403 if code == "516" else 500
        self._reply(status, text.encode(), {"X-ClickHouse-Exception-Code": code})

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
