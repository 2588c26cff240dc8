"""The verb `validation`: something checks what goes into or comes out of an agent."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, get_args

from handspan import semconv
from handspan.internal import contained
from handspan.record.recording import Recording
from handspan.record.values import known_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

_RESULTS = get_args(semconv.ValidationResult)
_ROLES = get_args(semconv.ValidationRole)


@dataclass(eq=False, repr=False)
class Validation(Recording):
    """Record one check; an exception in it means that nothing was found out.

    Example:
        >>> with handspan.validation("no_secrets", role="guard") as check:
        ...     check.result("pass" if is_clean(answer) else "reject")
    """

    kind: ClassVar[semconv.Kind] = "validation"

    name: str
    """What is checked; few different ones."""
    _: KW_ONLY
    role: semconv.ValidationRole | None = None
    """In which role: critic, test, guard or human; critic feeds the rejection rate."""
    validator: str | None = None
    """Who checks."""

    @contained
    def result(self, result: semconv.ValidationResult, *, score: float | None = None) -> None:
        """Record what was found.

        Args:
            result: pass, fail, or reject: sent back to whoever made it.
            score: as the validator gave it.
        """
        known_word(result, _RESULTS, "result of a validation")
        self.set(semconv.VALIDATION_RESULT, result)
        self.set(semconv.VALIDATION_SCORE, score)

    def _span_name(self) -> str:
        return f"{semconv.SPAN_VALIDATION} {self.name}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        known_word(self.role, _ROLES, "role of a validation")
        return {
            semconv.VALIDATION_NAME: self.name,
            semconv.VALIDATION_VALIDATOR: self.validator,
            semconv.VALIDATION_ROLE: self.role,
        }


validation = Validation
