"""What a large question took does not stay with the process."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from handspan_exporter.query.answers import DirectAnswers
from handspan_exporter.query.window import window
from handspan_exporter.store.connection import connect
from handspan_exporter.store.memory import Memory, resident_bytes
from handspan_exporter.store.migrate import migrate_schema

if TYPE_CHECKING:
    from handspan_exporter.store.dsn import Dsn

_LARGE = "SELECT uniqExact(number), length(groupArray(number)) FROM numbers(12000000)"
_MB = 1 << 20


def test_the_memory_of_a_large_question_is_given_back(engine: Dsn) -> None:
    """Else the peaks of questions add up, and the engine's limits per question say nothing."""
    with closing(connect(engine, settings={"max_threads": 1})) as session:
        memory = Memory(session)
        session.rows(_LARGE)
        before = resident_bytes()
        memory.give_back()
        after = resident_bytes()

        assert before - after > 100 * _MB


def test_every_answer_gives_back_what_was_taken(engine: Dsn) -> None:
    """Filtered histories, comparisons and decisions take as much as KPIs do."""
    with (
        closing(connect(engine, settings={"max_threads": 1})) as other,
        closing(DirectAnswers(connect(engine))) as answers,
    ):
        migrate_schema(other)
        other.rows(_LARGE)
        before = resident_bytes()
        answers.decisions(window("2026-01-05", "2026-01-06", now_ns=0))

        assert before - resident_bytes() > 100 * _MB
