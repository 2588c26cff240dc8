"""Chaos sessions: faults injected into agents, what was done against them, and the score.

    session = start_session({"rate": "50%"}, mode="guided", seed=7)
    session.log_effect_injection("timeout", "search", {"delay_s": 3}, {"score_impact": -15})
    session.log_recovery_attempt("retry", success=True, duration=120.0)
    session.end_session({"verdict": "robust"})
    print(session.export_as_report())

A session is a run: its faults, recoveries and evaluations are spans of it, everything else that
happens is an event on its span. The log of it is kept here too, for exports without any service.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handspan import semconv
from handspan.clock import now_ns
from handspan.compat.counted import count
from handspan.compat.event_metrics import passes
from handspan.compat.files import timestamp
from handspan.compat.resilience import Effect
from handspan.compat.resource_use import ResourceUse
from handspan.compat.session_log import Entry, SessionLog, restore
from handspan.internal import contained, warn_once
from handspan.processors import redaction
from handspan.record import Workflow
from handspan.record.fault import Fault
from handspan.record.point import happened
from handspan.record.recovery import Recovery
from handspan.record.validation import Validation
from handspan.redaction_rules import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


__all__ = ["Session", "SessionLog", "restore", "start_session"]


def start_session(
    configuration: Mapping[str, Any] | None = None,
    mode: str | None = None,
    seed: int | None = None,
    *,
    max_entries: int = 10_000,
    measure_resources: bool = False,
) -> Session:
    """Start a session and its run. Today: `handspan.workflow(name, seed=...)`.

    Args:
        configuration: whatever describes the session; kept for exports.
        mode: kind of session; names the workflow, so few different ones.
        seed: seed of `session.random` and of the faults.
        max_entries: entries kept for exports; older ones are dropped and counted.
        measure_resources: put this process's CPU and memory on each entry.

    Example:
        >>> session = start_session({"rate": "50%"}, mode="guided", seed=7)
        >>> session.random.random() < 0.5
        True
    """
    session = Session(
        str(uuid.uuid4()),
        started_at=timestamp(now_ns()),
        configuration=_clean(_mapping(configuration)),
        mode=mode,
        seed=seed,
        max_entries=max_entries,
    )
    session._begin(ResourceUse() if measure_resources else None)  # noqa: SLF001 - made just above
    return session


class Session(SessionLog):
    """A session while it runs. Any thread may log to it; no method raises."""

    _run: Workflow
    _resources: ResourceUse | None = None
    _ended = False
    _steps = 0

    def log_trace(self, action: str, data: Mapping[str, Any] | None = None) -> Entry | None:
        """Log a step of any kind. Today: an event on the current span.

        Args:
            action: what happens.
            data: what is known about it; `score_impact` or `current_score` moves the score.

        Returns:
            The entry, without credentials; None when it could not be logged.
        """
        entry = self._log(action, _mapping(data))
        if entry is not None:
            self._happened(entry)
        return entry

    def log_interaction(
        self, element: str, interaction_type: str, data: Mapping[str, Any] | None = None
    ) -> Entry | None:
        """Log what a user does, for example a click on an element."""
        told = {"element": element, "interaction_type": interaction_type, "data": _mapping(data)}
        return self.log_trace("user_interaction", told)

    def evaluation_case_start(
        self, case: str, data: Mapping[str, Any] | None = None
    ) -> Entry | None:
        """Say that a case of an evaluation begins."""
        return self.log_trace("evaluation_case_start", {"case": case, **_mapping(data)})

    def log_effect_injection(
        self,
        effect_type: str,
        target: str,
        parameters: Mapping[str, Any] | None = None,
        result: Mapping[str, Any] | None = None,
    ) -> Entry | None:
        """Log an injected fault. Today: `handspan.fault(type, target=..., parameters=...)`.

        Args:
            effect_type: kind of fault.
            target: what is hit.
            parameters: how it was injected.
            result: what it did: `score_impact` or `current_score`, 0..100, moves the score.

        Returns:
            The entry; its `fault_id` may be named in a recovery's metadata.
        """
        told = {
            "effect_type": effect_type,
            "target": target,
            "parameters": _mapping(parameters),
            "result": _mapping(result),
        }
        return self._log("effect_injection", told, self._injected)

    def log_recovery_attempt(
        self,
        strategy: str,
        success: bool,
        duration: float,
        metadata: Mapping[str, Any] | None = None,
    ) -> Entry | None:
        """Log an attempt to recover. Today: `with handspan.recovery(strategy, fault)`.

        It answers the latest fault that is not recovered; `fault_id`, `effect_step`, `target` or
        `effect_type` in `metadata` say which.

        Args:
            strategy: what was tried.
            success: whether the fault is overcome.
            duration: how long it took, milliseconds; the span ends now.
            metadata: more; `score_impact` or `current_score` moves the score.
        """
        told = {
            "strategy": strategy,
            "success": success,
            "duration": duration,
            "metadata": _mapping(metadata),
        }
        return self._log("recovery_attempt", told, self._recovered)

    def log_evaluation_result(
        self,
        case: str,
        result: object,
        score: float | None = None,
        assertions: Sequence[object] | None = None,
    ) -> Entry | None:
        """Log how a case of an evaluation ended. Today: `handspan.validation(case, role="test")`.

        Args:
            case: name of the case; few different ones.
            result: True, "pass", "passed", ... for passed; all else is failed.
            score: as the evaluation gave it.
            assertions: what was checked.
        """
        told = {
            "case": case,
            "result": "pass" if passes(result) else "fail",
            "score": score,
            "assertions": assertions if isinstance(assertions, list | tuple) else [],
        }
        return self._log("evaluation_result", told, self._evaluated)

    @contained
    def end_session(self, summary: Mapping[str, Any] | None = None) -> None:
        """End the session and its run; a second call does nothing.

        Args:
            summary: kept for exports; a false `success` in it makes the run a failure.
        """
        if self._ended:
            return
        self.summary = _clean(_mapping(summary))
        self.log_trace("session_end", {"summary": self.summary})
        self._ended = True
        score = self._resilience.score
        self._run.set(semconv.RESILIENCE_SCORE, score)
        self._run.outcome("failure" if self.summary.get("success") is False else "success")
        self._run.end()

    def on_trace(self, listener: Callable[[Entry], object]) -> None:
        """Call `listener(entry)` after each entry, in the thread that logs it.

        What it raises is one warning.
        """
        self._listeners.append(listener)

    # --- how an entry is made ---

    @contained
    def _begin(self, resources: ResourceUse | None) -> None:
        self._lock = threading.RLock()
        self._listeners: list[Callable[[Entry], object]] = []
        self._resources = resources
        self._start_ns = now_ns()
        name = f"chaos {self.mode}" if self.mode else "chaos"
        self._run = Workflow(name, id=self.session_id, seed=self.seed)
        self._run.start(start_ns=self._start_ns)
        self.log_trace("session_start", {"configuration": self.configuration})

    def _log(
        self,
        action: str,
        told: Mapping[str, Any],
        record: Callable[[Entry, int], float | None] | None = None,
    ) -> Entry | None:
        entry = self._entered(action, told, record)
        if entry is not None:
            self._tell(entry)
        return entry

    @contained
    def _entered(
        self,
        action: str,
        told: Mapping[str, Any],
        record: Callable[[Entry, int], float | None] | None,
    ) -> Entry:
        with self._lock:
            at_ns = now_ns()
            self._steps += 1
            entry: Entry = {
                "step": self._steps,
                "timestamp": timestamp(at_ns),
                "relative_time": (at_ns - self._start_ns) / 1e6,
                "action": action,
                **_clean(told),
            }
            impact = record(entry, at_ns) if record else self._resilience.hit(told)
            entry["performance_impact"] = impact
            entry["resilience_score"] = self._resilience.score
            entry["current_score"] = self._resilience.current_score
            if self._resources is not None:
                entry["resource_impact"] = self._resources.measure()
            self._keep(entry)
            return entry

    def _injected(self, entry: Entry, at_ns: int) -> float | None:
        impact = self._resilience.hit(entry["result"])
        if impact is not None:
            entry["result"] |= {
                "score_impact": impact,
                "current_score": self._resilience.current_score,
            }
        fault = Fault(
            entry["effect_type"],
            target=entry["target"],
            id=f"{self.session_id}-{entry['step']}",
            parameters=entry["parameters"],
            seed=self.seed,
            score_impact=impact,
        )
        fault.start(parent=self._run, start_ns=at_ns)
        fault.end(end_ns=at_ns)
        entry["fault_id"] = fault.id
        self._resilience.add(
            Effect(
                step=entry["step"],
                fault_id=str(fault.id),
                type=entry["effect_type"],
                target=entry["target"],
                at_ms=entry["relative_time"],
            )
        )
        return impact

    def _recovered(self, entry: Entry, at_ns: int) -> float | None:
        effect = self._resilience.paired(entry["metadata"])
        if effect is None:
            count(
                "recoveries without a fault",
                "a recovery was logged without a fault that it could answer; it is recorded "
                "unpaired. Log the effect first",
            )
        else:
            effect.attempts += 1
            effect.strategy = entry["strategy"]
            if entry["success"]:
                effect.recovered_ms = entry["relative_time"] - effect.at_ms
                effect.recovered_step = entry["step"]
        entry["effect_step"] = effect.step if effect else None
        entry["fault_id"] = effect.fault_id if effect else None
        recovery = Recovery(
            entry["strategy"], entry["fault_id"], attempt=effect.attempts if effect else None
        )
        recovery.start(parent=self._run, start_ns=at_ns - max(round(entry["duration"] * 1e6), 0))
        recovery.success(bool(entry["success"]))
        recovery.end(end_ns=at_ns)
        return self._resilience.hit(entry["metadata"])

    def _evaluated(self, entry: Entry, at_ns: int) -> float | None:
        check = Validation(entry["case"], role="test").start(parent=self._run, start_ns=at_ns)
        check.result(entry["result"], score=entry["score"])
        check.set(semconv.GEN_AI_EVALUATION_NAME, entry["case"])
        check.set(semconv.GEN_AI_EVALUATION_SCORE_VALUE, entry["score"])
        check.set(semconv.GEN_AI_EVALUATION_SCORE_LABEL, entry["result"])
        check.end(end_ns=at_ns)
        return None

    def _happened(self, entry: Entry) -> None:
        use = entry.get("resource_impact") or {}
        happened(
            semconv.EVENT_SESSION,
            {
                semconv.SESSION_ACTION: entry["action"],
                semconv.SESSION_STEP: entry["step"],
                semconv.SESSION_ELEMENT: entry.get("element"),
                semconv.PERFORMANCE_IMPACT: entry["performance_impact"],
                semconv.RESOURCE_CPU_RATIO: use.get("cpu_ratio"),
                semconv.RESOURCE_MEMORY_BYTES: use.get("memory_bytes"),
            },
            context=self._run.context,
        )

    def _tell(self, entry: Entry) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(entry)
            except Exception as error:  # noqa: BLE001 - the user's function
                warn_once(f"Handspan: a listener of a chaos session failed: {error!r}")


def _mapping(told: object) -> dict[str, Any]:
    """Return a copy of what was told; what is no mapping is kept under `value`."""
    if told is None:
        return {}
    return dict(told) if isinstance(told, Mapping) else {"value": told}


def _clean(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data without credentials; what cannot be looked through is replaced.

    Exports go to strangers, so a process that redacts less, or nothing, changes nothing here.
    """
    own = redaction.current()
    return {key: own.value(key, _always.value(key, value)) for key, value in told.items()}


_always = redaction.Redaction(Redactor())
