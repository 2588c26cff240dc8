"""The guard in front of an ASGI application, and the check against DNS rebinding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from handspan_exporter.access.guard import acting
from handspan_exporter.errors import NotAuthenticated, NotPermitted, OverLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from handspan_exporter.access.guard import Door
    from handspan_exporter.access.tokens import Scope as Right

    Answer = Callable[[Headers, int, str, dict[str, str]], Response]
    """Request headers, status, one line and response headers to a response of the application."""

COOKIE: Final = "handspan_token"
_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


class Guarded:
    """Asks at the door for every request to some paths, before its body is read."""

    def __init__(
        self,
        app: ASGIApp,
        door: Door,
        right: Right,
        paths: tuple[str, ...],
        answer: Answer,
        *,
        methods: tuple[str, ...] = (),
    ) -> None:
        """Remember the parts.

        Args:
            app: What is guarded.
            door: Who lets in.
            right: What a token must be for.
            paths: Beginnings of the guarded paths; others are open to everyone.
            answer: Makes a refusal in the application's own format.
            methods: Which requests to those paths are guarded; none named: all.
        """
        self._methods = methods
        self._app = app
        self._door = door
        self._right: Right = right
        self._paths = paths
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if not self._guards(scope):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = None
        try:
            shown = _shown(headers, self._right)
            with self._door.visit(shown, self._right) as client, acting(client):
                await self._app(scope, receive, send)
        except NotAuthenticated as error:
            refused = self._answer(headers, 401, str(error), {"WWW-Authenticate": "Bearer"})
        except NotPermitted as error:
            refused = self._answer(headers, 403, str(error), {})
        except OverLimit as error:
            pause = {"Retry-After": str(math.ceil(error.retry_s))}
            refused = self._answer(headers, 429, str(error), pause)
        if refused is not None:
            await refused(scope, receive, send)

    def _guards(self, scope: Scope) -> bool:
        return (
            scope["type"] == "http"
            and scope["path"].startswith(self._paths)
            and (not self._methods or scope["method"] in self._methods)
        )


class OwnHost:
    """Refuses a request that names another host: a page may point its own name at 127.0.0.1."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...], answer: Answer) -> None:
        """Remember the parts; `names` are allowed besides those of the loopback interface."""
        self._app = app
        self._names = {*_LOCAL_NAMES, *names}
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or _host(headers.get("host", "")) in self._names:
            await self._app(scope, receive, send)
            return
        text = "this address is not one of this service: see --allowed-hosts"
        await self._answer(headers, 421, text, {})(scope, receive, send)


def _shown(headers: Headers, right: Right) -> str | None:
    """Return the token of a request; a browser's cookie counts only for questions."""
    if (shown := headers.get("authorization")) is not None or right != "read":
        return shown
    kept = cookie_parser(headers.get("cookie", "")).get(COOKIE)
    return f"Bearer {kept}" if kept else None


def _host(header: str) -> str:
    """Return the host of a header `host:port`, lower-case."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[: host.find("]") + 1]
    return host.partition(":")[0]
