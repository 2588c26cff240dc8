"""Answers from a running `handspan serve`, over its HTTP API."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from handspan_exporter.errors import (
    HandspanError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    QueryFailed,
    StoreDown,
    UsageError,
)
from handspan_exporter.query.window import iso
from handspan_exporter.query.wire import from_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.query.answers import Filters, Row
    from handspan_exporter.query.window import Window

_TIMEOUT_S = 60.0
_ERRORS: dict[int, type[HandspanError]] = {
    400: UsageError,
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    503: StoreDown,
}


class HttpAnswers:
    """Answers from the API at `url`, for instance http://127.0.0.1:8317."""

    def __init__(self, url: str, *, token: str = "") -> None:
        """Remember where to ask; connects at the first question.

        Args:
            url: `http://` or `https://`; whose certificate is trusted SSL_CERT_FILE may say.
            token: With the scope `read`, where one is asked for.
        """
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        found = urlsplit(url)
        secured = found.scheme == "https"
        kind = http.client.HTTPSConnection if secured else http.client.HTTPConnection
        self._connection = kind(found.netloc, timeout=_TIMEOUT_S)

    def kpi(
        self, name: str, window: Window, *, by: str | None = None, filters: Filters | None = None
    ) -> Row:
        """Answer one KPI."""
        grouped = {} if by is None else {"by": by or "total"}
        path = f"kpis/{quote(name, safe='')}"
        return self._get(path, {**_between(window), **grouped, **(filters or {})})

    def overview(self, window: Window, *, filters: Filters | None = None) -> Row:
        """Answer every KPI in total."""
        return self._get("kpis", {**_between(window), **(filters or {})})

    def runs(
        self,
        window: Window,
        *,
        status: Sequence[str] = (),
        filters: Filters | None = None,
        limit: int = 20,
    ) -> Row:
        """List runs."""
        asked = {**_between(window), "status": list(status), "limit": str(limit)}
        return self._get("runs", {**asked, **(filters or {})})

    def run(self, run: str) -> Row:
        """Show one run."""
        if not run:
            raise UsageError("a run's id is missing; `handspan runs list` shows them")
        return self._get(f"runs/{quote(run, safe='')}", {})

    def health(self) -> Row:
        """Tell that the service answers, and how new its data is."""
        return self._get("health", {})

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _get(self, path: str, query: dict[str, Any]) -> Row:
        try:
            asked = f"/api/v1/{path}?{urlencode(query, doseq=True)}"
            self._connection.request("GET", asked, headers=self._headers)
            response = self._connection.getresponse()
            answer: Row = from_json(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise StoreDown(
                f"no answer from {self._url} ({error or type(error).__name__}): "
                "is `handspan serve` still running?"
            ) from error
        if response.status != http.client.OK:
            raise _ERRORS.get(response.status, QueryFailed)(str(answer.get("error", answer)))
        return answer


def _between(window: Window) -> dict[str, Any]:
    return {"since": iso(window.since_ns), "until": iso(window.until_ns)}
