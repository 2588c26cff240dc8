-- Prices every call of `work_spans`: what the span reports wins, except a cost that was computed from the same
-- price list in the agent; else tokens times `model_prices`, each request by itself, because a tier holds for
-- the whole request. Exact: Decimal to the last step, which rounds to 1e-12 USD.
-- What cannot be priced exactly is NULL with a reason, and no input can make this throw.
INSERT INTO work_costs
WITH
    calls AS
    (
        WITH
            -- The tier of one price list for a request; NULL without a price of its own.
            (prices, request_tokens) -> if(
                empty(prices),
                NULL,
                prices[greatest(1, arrayLastIndex(tier -> request_tokens > tier.1, prices))].2
            ) AS rate
        SELECT
            trace_id,
            span_id,
            kind IN ('llm', 'embedding') AS one_request,
            ifNull(input_tokens, 0) AS input_said,
            ifNull(output_tokens, 0) AS output_said,
            ifNull(cache_read_tokens, 0) AS cache_read_said,
            ifNull(cache_write_tokens, 0) AS cache_write_said,
            ifNull(reasoning_tokens, 0) AS reasoning_said,
            modality_tokens['input_audio'] AS input_audio_said,
            modality_tokens['input_image'] AS input_image_said,
            modality_tokens['cache_read_audio'] AS cache_read_audio_said,
            modality_tokens['cache_read_image'] AS cache_read_image_said,
            modality_tokens['output_audio'] AS output_audio_said,
            modality_tokens['output_image'] AS output_image_said,
            modality_tokens['cache_write_1h'] AS cache_write_1h_said,
            rate(price.input, input_said) AS input_rate,
            rate(price.output, input_said) AS output_rate,
            rate(price.cache_read, input_said) AS cache_read_rate,
            rate(price.cache_write, input_said) AS cache_write_rate,
            rate(price.cache_write_1h, input_said) AS cache_write_1h_rate,
            rate(price.reasoning, input_said) AS reasoning_rate,
            rate(price.input_audio, input_said) AS input_audio_rate,
            rate(price.input_image, input_said) AS input_image_rate,
            rate(price.cache_read_audio, input_said) AS cache_read_audio_rate,
            rate(price.cache_read_image, input_said) AS cache_read_image_rate,
            rate(price.output_audio, input_said) AS output_audio_rate,
            rate(price.output_image, input_said) AS output_image_rate,
            -- Each token once: what has a price of its own is taken off what it is part of.
            if(cache_read_audio_rate IS NULL, 0, cache_read_audio_said) AS cached_audio,
            if(cache_read_image_rate IS NULL, 0, cache_read_image_said) AS cached_image,
            if(cache_read_rate IS NULL, 0, cache_read_said - cached_audio - cached_image) AS plain_cache_read,
            if(cache_write_1h_rate IS NULL, 0, cache_write_1h_said) AS hour_write,
            if(cache_write_rate IS NULL, 0, cache_write_said - hour_write) AS plain_cache_write,
            if(input_audio_rate IS NULL, 0, input_audio_said - cached_audio) AS plain_audio,
            if(input_image_rate IS NULL, 0, input_image_said - cached_image) AS plain_image,
            input_said - plain_cache_read - plain_cache_write - hour_write
                - plain_audio - plain_image - cached_audio - cached_image AS plain_input,
            output_said - if(reasoning_rate IS NULL, 0, reasoning_said)
                - if(output_audio_rate IS NULL, 0, output_audio_said)
                - if(output_image_rate IS NULL, 0, output_image_said) AS plain_output,
            work.cost_usd AS reported_usd,
            work.cost_source AS reported_source,
            price.source AS price_source,
            price.price_version AS version,
            price.usd_per_krequest AS usd_per_krequest,
            multiIf(
                model = '', 'no model',
                input_tokens IS NULL AND output_tokens IS NULL, 'no usage',
                price.source = '', 'not asked',
                price.unknown_reason != '', price.unknown_reason,
                greatest(input_said, output_said, cache_read_said, cache_write_said) > 1000000000000
                    OR arrayExists(tokens -> tokens > 1000000000000, mapValues(modality_tokens)),
                    'usage is not plausible',
                input_tokens IS NULL AND (ifNull(input_rate, 0) > 0 OR cache_read_said + cache_write_said > 0),
                    'no input tokens',
                output_tokens IS NULL AND ifNull(output_rate, 0) > 0, 'no output tokens',
                cache_read_said + cache_write_said > input_said, 'cache tokens exceed input',
                reasoning_rate IS NOT NULL AND reasoning_tokens IS NULL AND output_said > 0, 'no reasoning tokens',
                reasoning_rate IS NOT NULL AND reasoning_said > output_said, 'reasoning tokens exceed output',
                plain_cache_write < 0, 'one-hour cache writes exceed cache writes',
                least(plain_cache_read, plain_audio, plain_image, plain_input, plain_output) < 0,
                    'audio or image tokens exceed their whole',
                -- A sum over requests below the first tier is below it in each; above, nobody can tell.
                NOT one_request AND (
                    usd_per_krequest > 0
                    OR arrayExists(
                        prices -> arrayExists(tier -> tier.1 > 0 AND input_said > tier.1, prices),
                        [price.input, price.output, price.cache_read, price.cache_write, price.reasoning, price.input_audio,
                         price.input_image, price.cache_read_audio, price.cache_read_image, price.output_audio,
                         price.output_image, price.cache_write_1h]
                    )
                ), 'summed usage of a model priced per request',
                ''
            ) AS price_unknown
        FROM work_spans AS work
        ASOF LEFT JOIN
        (
            SELECT * FROM model_prices FINAL
            WHERE (provider, model) IN (SELECT provider, model FROM work_spans)
        ) AS price
            ON work.provider = price.provider
            AND work.model = price.model
            AND toDate(work.started_at) = price.day
            AND toUInt32(dateDiff('second', toStartOfDay(work.started_at), work.started_at)) >= price.from_s
        WHERE kind IN ('llm', 'embedding')
            OR input_tokens IS NOT NULL
            OR output_tokens IS NOT NULL
            OR reported_usd IS NOT NULL
    ),
    priced AS
    (
        SELECT
            *,
            (
                toDecimal256(plain_input, 0) * ifNull(input_rate, 0)
                + toDecimal256(plain_output, 0) * ifNull(output_rate, 0)
                + toDecimal256(plain_cache_read, 0) * ifNull(cache_read_rate, 0)
                + toDecimal256(plain_cache_write, 0) * ifNull(cache_write_rate, 0)
                + toDecimal256(hour_write, 0) * ifNull(cache_write_1h_rate, 0)
                + toDecimal256(reasoning_said, 0) * ifNull(reasoning_rate, 0)
                + toDecimal256(plain_audio, 0) * ifNull(input_audio_rate, 0)
                + toDecimal256(plain_image, 0) * ifNull(input_image_rate, 0)
                + toDecimal256(cached_audio, 0) * ifNull(cache_read_audio_rate, 0)
                + toDecimal256(cached_image, 0) * ifNull(cache_read_image_rate, 0)
                + toDecimal256(output_audio_said, 0) * ifNull(output_audio_rate, 0)
                + toDecimal256(output_image_said, 0) * ifNull(output_image_rate, 0)
            ) * toDecimal256('0.000001', 6)
            + usd_per_krequest * toDecimal256('0.001', 6) AS exact_usd,
            if(price_unknown = '', accurateCastOrNull(round(exact_usd, 12), 'Decimal(18, 12)'), NULL) AS priced_usd,
            reported_usd IS NOT NULL AND (reported_source != 'genai-prices' OR priced_usd IS NULL) AS reported_wins
        FROM calls
    )
SELECT
    trace_id,
    span_id,
    if(reported_wins, reported_usd, priced_usd) AS cost_usd,
    multiIf(
        cost_usd IS NULL, '',
        NOT reported_wins, price_source,
        reported_source = '', 'provider',
        reported_source
    ) AS cost_source,
    if(cost_usd IS NULL OR reported_wins, '', version) AS price_version,
    multiIf(
        cost_usd IS NOT NULL, '',
        price_unknown != '', price_unknown,
        'cost is not plausible'
    ) AS unknown_reason
FROM priced
