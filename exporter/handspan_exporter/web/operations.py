"""The addresses that have the service do something: POST begins it, GET tells how far it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from handspan_exporter.errors import UsageError
from handspan_exporter.query import operations as known
from handspan_exporter.query import wire
from handspan_exporter.query.operations import OPERATIONS
from handspan_exporter.web.problems import problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from handspan_exporter.query.answers import Row
    from handspan_exporter.query.operations import Operation, Operations

PATHS: Final = tuple(f"/api/v1/{one.name}" for one in OPERATIONS)
"""Where a POST needs a token of the scope `admin`."""
_JSON: Final = "application/json"
_MOST_BYTES: Final = 4096


def routes(operations: Operations, clock_ns: Callable[[], int]) -> list[Route]:
    """Return a route per operation; `clock_ns` says what `7d` is counted from."""
    return [
        Route(path, _endpoint(one, operations, clock_ns), methods=["GET", "POST"])
        for path, one in zip(PATHS, OPERATIONS, strict=True)
    ]


def _endpoint(
    operation: Operation, operations: Operations, clock_ns: Callable[[], int]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if given := sorted(request.query_params):
            raise UsageError("unknown; this address takes a body", parameter=given[0][:60])
        if request.method != "POST":
            return _answer(200, operations.progress(operation.name))
        # A page of another origin may post without asking, but no JSON: where no token is needed,
        # this keeps it out.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            return problem(415, f"the body must be {_JSON}")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                return problem(413, f"the body has more than {_MOST_BYTES} bytes")
        since_ns = known.read(_parsed(bytes(body)), clock_ns())
        begun = await run_in_threadpool(operations.start, operation.name, since_ns)
        return _answer(202, begun)

    return endpoint


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise UsageError("the body is not JSON") from None


def _answer(status: int, told: Row) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(wire.to_json(told), status, headers=headers, media_type=_JSON)
