"""What a large question took does not stay with the process."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from handspan_exporter.store.connection import connect
from handspan_exporter.store.memory import Memory, resident_bytes

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
