"""Deliberate errors in the KPIs' files: what stands there, and what a mistake would have written.

Each must be caught by the histories. One that no longer applies is a mistake here.
"""

from __future__ import annotations

_UNTIL = ("ended_at < {until:", "ended_at <= {until:")
_SINCE = ("ended_at >= {since:", "ended_at > {since:")
_NESTED = ("parent_run_id = ''", "parent_run_id != 'x'")
_FACTS_UNFILTERED = ("{{filters_facts}}", "1 = 1")
_RUNS_UNFILTERED = ("{{filters_runs}}", "1 = 1")
_CONTAINERS = ("AND NOT container", "")
_NEWEST = (" FINAL", "")

MUTATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "agent_performance": (
        _UNTIL,
        ("sum(quality) / nullIf(rating_n, 0)", "sum(quality) / nullIf(count(), 0)"),
        ("AND agent_run != ''", ""),
        ("FULL JOIN", "LEFT JOIN"),
        ("sumIf(a.cost_usd, a.unpriced_calls = 0)", "sum(a.cost_usd)"),
        ("if(attempts_n = 0, NULL, sum(attempt) / attempts_n)", "sum(attempt) / count()"),
        ("sumMapIf(map(error_type, toUInt64(1)), outcome = 'failure')", "map()"),
        ("finite(durations_ns[3])", "finite(durations_ns[2])"),
        _FACTS_UNFILTERED,
    ),
    "agent_trend": (
        ("recent_p - earlier_p AS success_change", "earlier_p - recent_p AS success_change"),
        ("until:DateTime64(9, 'UTC')}) - toUnix", "until:DateTime64(9, 'UTC')}) - 10 * toUnix"),
        ("a.cost_usd > 0 AND a.unpriced_calls = 0", "a.cost_usd > 0"),
        ("pow(wilson_high(earlier_k, earlier_n) - earlier_p, 2)", "0"),
        ("high < 0, 'declining'", "low < 0, 'declining'"),
        ("welchTTestIf(0.95)(log(a.duration_ns)", "welchTTestIf(0.95)((a.duration_ns)"),
    ),
    "agent_utilization_ratio": (
        (" - toInt64(away.away_ns)", ""),
        ("greatest(a.start_ns, since_ns)", "a.start_ns"),
        ("toInt64(agent_time_ns) AS own_ns", "toInt64(duration_ns) AS own_ns"),
        ("sum(busy_ns) / n / (until_ns - since_ns)", "sum(busy_ns) / (until_ns - since_ns)"),
        (
            "AND ended_at > {until:DateTime64(9, 'UTC')}\n              )\n              AND\n",
            "AND ended_at < {until:DateTime64(9, 'UTC')}\n              )\n              AND\n",
        ),
        ("UNION ALL", "EXCEPT"),
        _FACTS_UNFILTERED,
    ),
    "agents_per_workflow": (
        _NESTED,
        _UNTIL,
        ("sum(length(agents)) / n", "length(groupUniqArrayArray(agents)) / n"),
        ("maxOrNull(length(agents))", "sum(length(agents))"),
        ("stddevSampStable(length(agents))", "varSampStable(length(agents))"),
        _RUNS_UNFILTERED,
    ),
    "bottlenecks": (
        _UNTIL,
        (
            "sum(critical_ns) / nullIf(sum(sum(critical_ns)) OVER (), 0)",
            "sum(critical_ns) / nullIf(sum(duration_ns), 0)",
        ),
        ("arrayUniq(arrayCompact(groupArrayIf(", "length((groupArrayIf("),
        ("concat(part, ' ', name) AS step", "name AS step"),
        _FACTS_UNFILTERED,
    ),
    "budget_use": (
        _SINCE,
        ("argMax(assumeNotNull(e.used_usd)", "argMin(assumeNotNull(e.used_usd)"),
        ("used >= limit * toDecimal64(0.8, 1)", "used > limit * toDecimal64(0.8, 1)"),
        (
            "GROUP BY grouped, of_budget, of_scope, pot",
            "GROUP BY grouped, of_budget, of_scope, '' AS pot",
        ),
        ("countIf(last_state = 'warning')", "countIf(last_state != 'ok')"),
        ("last_ns + left_ns", "left_ns"),
    ),
    "coordination_overhead_ratio": (
        _NESTED,
        _UNTIL,
        (
            "sum(coordination) / nullIf(sum(agent_time), 0)",
            "avg(coordination / nullIf(agent_time, 0))",
        ),
        ("AND coordination_ns IS NOT NULL", ""),
        ("> 0.3,", "> 0.03,"),
    ),
    "coordination_token_ratio": (
        _UNTIL,
        (
            "sum(coordinating) / nullIf(sum(spent), 0)",
            "sum(coordinating) / nullIf(sum(spent) - sum(coordinating), 0)",
        ),
        ("ifNull(input_tokens, 0) + ifNull(output_tokens, 0)", "ifNull(input_tokens, 0)"),
        ("GROUP BY run_key", "GROUP BY of_group, span_id"),
        ("AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)", ""),
    ),
    "cost_coverage_ratio": (
        _UNTIL,
        ("NOT c.cost_usd.null OR model", "1 OR model"),
        ("priced_calls / n)", "priced_calls / (n - priced_calls + 1))"),
        (
            "c.cost_usd.null) AS unpriced_by_reason",
            "NOT c.cost_usd.null) AS unpriced_by_reason",
        ),
        _FACTS_UNFILTERED,
    ),
    "cost_per_feature_usd": (
        _NESTED,
        ("argMax(outcome,", "argMin(outcome,"),
        ("sum(cost) / nullIf(n, 0)", "sum(cost) / nullIf(features, 0)"),
        ("AND feature != ''", ""),
        ("sum(r.cost_usd) AS cost", "sumIf(r.cost_usd, outcome = 'success') AS cost"),
    ),
    "cost_usd": (
        _UNTIL,
        _SINCE,
        ("NOT cost_usd.null OR model", "1 OR model"),
        ("sum(c.cost_usd) AS cost_usd", "sum(ifNull(c.cost_usd, 0)) AS cost_usd"),
        ("AND c.agent_run = h.target_span_id", "AND c.span_id = h.target_span_id"),
        _FACTS_UNFILTERED,
    ),
    "critic_rejection_ratio": (
        _UNTIL,
        ("AND role = 'critic'", ""),
        ("count() - without_result", "count()"),
        ("countIf(result = 'reject')", "countIf(result != 'pass')"),
    ),
    "duration_vs_estimate_ratio": (
        _NESTED,
        ("sumIf(duration_ns, r.estimated_s > 0)", "sum(duration_ns)"),
        ("r.cost_usd IS NOT NULL AND r.unpriced_calls = 0 AND", "r.cost_usd IS NOT NULL AND"),
        ("countIf(r.estimated_s > 0) AS n", "count() AS n"),
        _UNTIL,
    ),
    "fault_recovery_ratio": (
        _UNTIL,
        ("recovered / n)", "recovered / count())"),
        ("recovered + unrecovered AS n", "recovered + unrecovered + open AS n"),
        ("outcome = 'recovered' AND recovered_by = 'recovery'", "recovered_by = 'recovery'"),
        ("if(injected, 'injected', 'real')", "'injected'"),
    ),
    "handoff_loss_ratio": (
        _UNTIL,
        ("lost + accepted AS n", "lost + accepted + refused AS n"),
        ("lost / n)", "lost / count())"),
        ("countIf(outcome = 'lost')", "countIf(outcome IN ('lost', 'pending'))"),
        _FACTS_UNFILTERED,
    ),
    "handoffs": (
        _UNTIL,
        (
            "quantilesExactInclusive(0.5, 0.9, 0.95)(latency_ns)",
            "quantilesExactInclusive(0.5, 0.9, 0.95)(duration_ns)",
        ),
        ("count(latency_ns)", "count()"),
        ("count(h.payload_bytes)", "countIf(h.payload_bytes > 0)"),
        ("count(h.cost_usd)", "count()"),
    ),
    "human_escalations": (
        _UNTIL,
        (
            "countIf(decision = 'approved') / nullIf(decided_n, 0)",
            "countIf(decision = 'approved') / nullIf(n, 0)",
        ),
        ("quantileExactInclusiveOrNullIf(0.9)(duration_ns, over)", "maxOrNull(duration_ns)"),
        ("countIf(decision != '')", "count()"),
        ("countIf(state = 'waiting')", "countIf(state != 'waiting')"),
    ),
    "llm_error_ratio": (
        _UNTIL,
        _CONTAINERS,
        (
            "countIf(outcome = 'failure')",
            "countIf(error_type != 'Timeout' AND outcome = 'failure')",
        ),
        ("wilson_low(failed, n)", "wilson_low(n - failed, n)"),
        _FACTS_UNFILTERED,
    ),
    "llm_latency_s": (
        _UNTIL,
        _CONTAINERS,
        ("finite(latencies_ns[2])", "finite(latencies_ns[3])"),
        ("sum(duration_ns) / n", "quantileExactInclusiveOrNull(0.5)(duration_ns)"),
        ("stddevSampStable(log(duration_ns))", "stddevPopStable(log(duration_ns))"),
    ),
    "ping_pong_ratio": (
        _UNTIL,
        ("AND mode = 'pass_control'", ""),
        ("countIf(ping_pong)", "countIf(ping_pong AND outcome = 'accepted')"),
        ("ping_pongs / n)", "2 * ping_pongs / n)"),
    ),
    "quality_rating": (
        _SINCE,
        ("sum(r.quality) / nullIf(n, 0)", "sum(r.quality) / nullIf(ratings, 0)"),
        ("countIf(r.success) / nullIf(success_n, 0)", "countIf(r.success) / nullIf(n, 0)"),
        ("count(r.would_use_again)", "countIf(r.would_use_again)"),
        ("alternative_agent != ''", "1"),
    ),
    "resilience_retention_ratio": (
        _NESTED,
        ("AND outcome IN ('success', 'failure')", ""),
        ("FINAL WHERE injected", "FINAL"),
        ("WHERE some_faulted AND NOT all_faulted", ""),
        ("(faulted_k / faulted_n) / (baseline_k / baseline_n)", "faulted_k / baseline_k"),
        ("- 1 / (n + 1) AS log_variance", "- 1 / (n + 0.5) AS log_variance"),
        ("faulted_k = 0, 0,", "faulted_k < 0, 0,"),
    ),
    "resilience_score": (
        _NESTED,
        ("coalesce(f.computed, r.said)", "coalesce(r.said, f.computed)"),
        ("sumIf(severity, ifNull(within_deadline, 0))", "sumIf(severity, outcome = 'recovered')"),
        (
            "sumIf(severity, ifNull(within_deadline, 0)) / nullIf(sum(severity), 0)",
            "countIf(ifNull(within_deadline, 0)) / nullIf(count(), 0)",
        ),
        _UNTIL,
    ),
    "retries_per_task": (
        _UNTIL,
        ("uniqExactIf((task, attempt), attempt > 1)", "countIf(attempt > 1)"),
        ("uniqExactIf(task, task_id != '' OR attempt <= 1)", "count()"),
        ("AND task_id != ''", ""),
        ("if(task_id = '', concat(trace_id, span_id), task_id)", "task_id"),
    ),
    "run_metrics": (
        _SINCE,
        ("sum(value) / n)", "sum(value) / runs_n)"),
        ("argMaxOrNull(value,", "argMinOrNull(value,"),
        ("uniqExact(run_id)", "count()"),
    ),
    "time_to_completion_s": (
        _NESTED,
        _UNTIL,
        ("coalesce(queued_at, started_at)", "started_at"),
        ("AND outcome = 'success'", ""),
    ),
    "time_to_first_token_s": (
        _UNTIL,
        ("count(c.time_to_first_token_s) AS n", "count() AS n"),
        ("finite(firsts_s[1])", "avgOrNull(c.time_to_first_token_s)"),
        _FACTS_UNFILTERED,
    ),
    "time_to_recovery_s": (
        _UNTIL,
        ("ifNull(toFloat64(f.recovery_ns), 1e30)", "toFloat64(f.recovery_ns)"),
        ("countIf(outcome = 'unrecovered')", "countIf(outcome != 'recovered')"),
        ("outcome != 'open'", "1"),
        ("sum(f.recovery_ns) / n", "sum(f.recovery_ns) / count()"),
    ),
    "tokens": (
        _UNTIL,
        ("if(says_both, assumeNotNull(input_tokens), 0)", "ifNull(input_tokens, 0)"),
        ("count(input_tokens) AS input_n", "count() AS input_n"),
        ("GROUP BY run_key", "GROUP BY of_group, span_id"),
        ("sum(output_tokens)", "sum(reasoning_tokens)"),
    ),
    "tool_error_ratio": (
        _UNTIL,
        ("AND NOT delegation", ""),
        ("failed / n)", "failed / (n - failed))"),
        _FACTS_UNFILTERED,
    ),
    "trace_completeness_ratio": (
        _NESTED,
        _UNTIL,
        ("sum(spans_seen) - parents_missing", "sum(spans_seen)"),
        ("uniqExactArray(trace_ids)", "sum(length(trace_ids))"),
        ("uniqExactArray(multi_root_traces)", "sum(length(multi_root_traces))"),
    ),
    "validation_pass_ratio": (
        _UNTIL,
        ("passed + failed + rejected AS n", "count() AS n"),
        ("countIf(result = 'fail')", "countIf(result IN ('fail', 'reject'))"),
        ("countIf(result = '')", "0"),
    ),
    "workflow_duration_s": (
        _NESTED,
        _UNTIL,
        ("finite(actives_ns[1])", "finite(durations_ns[1])"),
        ("sum(duration_ns) / n", "sum(active_ns) / n"),
        _RUNS_UNFILTERED,
    ),
    "workflow_patterns": (
        _NESTED,
        _UNTIL,
        (
            "uniqExactMerge(uniqExactStateIf(run_id, {by:String} = 'agent')) OVER ()",
            "sum(count()) OVER ()",
        ),
        ("countIf(outcome = 'success') / success_n)", "countIf(outcome = 'success') / runs_n)"),
        ("sumIf(r.cost_usd, unpriced_calls = 0)", "sum(r.cost_usd)"),
    ),
    "workflow_success_ratio": (
        _NESTED,
        ("successful / n)", "successful / count())"),
        ("countIf(outcome = 'failure')", "countIf(outcome != 'success')"),
        ("coalesce(ended_at, started_at) < {until", "coalesce(ended_at, started_at) <= {until"),
        ("coalesce(ended_at, started_at) >= {since", "coalesce(ended_at, started_at) > {since"),
        _RUNS_UNFILTERED,
    ),
}
