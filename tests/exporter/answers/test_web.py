"""The HTTP API on a real server: answers, errors, and the page."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.exporter.answers import team

from handspan_exporter.errors import PortTaken, QueryFailed, StoreDown
from handspan_exporter.query import kpi
from handspan_exporter.query.answers import LIMITS
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.server import Server
from handspan_exporter.web.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exporter.answers.facts import Facts

    from handspan_exporter.web.kept import Stored


@pytest.fixture(scope="module")
def server(store: Facts) -> Iterator[Server]:
    """A server on the team's facts, an hour after they worked."""
    team.insert(store)
    one = Server(store.dsn, Settings(web="127.0.0.1:0"), Counters(), clock_ns=lambda: team.NOW_NS)
    one.start()
    yield one
    one.stop()


class Asked:
    """One answer."""

    def __init__(
        self,
        server: Server,
        path: str,
        method: str = "GET",
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        self.status, self.headers = response.status, response.headers
        self.text = response.read().decode()
        connection.close()

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the API answers
        """The body, parsed as anybody would."""
        return json.loads(self.text)


def test_a_kpi_is_asked_as_on_the_command_line(server: Server) -> None:
    """Same words, same defaults: the last 24 hours, the KPI's own grain."""
    answer = Asked(server, "/api/v1/kpis/cost_usd?since=2h&by=model&agent=writer&agent=triage").json

    assert (answer["since"], answer["by"]) == ("2026-01-05T08:00:00.000000000Z", "model")
    assert answer["kpi"]["unit"] == "USD"
    assert [(row["group"], row["cost_usd"]) for row in answer["rows"]] == [
        ("gpt-4o", 0.0123),
        ("in-house", None),
    ]


def test_now_is_a_moment_of_the_clock_it_was_given(server: Server) -> None:
    """The team worked an hour ago: half an hour does not reach back to it."""
    assert Asked(server, "/api/v1/runs?since=61m").json["runs"]
    runs = Asked(server, "/api/v1/runs?since=30m").json["runs"]
    assert [run["outcome"] for run in runs] == ["running"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/kpis/nope", 404, "no KPI is called 'nope'"),
        ("/api/v1/runs/zz", 404, "no run's id begins with 'zz'"),
        ("/api/v1/nothing", 404, "GET /api/v1/nothing is not in the API"),
        ("/api/v1/kpis?since=foo", 400, "since: 'foo' is not a time"),
        ("/api/v1/kpis?since=1h&until=2h", 400, "not before"),
        ("/api/v1/kpis?agnet=x", 400, "agnet: unknown; use since"),
        ("/api/v1/health?since=1h", 400, "this address takes none"),
        ("/api/v1/kpis/tokens?by=x", 400, "cannot be grouped by 'x'"),
        ("/api/v1/runs?limit=x", 400, "limit: must be a whole number, not 'x'"),
        ("/api/v1/runs?limit=5000", 400, "limit: must be between 1 and 1000"),
        ("/api/v1/runs?status=odd", 400, "'odd' is unknown"),
        ("/api/v1/runs/4bf92f", 400, "several runs' ids begin"),
    ],
)
def test_a_wrong_question_is_one_line(server: Server, path: str, status: int, said: str) -> None:
    """JSON as every answer, whoever asks."""
    asked = Asked(server, path)

    assert (asked.status, asked.json["status"]) == (status, status)
    assert said in asked.json["detail"]
    assert "\n" not in asked.json["detail"]
    assert asked.json.get("parameter", "") in asked.json["detail"].partition(":")[0]
    assert asked.headers["content-type"] == "application/problem+json"


def test_nothing_can_be_written(server: Server) -> None:
    """It answers questions."""
    assert Asked(server, "/api/v1/runs", "DELETE").status == 405


def test_values_of_a_question_never_become_sql(server: Server) -> None:
    """Filters travel as server-side parameters."""
    asked = Asked(server, "/api/v1/kpis/cost_usd?agent=x%27%29%20OR%201=1%20--%20%5C")

    assert (asked.status, asked.json["rows"][0]["n"]) == (200, 0)


