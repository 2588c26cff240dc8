"""Every question of the HTTP API: its address, its parameters and what it answers, once.

The API reads requests by this table, and the OpenAPI document and docs/api.md are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from handspan_exporter.errors import UsageError
from handspan_exporter.query import agents, comparison, history, kpi, listing, unread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LONGEST = 1000
"""Characters of one value; a cursor holds a run's id."""
_MOST_VALUES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a question."""

    name: str
    meaning: str
    kind: Literal["text", "whole", "number", "money"] = "text"
    default: str = ""
    words: tuple[str, ...] = ()
    """All that it may be."""
    low: float | None = None
    high: float | None = None
    many: bool = False
    """May be repeated."""
    needed: bool = False
    in_path: bool = False
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One address of the API."""

    name: str
    """Identifies it in the OpenAPI document."""
    path: str
    """Below /api/v1."""
    summary: str
    parameters: tuple[Parameter, ...] = ()
    answer: str
    """The type of record that it answers with, see `query.records`."""


_TIMES = "90m, 24h, 7d, 2026-11-20, 2026-11-20T08:00:00Z (UTC) or now"
SINCE = Parameter(
    name="since", meaning=f"Start of the window: {_TIMES}.", default="24h", example="7d"
)
UNTIL = Parameter(name="until", meaning="End of the window, itself outside.", default="now")
WINDOW = (SINCE, UNTIL)
MONTH = (
    Parameter(name="since", meaning=f"Start of the window: {_TIMES}.", default="30d"),
    UNTIL,
)
FILTERS = tuple(
    Parameter(name=name, meaning=f"Only this {name}; repeat it for several.", many=True)
    for name in kpi.filters()
)
COMPARE = Parameter(
    name="compare",
    meaning="Adds what was before and the change: `previous`, the window before this one; `7d`, "
    "one as long that began so much earlier.",
    example="previous",
)
KPI_NAME = Parameter(
    name="name",
    meaning="Name of the KPI.",
    in_path=True,
    needed=True,
    example="workflow_success_ratio",
)

QUESTIONS = (
    Question(
        name="health",
        path="health",
        summary="Whether the service answers, its version, and when the newest fact ended",
        answer="Health",
    ),
    Question(
        name="overview",
        path="kpis",
        summary="Every KPI in total; one that says nothing in total, of its first group",
        parameters=(*WINDOW, COMPARE, *FILTERS),
        answer="Overview",
    ),
    Question(
        name="history",
        path="kpis/{name}/history",
        summary="One KPI per hour or day: closed buckets as stored, the open one from the facts; "
        f"with filters each from the facts, {history.MOST_FILTERED} at most",
        parameters=(
            KPI_NAME,
            *WINDOW,
            Parameter(
                name="grain",
                meaning="Length of a bucket.",
                default="hour",
                words=tuple(history.GRAINS),
            ),
            Parameter(name="by", meaning="A grouping that is kept; left out: the KPI's first."),
            Parameter(name="measure", meaning="A number of the KPI; left out: its headline."),
            Parameter(name="group", meaning="Only this group; repeat it for several.", many=True),
            *FILTERS,
        ),
        answer="History",
    ),
    Question(
        name="kpi",
        path="kpis/{name}",
        summary="One KPI, grouped",
        parameters=(
            KPI_NAME,
            *WINDOW,
            Parameter(
                name="by",
                meaning="Grouping; `total` is one row; left out: the KPI's own.",
                example="agent",
            ),
            COMPARE,
            *FILTERS,
        ),
        answer="KpiAnswer",
    ),
    Question(
        name="runs",
        path="runs",
        summary="Runs that ended in a window, and those that go on",
        parameters=(
            *WINDOW,
            Parameter(
                name="status",
                meaning="Only these; `running` are those that go on.",
                words=listing.OUTCOMES,
                many=True,
            ),
            Parameter(
                name="text",
                meaning="Found in id, workflow, project, feature, path, error, message, session or "
                "conversation, in any case.",
            ),
            Parameter(
                name="min_cost_usd",
                meaning="Only runs that cost at least so much.",
                kind="money",
                low=0,
                example="0.5",
            ),
            Parameter(
                name="min_duration_s",
                meaning="Only runs that lasted at least so long; one that goes on: so far.",
                kind="number",
                low=0,
                example="30",
            ),
            Parameter(
                name="sort",
                meaning="The newest, longest, dearest or largest first; what is unknown last.",
                words=listing.SORTS,
                default="started",
            ),
            Parameter(
                name="limit",
                meaning="How many on a page.",
                kind="whole",
                default="20",
                low=1,
                high=listing.MOST_RUNS,
            ),
            Parameter(
                name="cursor",
                meaning="`next` of the page before; it brings its window and its order along.",
            ),
            *FILTERS,
        ),
        answer="RunList",
    ),
    Question(
        name="run",
        path="runs/{run}",
        summary="One run: its tree of spans, agents, handoffs, faults, waits and budgets",
        parameters=(
            Parameter(
                name="run",
                meaning="Its id, or the beginning of it.",
                in_path=True,
                needed=True,
                example="4bf92f35",
            ),
        ),
        answer="RunAnswer",
    ),
    Question(
        name="compare_runs",
        path="compare/runs",
        summary="Runs compared with the first: structure, where they part, numbers",
        parameters=(
            Parameter(
                name="run",
                meaning=f"An id, or the beginning of one; 2 to {comparison.MOST_COMPARED} of them.",
                many=True,
                needed=True,
            ),
        ),
        answer="RunComparison",
    ),
    Question(
        name="compare_groups",
        path="compare/groups",
        summary="Two groups of runs: success, duration, cost and tokens with 95 % intervals",
        parameters=(
            Parameter(
                name="since_a", meaning="Start of A's window; left out: 14d, with `split` 30d."
            ),
            Parameter(name="until_a", meaning="End of A's window; left out: 7d, with `split` now."),
            Parameter(
                name="since_b", meaning="Start of B's window; left out: 7d, with `split` 30d."
            ),
            Parameter(name="until_b", meaning="End of B's window; left out: now."),
            Parameter(
                name="split",
                meaning="Dimension whose values `a` and `b` are.",
                words=(kpi.TOTAL, *comparison.SPLITS),
                default=kpi.TOTAL,
            ),
            Parameter(name="a", meaning="Value of A; left out: all.", many=True),
            Parameter(name="b", meaning="Value of B; left out: all.", many=True),
            Parameter(
                name="of",
                meaning="What is compared; left out: agent runs where an agent is named.",
                words=("runs", "agent_runs"),
            ),
            *FILTERS,
        ),
        answer="GroupComparison",
    ),
    Question(
        name="best_agents",
        path="agents/best",
        summary="Which agent should do a task, and how sure that is",
        parameters=(
            *MONTH,
            Parameter(name="task", meaning="What is to be done, in your words."),
            Parameter(name="domain", meaning="Only this domain of tasks."),
            Parameter(name="task_type", meaning="Only this type, instead of what `task` names."),
            Parameter(
                name="min_confidence",
                meaning="What the best one must reach: the lower end of its success ratio's "
                "interval.",
                kind="number",
                default="0.5",
                low=0,
                high=1,
            ),
            *FILTERS,
        ),
        answer="BestAgents",
    ),
    Question(
        name="decisions",
        path="decisions",
        summary="Handoffs, checks and people's answers, by who decided",
        parameters=(
            *MONTH,
            Parameter(name="actor", meaning="Only this agent or validator; `human`: people."),
            Parameter(name="run", meaning="Only this run, by its whole id."),
            Parameter(
                name="limit",
                meaning="How many.",
                kind="whole",
                default="1000",
                low=1,
                high=agents.MOST_DECISIONS,
            ),
            *FILTERS,
        ),
        answer="Decisions",
    ),
    Question(
        name="alerts",
        path="alerts",
        summary="The state of every alert of the service's --alerts file",
        answer="Alerts",
    ),
    Question(
        name="mapping",
        path="mapping",
        summary="Which attributes of spans are not understood, by instrumentation scope: names, "
        f"never values, digits in them as `N`; of the newest {unread.MOST_SPANS:,} spans",
        parameters=(Parameter(name="since", meaning=f"Spans since: {_TIMES}.", default="7d"),),
        answer="Mapping",
    ),
)
"""In the order in which a request's path is looked for."""


