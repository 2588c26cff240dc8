"""Every KPI is what plain Python counts over the history itself, whatever happened on the way.

And a KPI with a mistake in it is not: the same histories catch each of `mutations.py`.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from dashboards import kpi_query
from tests.exporter.dashboards.macros import Range, expand
from tests.truth import compare, expected
from tests.truth.check import first_error, histories, report
from tests.truth.history import LASTING
from tests.truth.mutations import MUTATIONS
from tests.truth.question import Question
from tests.truth.store import fill, known

from handspan_exporter import sql
from handspan_exporter.errors import QueryFailed
from handspan_exporter.query import kpi as kpis
from handspan_exporter.query.window import parameter

if TYPE_CHECKING:
    from tests.truth.compare import Answers
    from tests.truth.history import History
    from tests.truth.known import Fact
    from tests.truth.store import Store

    from handspan_exporter.store.connection import Connection

TOGETHER = 60
"""Histories in one store: a question to all costs no more than a question to one."""


@dataclass
class Settled:
    """Histories in a store, their true facts, and every question about them."""

    store: Store
    histories: list[History]
    facts: dict[str, list[Fact]]
    questions: list[Question]


@pytest.fixture(scope="module")
def fifty(store: Store) -> Settled:
    """Return the first histories, settled."""
    some = histories(range(TOGETHER))
    fill(store, some)
    facts = known(some)
    dice = random.Random(1)  # noqa: S311 - a dice, not a secret
    return Settled(store, some, facts, list(compare.asked(facts, dice)))


def test_every_kpi_of_fifty_histories_is_true(fifty: Settled) -> None:
    """Any topology, convention and order of arrival; spans lost, late and delivered twice."""
    wrong = compare.first(fifty.facts, fifty.questions, fifty.store.connection)
    if wrong is not None:
        pytest.fail(report(fifty.store, fifty.histories, wrong))


def test_decisions_and_messages_of_fifty_histories_are_kept(fifty: Settled) -> None:
    """No KPI reads them, people do: each row says who, where and what."""
    told = {
        "decisions": ("decided", "choice", "confidence"),
        "messages": ("source", "target", "message_type", "payload_bytes"),
    }
    for table, words in told.items():
        said = ("trace_id", "span_id", "run_id", "agent_run", "agent", "workflow", *words)
        columns = ", ".join(said).replace("decided", "decision")
        rows = fifty.store.connection.rows(f"SELECT {columns} FROM {table} FINAL")  # noqa: S608
        true = [tuple(fact[word] for word in said) for fact in fifty.facts[table]]
        assert len(true) > TOGETHER / 5
        assert sorted(map(str, (tuple(row.values()) for row in rows))) == sorted(map(str, true))


def test_some_spans_of_the_histories_were_announced(fifty: Settled) -> None:
    """Some of them ended, before or after it was said that they go on; others never did."""
    came = [one for history in fifty.histories for one in history.delivered()]
    announced = {
        (one.trace, one.id)
        for history in fifty.histories
        for some in history.announcements
        for one in some
    }
    assert {one.kind for one in came if one.unended} == set(LASTING)
    ended = {(one.trace, one.id) for one in came if not one.unended}
    assert len(announced & ended) > TOGETHER / 2
    rows = fifty.store.connection.rows(
        "SELECT countIf(outcome = 'lost') AS lost, countIf(outcome = 'running') AS running"
        " FROM runs FINAL WHERE parent_run_id = ''"
    )
    assert rows == [{"lost": sum(r["ended_ns"] is None for r in fifty.facts["runs"]), "running": 0}]


def test_every_kpi_and_every_dimension_is_asked_for() -> None:
    """A KPI that nobody counts by hand would be believed, not known."""
    asked = {(one.kpi, one.by) for one in compare.asked({}, random.Random(1))}  # noqa: S311
    assert asked == {(kpi.name, by) for kpi in kpis.catalog() for by in kpi.groupings}


def test_every_kpi_is_asked_with_every_filter(fifty: Settled) -> None:
    """And most of the answers are about something: to ask for nothing proves little."""
    filtered = [one for one in fifty.questions if one.filters]
    assert {(one.kpi, name) for one in filtered for name in one.filters} == {
        (kpi.name, name) for kpi in kpis.catalog() for name in kpis.filters()
    }
    answers = (expected.answer(fifty.facts, one) for one in filtered[::7])
    some = [any(row["n"] for row in answer.values()) for answer in answers]
    assert sum(some) > len(some) / 2


@pytest.mark.parametrize("name", sql.names("kpi"))
def test_a_mistake_in_a_kpi_is_caught(name: str, fifty: Settled) -> None:
    """Histories that cannot tell a wrong file from a right one prove nothing."""
    assert len(MUTATIONS[name]) >= 3
    mine = [one for one in fifty.questions if one.kpi == name]
    edges = compare.edges(fifty.facts, kpis.find(name))
    true = [(one, expected.answer(fifty.facts, one)) for one in [*reversed(mine), *edges]]
    for right, wrong in MUTATIONS[name]:
        text = sql.load(f"kpi/{name}")
        assert right in text, f"{right!r} is not in {name}.sql any more"
        mutant = text.replace(right, wrong)
        assert caught(fifty.store.connection, mutant, true), f"{wrong!r} for {right!r}"


def caught(
    connection: Connection, mutant: str, true: list[tuple[Question, compare.Answers]]
) -> bool:
    """Say whether a file with a mistake answers any question wrongly, or not at all."""
    for question, answer in true:
        try:
            found = ask(connection, mutant, question)
        except QueryFailed:
            continue
        if next(compare.between(question, found, answer), None):
            return True
    return False


def ask(connection: Connection, statement: str, question: Question) -> Answers:
    """Return what a statement answers, its holes filled as those of a KPI are."""
    fragment = re.compile(r"\{\{(\w+)\}\}")
    filled = fragment.sub(lambda hole: kpis.fragment(hole[1]), statement)
    parameters = {
        "since": parameter(question.since_ns),
        "until": parameter(question.until_ns),
        "by": question.by,
        **kpis.filter_parameters(question.filters),
    }
    return {row["group"]: row for row in connection.rows(filled, parameters)}


@pytest.mark.parametrize("kpi", kpis.catalog(), ids=lambda kpi: kpi.name)
def test_grafana_is_told_the_truth(kpi: kpis.Kpi, fifty: Settled) -> None:
    """What a panel sends, its macros expanded as the plugin expands them, is true as well."""
    whole = next(one for one in fifty.questions if one.kpi == kpi.name)
    from_ms, to_ms = whole.since_ns // 10**6, whole.until_ns // 10**6 + 1
    for by in dict.fromkeys((kpi.grain, kpis.TOTAL)):
        question = Question(kpi.name, by, from_ms * 10**6, to_ms * 10**6)
        sent = expand(kpi_query.unfiltered(kpi_query.table(kpi.name, by)), Range(from_ms, to_ms))
        rows = {row["group"]: row for row in fifty.store.connection.rows(sent)}
        true = expected.answer(fifty.facts, question)
        assert list(compare.between(question, rows, true)) == []


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1000, 2000, TOGETHER))
def test_every_kpi_of_a_thousand_histories_is_true(store: Store, first: int) -> None:
    """Rare things meet rarely."""
    some = histories(range(first, first + TOGETHER))
    store.clear()
    if (wrong := first_error(store, some)) is not None:
        pytest.fail(report(store, some, wrong))
