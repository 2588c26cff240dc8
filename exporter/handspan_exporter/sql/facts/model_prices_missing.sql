-- What the calls of `work_spans` were made with and nobody has asked the price of; asked again where it was
-- unknown and the prices are another version now. Read by processor/prices.py.
SELECT DISTINCT
    provider,
    model,
    toDate(started_at) AS day
FROM work_spans
WHERE model != ''
  AND (kind IN ('llm', 'embedding') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
  AND (provider, model, day) NOT IN
  (
      SELECT provider, model, day
      FROM model_prices FINAL
      WHERE unknown_reason = '' OR price_version = {price_version:String}
  )
ORDER BY provider, model, day
