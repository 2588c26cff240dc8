"""The verb `budget`: so much money, watched while it is spent."""

from __future__ import annotations

import functools
import inspect
import threading
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, Self, TypeVar, cast
from weakref import WeakSet

from opentelemetry.context import attach, create_key, get_current, get_value, set_value
from opentelemetry.trace import get_current_span

from handspan import semconv
from handspan.blocks import leave
from handspan.clock import now_ns
from handspan.internal import contained, warn_once
from handspan.record.decorating import async_generator, generator, named_as
from handspan.record.point import happened
from handspan.record.tracer import current_provider, current_tracer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from handspan.record.decorating import Around

P = ParamSpec("P")
R = TypeVar("R")

_KEY = create_key("handspan-budgets")
_WARNING_RATIO: Final = 0.8


class BudgetExceeded(Exception):
    """The next call would exceed a budget that was told to stop; raised before it is made."""

    def __init__(self, budget: Budget, expected_usd: float) -> None:
        self.budget = budget
        """The budget."""
        self.expected_usd = expected_usd
        """What the call was expected to cost, USD."""
        super().__init__(
            f"the {budget.scope} budget of {budget.limit_usd:g} USD has {budget.used_usd:g} USD "
            f"used, and the next call would cost about {expected_usd:g}: "
            "raise limit_usd or make fewer calls"
        )


@dataclass(eq=False)
class Budget:
    """Watch what the model calls inside cost; say so at 80 % and when the limit is passed.

    One budget is one pot: it may be entered again, from several threads, tasks and runs, and goes
    on counting. A call counts when it ends, whoever records it (`handspan.llm`, OpenInference,
    OpenLLMetry, other instrumentations of OpenTelemetry), with the cost that it tells, else that
    of the price list (extra `cost`). A call that is recorded twice counts once. A call without a
    cost is not taken for free: it counts in `unpriced_calls`, unless it failed. What only agents
    tell, as a sum of calls that nobody recorded, is in KPIs but in no budget.

    Example:
        >>> with handspan.budget(limit_usd=0.50, scope="workflow", stop=True) as budget:
        ...     answer = team(question)
        >>> budget.state
        'ok'
    """

    limit_usd: float
    """The limit, USD."""
    scope: str = "workflow"
    """What it covers, for example workflow, agent, project or day."""
    name: str | None = None
    """Name of the budget, when a scope has several."""
    stop: bool = False
    """Raise `BudgetExceeded` before a call that would exceed the limit. What a call will cost is
    taken from its `expected_usd`, else from the mean of the calls so far. Only blocks and
    decorated functions are stopped, never callbacks of a framework."""
    on_change: Callable[[Budget], object] | None = None
    """Called when the state becomes warning or exceeded; an exception in it is logged."""

    def __post_init__(self) -> None:
        """Begin with nothing used."""
        self.limit_usd = _limit(self.limit_usd)
        self._lock = threading.Lock()
        self._used_usd = 0.0
        self._calls = 0
        self._since_ns: int | None = None
        self._state: semconv.BudgetState = "ok"
        self.unpriced_calls = 0
        """Calls inside whose cost is unknown; with any, what is used is a lower bound."""

    # --- as a context manager and decorator ---

    def __enter__(self) -> Self:
        """Count the calls that are made from now on."""
        self._begin()
        outside = get_current()
        attach(_Block(self, outside).inside)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting, and record what is used."""
        here = get_current()
        mine = [block for block in _blocks(here) if block.budget is self]
        if mine:
            mine[-1].leave(here)
        self._record(None)

    async def __aenter__(self) -> Self:
        """Count the calls that are made from now on."""
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        """Stop counting, and record what is used."""
        self.__exit__()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Count all calls of a function, coroutine function or generator into this one budget.

        What the reader of a generator does between two items does not count.
        """
        if inspect.iscoroutinefunction(function):
            wrapper = self._coroutine(function)
        elif inspect.isasyncgenfunction(function):
            wrapper = async_generator(self._body, function)
        elif inspect.isgeneratorfunction(function):
            wrapper = generator(self._body, function)
        else:
            wrapper = self._plain(function)
        return cast("Callable[P, R]", functools.update_wrapper(wrapper, function))

    # --- what is used ---

    @property
    def used_usd(self) -> float:
        """What is used, USD."""
        return self._used_usd

    @property
    def remaining_usd(self) -> float:
        """What is left, USD; never below 0."""
        return max(0.0, self.limit_usd - self._used_usd)

    @property
    def used_ratio(self) -> float | None:
        """Used part of the limit, above 1 when exceeded; None for a limit of 0."""
        return self._used_usd / self.limit_usd if self.limit_usd > 0 else None

    @property
    def state(self) -> semconv.BudgetState:
        """How much is used: ok, warning from 80 %, exceeded above the limit."""
        return self._state

    @property
    def exhausted_at_ns(self) -> int | None:
        """When nothing will be left at the rate so far, nanoseconds since the epoch.

        None as long as nothing is used, or no time has passed.
        """
        now = now_ns()
        with self._lock:
            used_usd, since_ns = self._used_usd, self._since_ns
        if since_ns is None or used_usd <= 0 or now <= since_ns:
            return None
        usd_per_ns = used_usd / (now - since_ns)
        return now + round((self.limit_usd - used_usd) / usd_per_ns)

    def spend(self, usd: float | None) -> None:
        """Count what something cost that no model call inside has recorded; None: unknown."""
        self._spend(usd, None)

    def check(self, expected_usd: float | None = None) -> None:
        """Raise `BudgetExceeded` if it is to stop and the next call would exceed it.

        Args:
            expected_usd: what the call will cost; None: the mean of the calls so far.
        """
        expected = self._mean_usd() if expected_usd is None else expected_usd
        would_use = self._used_usd + expected
        if self.stop and (would_use > self.limit_usd or self._used_usd >= self.limit_usd):
            raise BudgetExceeded(self, expected)

    @contained
    def _begin(self) -> None:
        with self._lock:
            if self._since_ns is None:
                self._since_ns = now_ns()
        _watch_others()

    @contained
    def _spend(self, usd: float | None, context: Context | None) -> None:
        with self._lock:
            if usd is None:
                self.unpriced_calls += 1
                return
            self._used_usd += usd
            self._calls += 1
            state = self._state_now()
            changed, self._state = state != self._state, state
        if changed:
            self._record(context)
            self._tell()

    def _state_now(self) -> semconv.BudgetState:
        if self._used_usd > self.limit_usd:
            return "exceeded"
        return "warning" if self._used_usd >= _WARNING_RATIO * self.limit_usd else "ok"

    def _mean_usd(self) -> float:
        with self._lock:
            return self._used_usd / self._calls if self._calls else 0.0

    @contained
    def _record(self, context: Context | None) -> None:
        happened(
            semconv.EVENT_BUDGET,
            {
                semconv.BUDGET_NAME: self.name,
                semconv.BUDGET_SCOPE: self.scope,
                semconv.BUDGET_LIMIT_USD: None if self.limit_usd == inf else self.limit_usd,
                semconv.BUDGET_USED_USD: self._used_usd,
                semconv.BUDGET_USED_RATIO: None if self.limit_usd == inf else self.used_ratio,
                semconv.BUDGET_STATE: self._state,
            },
            context=context,
        )

    @contained
    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change(self)

    def _body(self, *_: object) -> Around:
        return _Block(self, get_current())

    def _plain(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: object, **kwargs: object) -> object:
            with self:
                result = function(*args, **kwargs)
            return named_as(result, later(result)) if type(result) is CoroutineType else result

        async def later(coroutine: Coroutine[Any, Any, object]) -> object:
            with self:
                return await coroutine

        return counted

    def _coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(*args: object, **kwargs: object) -> object:
            with self:
                return await function(*args, **kwargs)

        return counted


