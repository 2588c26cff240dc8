"""Asks the store and the truth the same questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.truth import expected
from tests.truth.numbers import same
from tests.truth.question import Question, moment_ns

from handspan_exporter.query import kpi as kpis

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.truth.known import Fact

    from handspan_exporter.query.kpi import Kpi
    from handspan_exporter.store.connection import Connection

Row = dict[str, Any]
Answers = dict[str, Row]

FILTERS = ("service", "project", "workflow", "agent", "feature", "user", "conversation")


@dataclass(frozen=True)
class Wrong:
    """A column of an answer that is not true."""

    asked: Question
    group: str
    column: str
    found: object
    true: object

    def __str__(self) -> str:
        """Return it as one line."""
        return (
            f"{self.asked.kpi} by {self.asked.by} {dict(self.asked.filters) or ''}: "
            f"{self.group!r} {self.column} = {self.found!r}, true is {self.true!r}"
        )


def asked(
    facts: dict[str, list[Fact]], dice: random.Random, *, windows: int = 2
) -> Iterator[Question]:
    """Yield every KPI by every dimension and with every filter, and over some windows.

    The edges of the windows are ends of its own facts, to the nanosecond.
    """
    every = [moment_ns(fact) for some in facts.values() for fact in some] or [0]
    since_ns, until_ns = min(every) - 10**9, max(every) + 1
    for kpi in kpis.catalog():
        ends = sorted({moment_ns(fact) for fact in facts.get(kpi.reads[0], ())})
        for by in kpi.groupings:
            yield Question(kpi.name, by, since_ns, until_ns)
        for name in FILTERS if ends else ():
            by = dice.choice(kpi.groupings)
            yield Question(kpi.name, by, since_ns, until_ns, _filters(facts, dice, name))
        for _ in range(2 * windows if ends else 0):
            low, high = sorted(dice.choices(ends, k=2))
            if low < high:
                yield Question(kpi.name, kpis.TOTAL, low, high)
        yield from _moments(facts, kpi)


def _moments(facts: dict[str, list[Fact]], kpi: Kpi, *, most: int = 5) -> Iterator[Question]:
    """Yield windows of a nanosecond: a fact that a KPI reads besides ends there, not its own."""
    own = {fact["ended_ns"] for fact in facts.get(kpi.reads[0], ())}
    for table in kpi.reads[1:]:
        ends = sorted({fact["ended_ns"] for fact in facts.get(table, ())} - own - {None})
        for end in ends[:: max(1, len(ends) // most)]:
            yield Question(kpi.name, kpi.grain, end, end + 1)


def edges(facts: dict[str, list[Fact]], kpi: Kpi, *, most: int = 40) -> list[Question]:
    """Return windows that end, and such that begin, exactly where a fact of a KPI ends."""
    ends = sorted({moment_ns(fact) for fact in facts[kpi.reads[0]]})
    some = ends[:: max(1, len(ends) // most)]
    before = [Question(kpi.name, kpis.TOTAL, ends[0] - 1, end) for end in some[1:]]
    return before + [Question(kpi.name, kpis.TOTAL, end, ends[-1] + 1) for end in some]


def _filters(facts: dict[str, list[Fact]], dice: random.Random, name: str) -> dict[str, list[str]]:
    """Return a filter by `name`, now and then with a second one, that some agent run passes."""
    some = facts.get("agent_runs") or [dict.fromkeys(FILTERS, "")]
    one, other = dice.choices(some, k=2)
    names = sorted({name, *dice.sample(FILTERS, dice.choice((0, 0, 1)))})
    return {each: sorted({str(one[each]), str(dice.choice((one, other))[each])}) for each in names}


def found(connection: Connection, question: Question) -> Answers:
    """Return the store's answer, by group."""
    rows = kpis.answer(
        connection,
        question.kpi,
        question.since_ns,
        question.until_ns,
        question.by,
        question.filters,
    )
    return {row["group"]: row for row in rows}


def differences(
    facts: dict[str, list[Fact]],
    questions: Iterable[Question],
    ask: Callable[[Question], Answers],
) -> Iterator[Wrong]:
    """Yield every column of every answer that is not what plain Python counts."""
    for question in questions:
        yield from between(question, ask(question), expected.answer(facts, question))


def between(question: Question, answers: Answers, true: Answers) -> Iterator[Wrong]:
    """Yield every column of an answer that is not true."""
    for group in sorted(true.keys() ^ answers.keys()):
        yield Wrong(question, group, "group", group in answers, group in true)
    for group in sorted(true.keys() & answers.keys()):
        yield from _columns(question, group, answers[group], true[group])


def _columns(question: Question, group: str, answer: Row, true: Row) -> Iterator[Wrong]:
    columns = answer.keys() - {"group"} | true.keys()
    for column in sorted(columns):
        if column not in answer or column not in true:
            yield Wrong(question, group, column, column in answer, column in true)
            continue
        said, is_true = answer[column], true[column]
        if column == "exhausted_at":
            if not _same_moment(said, is_true):
                yield Wrong(question, group, column, said, is_true)
        elif not same(said, is_true):
            yield Wrong(question, group, column, said, is_true)


def _same_moment(said: str | None, true_ns: float | None) -> bool:
    """Say whether a moment is the true one, to a millisecond: it is reckoned with floats."""
    if said is None or true_ns is None:
        return said is None and true_ns is None
    return abs(expected.moment(said) - true_ns) < 1e6


def first(
    facts: dict[str, list[Fact]], questions: Sequence[Question], connection: Connection
) -> Wrong | None:
    """Return the first wrong column, None if all is true."""
    wrong = differences(facts, questions, lambda question: found(connection, question))
    return next(wrong, None)
