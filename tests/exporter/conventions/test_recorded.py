"""What real frameworks and instrumentors emit, recorded once, against what truly happened."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.exporter.conventions.judging import FACTS, WRONG, verdicts
from tests.exporter.conventions.replaying import RECORDED, Recording, Replay, recordings, total
from tests.exporter.conventions.spending import Spent, spent_on

from handspan_exporter.processor.rebuild import rebuild
from handspan_exporter.query.unread import unread
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

RESULTS = Path(__file__).parents[3] / "docs" / "conventions.json"


@pytest.fixture(scope="module")
def store(engine: Dsn) -> Iterator[Connection]:
    """Return a session in a database for all recordings."""
    connection = connect(replace(engine, database="recordings"))
    migrate(connection, Settings())
    yield connection
    connection.command("DROP DATABASE recordings")
    connection.close()


@pytest.fixture(scope="module")
def replay(store: Connection, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """Return a store that has had every recording sent to its receiver."""
    return Replay(store, tmp_path_factory.mktemp("journal"), recordings())


@pytest.fixture(scope="module")
def told() -> dict[str, Recording]:
    """Return the recordings by their service."""
    return {one.service: one for one in recordings()}


def results() -> list[dict[str, object]]:
    """Return the data of docs/conventions.md."""
    found: list[dict[str, object]] = json.loads(RESULTS.read_text(encoding="utf-8"))["sources"]
    return found


@pytest.mark.parametrize("service", [one.service for one in recordings()])
def test_a_source_shows_what_the_page_says_it_shows(
    replay: Replay, told: dict[str, Recording], service: str
) -> None:
    """Who chooses an instrumentor reads there what it will cost them; nobody checks it by hand."""
    recording = told[service]
    (row,) = (
        one
        for one in results()
        if (one["framework"], one["source"]) == (recording.framework, recording.source)
    )
    assert row["facts"] == verdicts(recording, replay.shown(recording))
    assert row["versions"] == recording.versions


def test_the_page_has_no_other_sources(told: dict[str, Recording]) -> None:
    """A row without its recording is a claim."""
    assert len(results()) == len(told) >= 17


def test_nothing_is_wrong_that_the_page_does_not_explain() -> None:
    """What a source lacks is missing; a wrong number must be its own and be told."""
    wrong = {
        (one["framework"], one["source"], fact)
        for one in results()
        for fact in FACTS
        if WRONG in one["facts"][fact]  # type: ignore[index]
    }
    explained = json.loads(RESULTS.read_text(encoding="utf-8"))["explained"]
    assert wrong == {(one["framework"], one["source"], one["fact"]) for one in explained}


def test_nothing_that_steers_a_framework_counts_as_an_error(
    replay: Replay, told: dict[str, Recording]
) -> None:
    """LangGraph hands over and pauses by exceptions, pydantic-ai asks for approval by one."""
    steered = 0
    for recording in told.values():
        for ending, shown in replay.shown(recording).items():
            if ending.endswith("approval"):
                facts = [*shown.runs, *shown.agents, *shown.tools, *shown.calls]
                assert {one["outcome"] for one in facts} == {"success"}, recording.service
                steered += 1
    assert steered == 6


def test_a_budget_in_the_process_counts_what_the_kpis_count(
    replay: Replay, told: dict[str, Recording]
) -> None:
    """Who is stopped at a limit finds the same money in the KPIs, whatever recorded it.

    Only a call that failed and tells no cost is no part of a budget; its cost is unknown in KPIs.
    """
    priced = 0
    for recording in told.values():
        calls = [call for shown in replay.shown(recording).values() for call in shown.calls]
        unknown = [call for call in calls if call["cost_usd"] is None]
        billed = sum(call["outcome"] != "failure" for call in unknown)
        usd = total(calls, "cost_usd") or Decimal(0)
        assert spent_on(recording) == Spent(usd, billed), recording.service
        priced += usd > 0
    assert priced >= 10


def test_raw_spans_give_the_same_rows_whoever_stored_them(
    replay: Replay, store: Connection
) -> None:
    """Rebuilt from `otel_traces`, agent spans and facts of every convention are the same."""
    del replay  # it has filled the store
    tables = ("agent_spans", "runs", "agent_runs", "handoffs", "llm_calls", "tool_calls")

    def kept(table: str) -> list[dict[str, object]]:
        left = "received_at" if table == "agent_spans" else "revision"
        return store.rows(f"SELECT * EXCEPT ({left}) FROM {table} FINAL ORDER BY ALL")  # noqa: S608

    before = {table: kept(table) for table in tables}
    assert min(map(len, before.values())) > 20
    for table in tables:
        store.command(f"TRUNCATE TABLE {table}")
    # Where the processor has been already nothing is computed again.
    rebuild(store, clock_ns=lambda: time.time_ns() + 7_200_000_000_000)
    Replay.tick_of(store, hours=3)
    for table in tables:
        assert kept(table) == before[table], table


def test_what_is_not_understood_is_told_by_scope_and_name(
    replay: Replay, store: Connection
) -> None:
    """A new instrumentor's names are found by asking, not by a missing number months later."""
    del replay  # it has filled the store
    found = {one["scope"]: one for one in unread(store, 1_767_225_600 * 10**9)["scopes"]}
    crew = found["crewai"]
    assert crew["conventions"] == ["otel"]
    assert crew["spans"] == crew["spans_read"] > 20
    names = {one["attribute"]: one["spans"] for one in crew["attributes"]}
    assert names["crewai.tool.from_cache"] > 1
    assert "gen_ai.operation.name" not in names
    assert crew["attributes_left_out"] == 0
    assert "docs/mapping.md" in crew["advice"]
    chain = found["openinference.instrumentation.langchain"]["attributes"]
    assert "llm.input_messages.N.message.role" in {one["attribute"] for one in chain}
    ours = {one["attribute"] for one in found["handspan"]["attributes"]}
    assert not {name for name in ours if name.startswith("handspan.")}
    runtime = found["autogen SingleThreadedAgentRuntime"]
    assert 0 < runtime["spans_read"] < runtime["spans"] / 2


def test_messages_that_a_runtime_carries_are_told_from_agent_to_agent(
    replay: Replay, store: Connection
) -> None:
    """AutoGen's runtime is the only source that says who wrote to whom; A2A's spans name nobody."""
    del replay  # it has filled the store
    found = store.rows(
        "SELECT service, source, target, count() AS n FROM messages FINAL GROUP BY ALL ORDER BY ALL"
    )
    told = {(row["source"], row["target"]) for row in found}
    manager = "SwarmGroupChatManager"
    assert told == {
        (manager, "triage"),
        (manager, "refund"),
        ("triage", manager),
        ("refund", manager),
        ("triage", "refund"),
        ("refund", "triage"),
    }
    assert {row["service"] for row in found} == {"autogen-native", "autogen-openinference"}


def test_no_recording_names_the_machine_that_made_it() -> None:
    """They are in a public tree: no path, host or user of whoever recorded them."""
    for path in RECORDED.glob("*/*.jsonl"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|tmp|Users|opt|usr)/|host\.name|process\.", text), path
        assert path.stat().st_size < 600_000, path
