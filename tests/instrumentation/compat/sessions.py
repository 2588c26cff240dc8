"""The chaos session that the tests look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handspan.compat.chaos import Session, start_session

if TYPE_CHECKING:
    from handspan.testing import Clock


def play(clock: Clock) -> Session:
    """A session with two effects, one of them overcome at the second attempt."""
    session = start_session({"rate": "50%"}, mode="guided", seed=7)
    clock.advance(0.5)
    session.log_interaction("start-button", "click", {"x": 3})
    clock.advance(0.5)
    session.log_effect_injection(
        "inject_500_error", "fetch_operation", {"rate": "50%"}, {"score_impact": -15}
    )
    clock.advance(0.25)
    session.log_recovery_attempt("retry", success=False, duration=100.0)
    clock.advance(0.25)
    session.log_recovery_attempt("cache", success=True, duration=50.0, metadata={"score_impact": 5})
    session.log_effect_injection("delay", "search", {"ms": 300}, {"current_score": 60})
    session.evaluation_case_start("answers")
    session.log_evaluation_result("answers", "passed", 0.9, ["is polite", "is short"])
    clock.advance(1)
    session.end_session({"verdict": "shaky"})
    return session