def test_an_answer_that_is_known_is_not_sent_again(server: Server) -> None:
    """The page asks every two seconds: who has the answer is told that it still holds."""
    first = Asked(server, "/api/v1/kpis?since=2h")
    tag = {"If-None-Match": f'"other", {first.headers["etag"]}'}

    assert first.headers["cache-control"] == "private, no-cache"
    again = Asked(server, "/api/v1/kpis?since=2h", headers=tag)
    assert (again.status, again.text, again.headers["etag"]) == (304, "", first.headers["etag"])
    assert Asked(server, "/api/v1/kpis?since=1m", headers=tag).status == 200


def test_an_answer_is_made_anew_once_a_fact_changed(server: Server, store: Facts) -> None:
    """An answer that is given again must never hide what was stored since."""
    asked = "/api/v1/kpis/workflow_success_ratio?since=24h&project=changed"
    before = Asked(server, asked)
    assert Asked(server, asked).text == before.text

    ended = "2026-01-05T09:30:00Z"
    store.insert("runs", {"outcome": "success", "project": "changed", "ended_at": ended})
    after = Asked(server, asked)

    assert (before.json["rows"][0]["n"], after.json["rows"][0]["n"]) == (0, 1)
    assert before.headers["ETag"] != after.headers["ETag"]


def test_the_page_shows_first_what_is_a_kpi(server: Server) -> None:
    """A KPI that was renamed would leave the page without any."""
    listed = re.search(r"const FIRST = (\[.*?\]);", Asked(server, "/").text)
    assert listed is not None
    assert set(json.loads(listed[1])) <= {one.name for one in kpi.catalog()}


def test_the_page_needs_nothing_from_elsewhere(server: Server) -> None:
    """It works offline, and its policy lets nothing else in."""
    page = Asked(server, "/")

    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.findall(r"(?:src|href)=.?(?:https?:)?//", page.text)
    assert "innerHTML" not in page.text
    assert "prefers-color-scheme: dark" in page.text


def test_the_page_asks_only_what_the_api_answers(server: Server) -> None:
    """Its questions are read from its text and asked."""
    paths = re.findall(r'ask\("([^"]+)"\)', Asked(server, "/").text)

    assert len(paths) == 3
    assert {Asked(server, f"/api/v1/{path}").status for path in paths} == {200}


def test_the_page_shows_a_run_from_fields_that_the_api_has(server: Server) -> None:
    """Every `run.x`, `one.x` of the page is a field of a record: a misspelt one shows nothing."""
    page = Asked(server, "/").text
    records = json.loads(Asked(server, "/api/v1/openapi.json").text)["components"]["schemas"]
    named = (
        "RunDetail",
        "Run",
        "Span",
        "AgentOfRun",
        "Fault",
        "Wait",
        "Budget",
        "Alert",
        "RunMessage",
    )
    known = {field for name in named for field in records[name]["properties"]}
    used = set(re.findall(r"\b(?:run|one)\.(\w+)", page))

    assert {"outcome", "recovered_by", "limit_usd", "state"} <= used
    assert used <= known


def test_a_second_server_on_the_same_port_is_told_so(server: Server, store: Facts) -> None:
    """The line names the option that moves it."""
    address = server.url.removeprefix("http://")
    with pytest.raises(PortTaken, match="--web"):
        Server(store.dsn, Settings(web=address), Counters()).start()


def test_questions_at_the_same_time_are_all_answered(server: Server) -> None:
    """More of them than threads: the others wait for their turn."""
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(Asked(server, "/api/v1/kpis").status))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200] * 8


async def test_too_many_questions_are_told_to_come_back() -> None:
    """A bounded number waits; memory is for the ingest."""
    opened, go = threading.Event(), threading.Event()

    def opener() -> Stored:
        opened.set()
        go.wait()
        raise StoreDown("the store went away")

    sessions = Sessions(opener, threads=1)
    waiting = [asyncio.ensure_future(sessions.ask(lambda a: a.health())) for _ in range(64)]
    await asyncio.to_thread(opened.wait)

    with pytest.raises(StoreDown, match="64 questions wait already"):
        await sessions.ask(lambda a: a.health())
    go.set()
    assert {str(one) for one in await asyncio.gather(*waiting, return_exceptions=True)} == {
        "the store went away"
    }
    sessions.close()


def test_a_question_is_limited_in_rows(store: Facts) -> None:
    """The limits of a session hold on the embedded engine too."""
    connection = connect(store.dsn, settings=LIMITS)

    with pytest.raises(QueryFailed, match="Limit for result exceeded"):
        connection.rows("SELECT number FROM numbers(200000)")
    connection.close()
