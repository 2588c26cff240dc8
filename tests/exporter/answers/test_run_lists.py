"""Lists of runs: what narrows them, their order, and their pages."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exporter.answers.facts import at

from handspan_exporter.errors import UsageError
from handspan_exporter.query import pages
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.query.listing import SORTS, Wanted
from handspan_exporter.query.pages import Cursor
from handspan_exporter.query.window import window
from handspan_exporter.store.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exporter.answers.facts import Facts

    from handspan_exporter.query.answers import Answers

DAY = window("2026-01-05", "2026-01-06", now_ns=0)
RUNS: list[dict[str, Any]] = [
    {"run_id": "a", "workflow": "Report", "started_at": at(0), "ended_at": at(5)}
    | {"outcome": "success", "cost_usd": "0.5", "input_tokens": 10, "output_tokens": 1},
    {"run_id": "b", "workflow": "report", "started_at": at(1), "ended_at": at(3)}
    | {
        "outcome": "failure",
        "cost_usd": "999999.999999999999",
        "status_message": "Zeitüberschreitung",
    },
    {"run_id": "c", "workflow": "mail", "started_at": at(1), "ended_at": at(3)}
    | {"outcome": "success", "input_tokens": 500, "user_id": "ada"},
    {"run_id": "d", "workflow": "mail", "started_at": at(2), "outcome": "running", "cost_usd": "2"},
    {"run_id": "e", "workflow": "mail", "started_at": at(9), "ended_at": at(9)}
    | {"outcome": "cancelled", "session_id": "session-1"},
]


@pytest.fixture(scope="module")
def answers(store: Facts) -> Iterator[Answers]:
    """Answers about five runs: two alike, one without an end, one without a length."""
    store.insert("runs", *RUNS)
    answers = DirectAnswers(connect(store.dsn, settings=LIMITS))
    yield answers
    answers.close()


def ids(answers: Answers, **wanted: Any) -> str:  # noqa: ANN401
    """Return the ids of a list in its order."""
    return "".join(run["run_id"] for run in answers.runs(DAY, Wanted(**wanted))["runs"])


@pytest.mark.parametrize(
    ("sort", "order"),
    [("started", "edbca"), ("duration", "abced"), ("cost", "bdace"), ("tokens", "cabde")],
)
def test_the_largest_is_first_and_what_is_unknown_last(
    answers: Answers, sort: str, order: str
) -> None:
    """Equal ones stand in the order of their ids, on every page."""
    assert ids(answers, sort=sort) == order


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"min_cost_usd": Decimal("0.5")}, "dba"),
        ({"min_cost_usd": Decimal("0.500000000001")}, "db"),
        ({"min_duration_s": 2}, "dbca"),
        ({"min_duration_s": 2.1}, "da"),
        ({"min_duration_s": 100, "status": ["running"]}, "d"),
        ({"text": "REPORT"}, "ba"),
        ({"text": "zeitÜBER"}, "b"),
        ({"text": "session-1"}, "e"),
        ({"text": "%"}, ""),
        ({"status": ["success"], "text": "mail"}, "c"),
    ],
)
def test_a_list_is_narrowed(answers: Answers, wanted: dict[str, Any], found: str) -> None:
    """Exact to the last decimal; a run that goes on has lasted until the end of the window."""
    assert ids(answers, **wanted) == found


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 2, 4])
def test_pages_together_are_the_list(answers: Answers, sort: str, limit: int) -> None:
    """Nothing is missed and nothing comes twice, also among equals."""
    found, cursor = "", ""
    for _ in range(10):
        page = answers.runs(DAY, Wanted(sort=sort, limit=limit, cursor=cursor))
        found += "".join(run["run_id"] for run in page["runs"])
        if page["next"] is None:
            break
        cursor = page["next"]

    assert found == ids(answers, sort=sort)


def test_a_cursor_keeps_its_window_and_its_order(answers: Answers) -> None:
    """`now` goes on between two pages; the second page is of the same question."""
    first = answers.runs(DAY, Wanted(sort="cost", limit=2))
    other = window("2027-01-01", "2027-01-02", now_ns=0)
    second = answers.runs(other, Wanted(limit=2, cursor=first["next"]))

    assert [run["run_id"] for run in second["runs"]] == ["a", "c"]
    assert (second["since"], second["until"]) == (first["since"], first["until"])


@given(st.text() | st.binary().map(lambda some: some.hex()))
def test_a_cursor_that_nobody_gave_is_refused(text: str) -> None:
    """In one line, whatever it is."""
    with pytest.raises(UsageError, match="is not a cursor: use `next`"):
        pages.read(text)


WHOLE = st.integers(-(2**62), 2**62)


@given(st.builds(Cursor, WHOLE, WHOLE, st.sampled_from(SORTS), WHOLE, st.text(max_size=200)))
def test_a_cursor_reads_back(cursor: Cursor) -> None:
    """A run's id may hold anything."""
    assert pages.read(str(cursor)) == cursor


@pytest.mark.parametrize(
    ("wanted", "parameter"),
    [
        ({"min_cost_usd": Decimal("NaN")}, "min_cost_usd"),
        ({"min_duration_s": float("nan")}, "min_duration_s"),
        ({"min_cost_usd": Decimal(-1)}, "min_cost_usd"),
        ({"min_duration_s": float("inf")}, "min_duration_s"),
        ({"sort": "size"}, "sort"),
        ({"limit": 1001}, "limit"),
    ],
)
def test_a_wrong_value_is_named(wanted: dict[str, Any], parameter: str) -> None:
    """Before anybody is asked."""
    with pytest.raises(UsageError) as caught:
        Wanted(**wanted)

    assert caught.value.parameter == parameter
