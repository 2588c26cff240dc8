"""The verb `recovery`: one attempt to overcome a fault."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from handspan import semconv
from handspan.record.counts import Counts
from handspan.record.failing import is_error
from handspan.record.fault import Fault
from handspan.record.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

_of_fault = Counts()


@dataclass(eq=False, repr=False)
class Recovery(Recording):
    """Record one attempt to overcome a fault; without an exception it has succeeded.

    Example:
        >>> timeout = handspan.fault("timeout", target="search", injected=False).now()
        >>> with handspan.recovery("retry", timeout) as attempt:
        ...     answer = search(question)
        ...     attempt.success(answer is not None)
    """

    kind: ClassVar[semconv.Kind] = "recovery"
    _success = cast("bool | None", None)

    strategy: str
    """What is tried, for example retry; few different ones."""
    fault: Fault | str | None = None
    """The fault, or its id when it was recorded elsewhere."""
    _: KW_ONLY
    attempt: int | None = None
    """Which attempt at this fault it is, from 1; None: counted in this process."""

    def success(self, success: bool) -> None:  # noqa: FBT001 - the word says what it is
        """Say whether the fault is overcome; wins over what an exception would say."""
        self._success = success
        self.set(semconv.RECOVERY_SUCCESS, success)

    def _span_name(self) -> str:
        return f"{semconv.SPAN_RECOVERY} {self.strategy}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        fault_id = self.fault.fault_id if isinstance(self.fault, Fault) else self.fault
        attempt = self.attempt
        if attempt is None and fault_id is not None:
            attempt = _of_fault.next(fault_id)
        return {
            semconv.RECOVERY_STRATEGY: self.strategy,
            semconv.RECOVERY_FAULT_ID: fault_id,
            semconv.RECOVERY_ATTEMPT: attempt,
        }

    def _before_end(self, error: BaseException | str | None) -> None:
        if self._success is not None:
            return
        if error is None or is_error(error):
            self.set(semconv.RECOVERY_SUCCESS, error is None)


recovery = Recovery
