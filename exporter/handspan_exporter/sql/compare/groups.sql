-- Two groups of runs, or of agent runs, A and B: counts, geometric means, and (t, p, low, high) of Welch's test on the logarithms, as
-- B - A. A cost is known where every call has a price. The rows are those of compare/runs or compare/agent_runs.
-- reads: runs or agent_runs
-- used by: handspan runs compare, GET /api/v1/compare/groups
SELECT
    countIf(NOT of_b) AS runs_a,
    countIf(of_b) AS runs_b,
    countIf(outcome = 'success' AND NOT of_b) AS success_k_a,
    countIf(outcome = 'success' AND of_b) AS success_k_b,
    countIf(outcome IN ('success', 'failure') AND NOT of_b) AS success_n_a,
    countIf(outcome IN ('success', 'failure') AND of_b) AS success_n_b,
    countIf(has_duration AND NOT of_b) AS duration_n_a,
    countIf(has_duration AND of_b) AS duration_n_b,
    exp(avgOrNullIf(log_duration, has_duration AND NOT of_b)) AS duration_a,
    exp(avgOrNullIf(log_duration, has_duration AND of_b)) AS duration_b,
    welchTTestIf(0.95)(log_duration, NOT of_b, has_duration) AS duration_test,
    duration_test.3 AS duration_low,
    duration_test.4 AS duration_high,
    countIf(has_cost AND NOT of_b) AS cost_n_a,
    countIf(has_cost AND of_b) AS cost_n_b,
    exp(avgOrNullIf(log_cost, has_cost AND NOT of_b)) AS cost_a,
    exp(avgOrNullIf(log_cost, has_cost AND of_b)) AS cost_b,
    welchTTestIf(0.95)(log_cost, NOT of_b, has_cost) AS cost_test,
    cost_test.3 AS cost_low,
    cost_test.4 AS cost_high,
    countIf(has_tokens AND NOT of_b) AS tokens_n_a,
    countIf(has_tokens AND of_b) AS tokens_n_b,
    exp(avgOrNullIf(log_tokens, has_tokens AND NOT of_b)) AS tokens_a,
    exp(avgOrNullIf(log_tokens, has_tokens AND of_b)) AS tokens_b,
    welchTTestIf(0.95)(log_tokens, NOT of_b, has_tokens) AS tokens_test,
    tokens_test.3 AS tokens_low,
    tokens_test.4 AS tokens_high
FROM
(
    SELECT
        outcome,
        arrayJoin(arrayFilter((of, is_in) -> is_in, [false, true], [in_a, in_b])) AS of_b,
        ifNull(t.duration_ns, 0) > 0 AS has_duration,
        log(ifNull(t.duration_ns, 1) / 1e9) AS log_duration,
        ifNull(t.cost_usd, 0) > 0 AND t.unpriced_calls = 0 AS has_cost,
        log(ifNull(toFloat64(t.cost_usd), 1)) AS log_cost,
        ifNull(t.input_tokens, 0) + ifNull(t.output_tokens, 0) AS all_tokens,
        all_tokens > 0 AS has_tokens,
        log(all_tokens) AS log_tokens
    FROM
    (
{{rows}}
    ) AS t
)
{{settings}}
