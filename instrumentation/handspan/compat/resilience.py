"""Faults and their recoveries, paired, with the figures that people read while a session runs."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FULL_SCORE = 100.0


@dataclass(eq=False, slots=True)
class Effect:
    """One injected fault and what became of it."""

    step: int
    """Step of the session in which it was injected."""
    fault_id: str
    """Pairs the fault's span with its recoveries."""
    type: str
    target: str
    at_ms: float
    """Since the session's start."""
    attempts: int = 0
    """Recoveries tried."""
    recovered_ms: float | None = None
    """From the fault to the recovery that succeeded; None: not recovered."""
    recovered_step: int | None = None
    strategy: str | None = None
    """Of the last attempt."""


class Resilience:
    """The faults of one session; not thread-safe by itself."""

    def __init__(self) -> None:
        """Start without faults."""
        self.effects: list[Effect] = []
        self.current_score = _FULL_SCORE
        """0..100, as the effects' score impacts move it; 100 at the start."""

    def add(self, effect: Effect) -> None:
        """Add a fault."""
        self.effects.append(effect)

    def hit(self, told: Mapping[str, object]) -> float | None:
        """Move the current score as a result says; return the impact, None when it says none."""
        impact, score = _number(told.get("score_impact")), _number(told.get("current_score"))
        if score is None and impact is None:
            return None
        before = self.current_score
        wanted = before + (impact or 0.0) if score is None else score
        self.current_score = min(max(wanted, 0.0), _FULL_SCORE)
        return self.current_score - before if impact is None else impact

    def paired(self, told: Mapping[str, object]) -> Effect | None:
        """Return the fault that a recovery answers.

        Args:
            told: the recovery's metadata: `fault_id`, `effect_step`, `target` and `effect_type`
                narrow it down. Of what is left, the latest fault that is not recovered.
        """
        for effect in reversed(self.effects):
            if effect.recovered_ms is None and _fits(effect, told):
                return effect
        return None

    @property
    def recovery_rate(self) -> float | None:
        """Recovered share of the faults, 0..1; None without faults."""
        if not self.effects:
            return None
        return sum(one.recovered_ms is not None for one in self.effects) / len(self.effects)

    @property
    def score(self) -> float | None:
        """Resilience score, 0..100: the recovered share; None without faults."""
        return None if self.recovery_rate is None else 100 * self.recovery_rate

    def metrics(self) -> dict[str, float | int | None]:
        """Return the figures; times only say what was recovered, so `unrecovered` is beside."""
        times_ms = [one.recovered_ms for one in self.effects if one.recovered_ms is not None]
        return {
            "effects": len(self.effects),
            "recovered": len(times_ms),
            "unrecovered": len(self.effects) - len(times_ms),
            "recovery_rate": self.recovery_rate,
            "resilience_score": self.score,
            "mean_time_to_recovery_ms": fmean(times_ms) if times_ms else None,
            "median_time_to_recovery_ms": median(times_ms) if times_ms else None,
            "current_score": self.current_score,
        }


def _fits(effect: Effect, told: Mapping[str, object]) -> bool:
    own: dict[str, object] = {
        "fault_id": effect.fault_id,
        "effect_step": effect.step,
        "target": effect.target,
        "effect_type": effect.type,
    }
    return all(told[name] == own[name] for name in own if told.get(name) is not None)


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]
