"""The OpenAPI document is valid, and every answer is what it says."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from tests.exporter.answers import team

from handspan_exporter.query import kpi, records
from handspan_exporter.query.questions import QUESTIONS
from handspan_exporter.settings import Settings
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.openapi import openapi
from handspan_exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.exporter.answers.facts import Facts

ALERTS = """
[[alert]]
name = "runs fail"
kpi = "workflow_success_ratio"
window = "7d"
warning_below = 0.9
"""
ASKED = {
    "health": ["health"],
    "overview": ["kpis?since=2h", "kpis?since=2h&compare=previous"],
    "history": [
        "kpis/cost_usd/history?since=2d&grain=day&by=model",
        "kpis/cost_usd/history?since=2h&agent=writer",
    ],
    "kpi": [f"kpis/{one.name}?since=2h" for one in kpi.catalog()],
    "runs": ["runs?since=2h", "runs?since=2h&limit=1&sort=cost"],
    "run": [f"runs/{team.RUN}", f"runs/{quote(team.RUNNING, safe='')}"],
    "compare_runs": [f"compare/runs?run={team.RUN}&run={team.FAILED}"],
    "compare_groups": [
        "compare/groups?since_a=2d&until_a=1d&since_b=1d",
        "compare/groups?split=agent",
    ],
    "best_agents": ["agents/best?task=search&min_confidence=0.2", "agents/best?domain=none"],
    "decisions": ["decisions", "decisions?actor=human"],
    "alerts": ["alerts"],
    "mapping": ["mapping", "mapping?since=1d"],
}
WRONG = ["kpis?since=x", "kpis/none", "nothing", "runs?limit=0"]


@pytest.fixture(scope="module")
def server(store: Facts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on the team's facts, with an alert."""
    team.insert(store)
    path: Path = tmp_path_factory.mktemp("alerts") / "alerts.toml"
    path.write_text(ALERTS, encoding="utf-8")
    settings = Settings(web="127.0.0.1:0", alerts=str(path))
    one = Server(store.dsn, settings, Counters(), clock_ns=lambda: team.NOW_NS)
    one.start()
    yield one
    one.stop()


def get(server: Server, path: str) -> Any:  # noqa: ANN401 - whatever the API answers
    """Return an answer as any client would read it."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request("GET", f"/api/v1/{path}")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def fits(answer: object, record: str) -> None:
    """Check an answer against a record's schema."""
    schema = {"$defs": records.load(), **records.reference(record)}
    Draft202012Validator(schema).validate(answer)


def test_the_document_is_valid(server: Server) -> None:
    """OpenAPI 3.1 as the specification has it; the service gives what is generated."""
    given = get(server, "openapi.json")

    validate(given)
    assert given == json.loads(json.dumps(openapi()))


def test_every_record_is_a_valid_schema() -> None:
    """Draft 2020-12, with references that lead somewhere."""
    for schema in records.load().values():
        Draft202012Validator.check_schema(schema)
    references = set(_references(records.load()))
    assert references <= {f"#/$defs/{name}" for name in records.load()}


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for one in schema.values():
            yield from _references(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from _references(one)


def test_every_question_is_asked_here() -> None:
    """A new address needs an answer below."""
    assert set(ASKED) == {one.name for one in QUESTIONS}


@pytest.mark.parametrize("question", QUESTIONS, ids=[one.name for one in QUESTIONS])
def test_an_answer_is_what_the_document_says(server: Server, question: Any) -> None:  # noqa: ANN401
    """No field too many, none missing, each of its type."""
    for path in ASKED[question.name]:
        answer = get(server, path)
        fits(answer, question.answer)
        if question.name == "kpi":
            for row in answer["rows"]:
                fits(row, records.kpi_record(answer["kpi"]["name"]))


@pytest.mark.parametrize("path", WRONG)
def test_an_error_is_what_the_document_says(server: Server, path: str) -> None:
    """RFC 9457, for every kind of mistake."""
    fits(get(server, path), "Problem")


def test_two_values_are_compared_over_the_same_time(server: Server) -> None:
    """Who says no window means the values to differ, not the weeks."""
    compared = get(server, "compare/groups?split=agent&a=triage&b=writer")
    assert compared["a"]["since"] == compared["b"]["since"]
    assert compared["b"]["until"] == compared["a"]["until"]
    weeks = get(server, "compare/groups")
    assert weeks["a"]["since"] < weeks["a"]["until"] == weeks["b"]["since"] < weeks["b"]["until"]
