"""Answers from a running `handspan serve`, over its HTTP API."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from handspan_exporter.errors import (
    Busy,
    HandspanError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    QueryFailed,
    StoreDown,
    UsageError,
)
from handspan_exporter.query import kpi
from handspan_exporter.query.operations import BY_NAME
from handspan_exporter.query.window import iso
from handspan_exporter.query.wire import from_json, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.query.answers import Filters, Row
    from handspan_exporter.query.comparison import Group
    from handspan_exporter.query.listing import Wanted
    from handspan_exporter.query.window import Window

_TIMEOUT_S = 60.0
_ERRORS: dict[int, type[HandspanError]] = {
    400: UsageError,
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    405: NotFound,
    409: Busy,
    503: StoreDown,
}


class _Api:
    """The HTTP API at `url`, for instance http://127.0.0.1:8317."""

    def __init__(self, url: str, *, token: str = "") -> None:
        """Remember where to ask; connects at the first question.

        Args:
            url: `http://` or `https://`; whose certificate is trusted SSL_CERT_FILE may say.
            token: With the scope `read`, where one is asked for.
        """
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        found = urlsplit(url)
        secured = found.scheme == "https"
        kind = http.client.HTTPSConnection if secured else http.client.HTTPConnection
        self._connection = kind(found.netloc, timeout=_TIMEOUT_S)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _get(self, path: str, query: dict[str, Any]) -> Row:
        return self._said("GET", f"{path}?{urlencode(query, doseq=True)}")

    def _said(self, method: str, path: str, body: Row | None = None) -> Row:
        told = {} if body is None else {"Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, f"/api/v1/{path}", text, self._headers | told)
            response = self._connection.getresponse()
            answer: Row = from_json(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise StoreDown(
                f"no answer from {self.url} ({error or type(error).__name__}): "
                "is `handspan serve` still running?"
            ) from error
        if response.status not in (http.client.OK, http.client.ACCEPTED):
            raise _error(response.status, answer)
        return answer


class HttpOperations(_Api):
    """What the service at `url` can be asked to do; to begin needs a token of the scope `admin`."""

    def start(self, name: str, since_ns: int | None) -> Row:
        """Begin one and return its progress.

        Raises:
            Busy: one is under way.
            NotFound: the service is too old to do it while it runs.
            NotAuthenticated: it asks for a token.
            NotPermitted: the token is not for this.
            StoreDown: there is no answer.
            UsageError: the service's price file is wrong.
        """
        since = None if since_ns is None else iso(since_ns)
        return self._asked("POST", name, {"since": since})

    def progress(self, name: str) -> Row:
        """Return how far the last one of this name is; raises as `start`."""
        return self._asked("GET", name)

    def _asked(self, method: str, name: str, body: Row | None = None) -> Row:
        try:
            return self._said(method, name, body)
        except NotFound:
            raise NotFound(
                f"the service at {self.url} is too old for {BY_NAME[name].noun} while it runs: "
                "upgrade it, or stop it and say this again"
            ) from None


class HttpAnswers(_Api):
    """Answers from the API at `url`."""

    def kpi(
        self,
        name: str,
        window: Window,
        *,
        by: str | None = None,
        filters: Filters | None = None,
        compare: str = "",
    ) -> Row:
        """Answer one KPI."""
        asked = _told(by=None if by is None else by or "total", compare=compare)
        path = f"kpis/{quote(name, safe='')}"
        return self._get(path, {**_between(window), **asked, **_filters(filters)})

    def history(
        self,
        name: str,
        window: Window,
        *,
        grain: str = "hour",
        by: str = "",
        measure: str = "",
        groups: Sequence[str] = (),
        filters: Filters | None = None,
    ) -> Row:
        """Answer one KPI over time."""
        told = _told(grain=grain, by=by, measure=measure, group=list(groups))
        asked = {**_between(window), **told, **_filters(filters)}
        return self._get(f"kpis/{quote(name, safe='')}/history", asked)

    def overview(self, window: Window, *, filters: Filters | None = None, compare: str = "") -> Row:
        """Answer every KPI in total."""
        asked = {**_between(window), **_told(compare=compare), **_filters(filters)}
        return self._get("kpis", asked)

    def runs(self, window: Window, wanted: Wanted, *, filters: Filters | None = None) -> Row:
        """List runs."""
        asked = _told(
            status=list(wanted.status),
            text=wanted.text,
            min_cost_usd=None if wanted.min_cost_usd is None else plain(wanted.min_cost_usd),
            min_duration_s=wanted.min_duration_s,
            sort=wanted.sort,
            limit=wanted.limit,
            cursor=wanted.cursor,
        )
        return self._get("runs", {**_between(window), **asked, **_filters(filters)})

    def run(self, run: str) -> Row:
        """Show one run."""
        if not run:
            raise UsageError("a run's id is missing; `handspan runs list` shows them")
        return self._get(f"runs/{quote(run, safe='')}", {})

    def compare_runs(self, ids: Sequence[str]) -> Row:
        """Compare runs."""
        return self._get("compare/runs", {"run": list(ids)})

    def compare_groups(
        self,
        a: Group,
        b: Group,
        *,
        split: str = "total",
        of: str = "",
        filters: Filters | None = None,
    ) -> Row:
        """Compare groups of runs."""
        asked: dict[str, Any] = _told(split=split, of=of, a=list(a.values), b=list(b.values))
        for side, group in (("a", a), ("b", b)):
            between = _between(group.window)
            asked |= {f"since_{side}": between["since"], f"until_{side}": between["until"]}
        return self._get("compare/groups", {**asked, **_filters(filters)})

    def best_agents(
        self,
        window: Window,
        *,
        task: str = "",
        domain: str = "",
        task_type: str = "",
        min_confidence: float = 0.5,
        filters: Filters | None = None,
    ) -> Row:
        """Tell who should do a task."""
        asked = _told(task=task, domain=domain, task_type=task_type, min_confidence=min_confidence)
        return self._get("agents/best", {**_between(window), **asked, **_filters(filters)})

    def decisions(
        self,
        window: Window,
        *,
        actor: str = "",
        run: str = "",
        limit: int = 1000,
        filters: Filters | None = None,
    ) -> Row:
        """Return decisions of an actor."""
        asked = _told(actor=actor, run=run, limit=limit)
        return self._get("decisions", {**_between(window), **asked, **_filters(filters)})

    def alerts(self) -> Row:
        """Return the states of the alerts that the service was given."""
        return self._get("alerts", {})

    def mapping(self, since_ns: int) -> Row:
        """Tell which attributes of spans are not understood."""
        return self._get("mapping", {"since": iso(since_ns)})

    def health(self) -> Row:
        """Tell that the service answers, and how new its data is."""
        return self._get("health", {})


def _error(status: int, problem: Row) -> HandspanError:
    """Return what the service raised, as it would have been raised here."""
    kind, said = _ERRORS.get(status, QueryFailed), str(problem.get("detail", problem))
    if kind is not UsageError:
        return kind(said)
    parameter = str(problem.get("parameter", ""))
    return UsageError(said.removeprefix(f"{parameter}: "), parameter=parameter)


def _told(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a parameter takes
    """Return what was given: '', None and an empty list are the service's own defaults."""
    return {name: value for name, value in values.items() if value not in ("", None, [])}


def _filters(filters: Filters | None) -> dict[str, list[str]]:
    """Return the filters; one that is unknown is refused here, as the store would refuse it."""
    kpi.filter_parameters(filters or {})
    return filters or {}


def _between(window: Window) -> dict[str, Any]:
    return {"since": iso(window.since_ns), "until": iso(window.until_ns)}
