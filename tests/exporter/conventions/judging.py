"""What each ending of the story truly came to, beside what the facts show of a recording."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from genai_prices import Usage, calc_price
from stack.frameworks import story
from tests.exporter.conventions.replaying import total

if TYPE_CHECKING:
    from stack.frameworks.story import Reply
    from tests.exporter.conventions.replaying import Recording, Shown

RIGHT: Final = "right"
MISSING: Final = "missing"
WRONG: Final = "wrong"
FACTS: Final = ("runs", "agents", "handoffs", "tokens", "cost", "errors")
"""The columns of the table."""

_TOKENS: Final = ("input", "output", "cache_read", "reasoning")
_CLOSING: Final = ("supervisor", "pydantic_ai", "crewai", "strands")
"""Where the first agent has the last word."""


@dataclass
class Truth:
    """One ending as it happened."""

    runs: list[str]
    agents: Counter[str]
    handoffs: Counter[tuple[str, str]]
    replies: list[Reply]
    errors: set[tuple[str, str]] = field(default_factory=set)


def truth(framework: str, ending: str) -> Truth:
    """Return what happened in one ending of a framework's story."""
    team, _, end = ending.rpartition("-")
    closes = {framework, team} & set(_CLOSING)
    handed = Counter() if framework == "pydantic_ai" else Counter([(story.TRIAGE, story.REFUND)])
    agents = Counter([story.TRIAGE, story.REFUND] + [story.TRIAGE] * (team == "supervisor"))
    if end == "approval":
        agents[story.REFUND] += 1
        if framework == "pydantic_ai":
            agents[story.TRIAGE] = 0
        first = [story.HANDS_OVER] if framework != "pydantic_ai" else []
        replies = [*first, *story.REFUND_REPLIES]
        return Truth(["success"] * 2, +agents, handed, replies)
    said = [story.HANDS_OVER] + ([story.CLOSES] if closes else [])
    if end == "refund":
        errors = {("tool", story.PAY_BACK)}
        return Truth(["success"], agents, handed, [*said, *story.REFUND_REPLIES], errors)
    errors = {("agent", story.REFUND), ("call", "")}
    if framework == "crewai":  # a coworker's failure is an answer like any other
        return Truth(["success"], agents, handed, said, errors)
    errors.add(("run", ""))
    if framework == "pydantic_ai":  # the failure passes through the agent that delegated
        errors |= {("agent", story.TRIAGE), ("tool", "ask_refund")}
        said = [story.HANDS_OVER]
    return Truth(["failure"], agents, handed, said, errors)


def verdicts(recording: Recording, shown: dict[str, Shown]) -> dict[str, str]:
    """Return the cell of each fact: right, missing what, or wrong how, in which endings."""
    cells: dict[str, dict[str, list[str]]] = {fact: {} for fact in FACTS}
    for ending, found in shown.items():
        for fact, cell in _judged(truth(recording.framework, ending), found).items():
            cells[fact].setdefault(cell, []).append(ending)
    return {fact: _joined(by_cell, len(shown)) for fact, by_cell in cells.items()}


def _joined(by_cell: dict[str, list[str]], endings: int) -> str:
    """Return all cells of a fact in one, without the endings that are right."""
    said = [
        cell if len(where) == endings else f"{cell} ({', '.join(where)})"
        for cell, where in sorted(by_cell.items())
        if cell != RIGHT
    ]
    return "; ".join(said) or RIGHT


def _judged(true: Truth, found: Shown) -> dict[str, str]:
    runs = Counter(run["outcome"] for run in found.runs if run["parent_run_id"] == "")
    agents = Counter(one["agent"] for one in found.agents)
    handoffs = Counter((one["source"], one["target"]) for one in found.handoffs)
    told = {one["outcome"] for one in found.handoffs}
    cells = {
        "runs": _counted(Counter(true.runs), runs),
        "agents": _counted(true.agents, agents),
        "handoffs": _edges(true.handoffs, handoffs),
        "tokens": _tokens(true, found),
        "cost": _cost(true, found),
        "errors": _counted(Counter(true.errors), Counter(_errors(found))),
    }
    if told - {"accepted", "unknown"}:
        cells["handoffs"] = f"{WRONG}: {', '.join(sorted(told))}"
    return cells


def _counted(true: Counter[Any], found: Counter[Any]) -> str:
    """Judge a bag of things: more than there were is wrong, fewer is missing."""
    if extra := found - true:
        return f"{WRONG}: {_named(extra)} too many"
    if lacking := true - found:
        return f"{MISSING}: {_named(lacking)}"
    return RIGHT


def _named(things: Counter[Any]) -> str:
    return ", ".join(
        " ".join(filter(None, one)) if isinstance(one, tuple) else one for one in sorted(things)
    )


def _edges(true: Counter[tuple[str, str]], found: Counter[tuple[str, str]]) -> str:
    """Judge handoffs: an end that nobody names is missing, another one is wrong."""
    if found == true:
        return RIGHT
    if found.total() > true.total():
        return f"{WRONG}: {found.total()} instead of {true.total()}"
    if not found:
        return MISSING
    ((source, target),) = found
    ((was_source, was_target),) = true
    if source not in {"", was_source} or target not in {"", was_target}:
        return f"{WRONG}: {source} to {target}"
    return f"{MISSING}: {'source' if not source else 'target'}"


def _tokens(true: Truth, found: Shown) -> str:
    """Judge the sums: what nobody reported is missing, another number is wrong."""
    lacking = []
    for kind in _TOKENS:
        was = sum(getattr(reply, f"{kind}_tokens") for reply in true.replies)
        said = total(found.calls, f"{kind}_tokens")
        if said is not None and said != was:
            return f"{WRONG}: {said} {kind} tokens instead of {was}"
        if said is None and was:
            lacking.append(kind.replace("_", " "))
    return f"{MISSING}: {', '.join(lacking)}" if lacking else RIGHT


def _cost(true: Truth, found: Shown) -> str:
    said, was = total(found.calls, "cost_usd"), sum(map(price_usd, true.replies), Decimal(0))
    if said is None:
        return MISSING
    return RIGHT if said == was else f"{WRONG}: {said / was:.1%} of the cost"


def price_usd(reply: Reply) -> Decimal:
    """Return what genai-prices says of one reply."""
    usage = Usage(
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        cache_read_tokens=reply.cache_read_tokens,
    )
    at = datetime(2026, 1, 1, tzinfo=UTC)
    answer = calc_price(usage, story.MODEL, provider_id=story.PROVIDER, genai_request_timestamp=at)
    return Decimal(answer.total_price)


def _errors(found: Shown) -> set[tuple[str, str]]:
    failed = [("run", "") for one in found.runs if one["outcome"] == "failure"]
    failed += [("agent", one["agent"]) for one in found.agents if one["outcome"] == "failure"]
    failed += [("tool", one["tool"]) for one in found.tools if one["outcome"] == "failure"]
    failed += [("call", "") for one in found.calls if one["outcome"] == "failure"]
    return set(failed)
