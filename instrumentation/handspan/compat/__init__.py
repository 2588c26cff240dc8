"""Older simple APIs as thin layers over the verbs, for programs that call them today.

The calls keep their names, arguments and return keys; what they tell becomes spans. One module
each, and docs/compat.md has the verb for every call:

    workflows     log_workflow_start, log_agent_handoff, log_workflow_complete
    invocations   log_invocation, update_invocation, log_success_metric
    events        emit_event, get_emitter, get_metrics, record_critic_decision
    chaos         start_session and what a session logs
    scenarios     log_cost, record_metric

No call raises. One that cannot be recorded as it was meant is counted, see `counts()`, and the
first of its kind is a warning that says what to do.
"""

from __future__ import annotations

from handspan.compat.counted import counts

__all__ = ["counts"]