def read(question: Question, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the values of a request by name: a default, '' or None where it has none.

    Raises:
        UsageError: a parameter is unknown, missing or not of its kind; the error names it. One
            that is misspelt must not be ignored: the answer would be that of another question.
    """
    known = [one.name for one in question.parameters if not one.in_path]
    if unknown := sorted(set(given) - set(known)):
        use = f"use {', '.join(known)}" if known else "this address takes none"
        text = f"unknown; {use}"
        raise UsageError(text, parameter=unknown[0][:60])
    return {
        one.name: _values(one, given.get(one.name, ()))
        for one in question.parameters
        if not one.in_path
    }


def filters_of(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return those of the values that are filters and were given."""
    return {name: values[name] for name in kpi.filters() if values.get(name)}


def _values(parameter: Parameter, given: Sequence[str]) -> Any:  # noqa: ANN401 - by its kind
    if parameter.needed and not given:
        raise UsageError("is missing", parameter=parameter.name)
    if len(given) > (_MOST_VALUES if parameter.many else 1):
        most = f"at most {_MOST_VALUES} times" if parameter.many else "once"
        raise UsageError(f"may be given {most}", parameter=parameter.name)
    values = [_value(parameter, one) for one in given]
    if parameter.many:
        return values
    if values:
        return values[0]
    absent = "" if parameter.kind == "text" else None
    return _value(parameter, parameter.default) if parameter.default else absent


def _value(parameter: Parameter, text: str) -> Any:  # noqa: ANN401 - by its kind
    name = parameter.name
    if len(text) > _LONGEST * (4 if name == "cursor" else 1):
        raise UsageError(f"is longer than {_LONGEST} characters", parameter=name)
    if parameter.words and text not in parameter.words:
        words = ", ".join(parameter.words)
        raise UsageError(f"{text[:60]!r} is unknown; use {words}", parameter=name)
    if parameter.kind == "text":
        return text
    value = _number(parameter, text)
    low, high = parameter.low, parameter.high
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"between {low:g} and {high:g}" if high is not None else f"at least {low:g}"
        raise UsageError(f"must be {bounds}, not {text[:60]}", parameter=name)
    return value


def _number(parameter: Parameter, text: str) -> int | float | Decimal:
    """Read a number as JSON writes one: no spaces, no underscores, no infinity."""
    try:
        if not text.isascii() or len(text) > 40 or set(text) - set("0123456789.eE+-"):
            raise ValueError  # noqa: TRY301 - one refusal for whatever is wrong
        if parameter.kind == "whole":
            return int(text)
        exact = Decimal(text)
        if not exact.is_finite() or abs(exact) > 10**15:
            raise ValueError  # noqa: TRY301 - as above
    except (ValueError, InvalidOperation):
        wanted = "a whole number" if parameter.kind == "whole" else "a number"
        text = f"must be {wanted}, not {text[:60]!r}"
        raise UsageError(text, parameter=parameter.name) from None
    return exact if parameter.kind == "money" else float(exact)