def _watch_others() -> None:
    """See to it that calls are counted that other instrumentations record."""
    provider = None if current_tracer() is None else current_provider()
    if provider is not None and hasattr(provider, "add_span_processor"):
        from handspan.record.spending import watch  # noqa: PLC0415 - only who has the SDK pays

        watch(provider)


class Watcher(Protocol):
    """Counts calls by their spans; a `handspan.record.spending.SpendingProcessor`."""

    def watches(self, span_id: int) -> bool:
        """Say whether the end of this span will be counted there."""
        ...


watchers: WeakSet[Watcher] = WeakSet()
"""Those of all providers."""


def is_watched(span: Span) -> bool:
    """Say whether the end of this open span counts by itself."""
    span_id = span.get_span_context().span_id
    return any(watcher.watches(span_id) for watcher in watchers)


def _limit(told: object) -> float:
    """Return a limit as a number; what is none is one warning and no limit."""
    if isinstance(told, int | float | Decimal) and told == told:  # noqa: PLR0124 - NaN is not
        return float(told)
    warn_once(f"Handspan ignores the budget {told!r:.80}: limit_usd is a number of USD")
    return inf


class _Block:
    """One block of a budget, with the Context around and inside it."""

    __slots__ = ("budget", "inside", "outside")

    def __init__(self, budget: Budget, outside: Context) -> None:
        self.budget = budget
        self.outside = outside
        self.inside = set_value(_KEY, (*_blocks(outside), self), outside)

    def _begin_body(self) -> Context:
        self.budget._begin()  # noqa: SLF001 - one file
        return self.inside

    def _item(self) -> None:
        """Do nothing: calls are counted, not items."""

    def _end_body(self, _: BaseException | None) -> None:
        self.budget._record(None)  # noqa: SLF001 - one file

    def leave(self, here: Context) -> None:
        """Make current what was around the block, once no span inside it is open."""
        is_innermost = _blocks(here)[-1] is self
        over = is_innermost and get_current_span(here) is get_current_span(self.inside)
        leave(here, self.inside, self.outside, over=over)


def _blocks(context: Context) -> tuple[_Block, ...]:
    found = get_value(_KEY, context)
    return found if isinstance(found, tuple) else ()


def budgets_in(context: Context) -> list[Budget]:
    """Return the budgets that a call in this Context counts into, each once."""
    return list(dict.fromkeys(block.budget for block in _blocks(context)))


def has_budgets(context: Context) -> bool:
    """Say whether a call in this Context counts into any budget."""
    return _KEY in context


def check_budgets(context: Context, expected_usd: float | None) -> None:
    """Raise `BudgetExceeded` if a budget stops the next call in this Context."""
    expected = expected_usd if isinstance(expected_usd, int | float) else None
    for budget in budgets_in(context):
        budget.check(expected)


def spend(context: Context, usd: float | None) -> None:
    """Count a call's cost into the budgets of the Context in which it was made."""
    for budget in budgets_in(context):
        budget._spend(usd, context)  # noqa: SLF001 - one file


budget = Budget
