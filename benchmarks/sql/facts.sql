-- What Handspan has made of them: typed spans, runs, calls, each counted once.
SELECT
    (SELECT count() FROM agent_spans FINAL),
    (SELECT count() FROM runs FINAL),
    (SELECT count() FROM llm_calls FINAL)
