    -- One number to order by; what is unknown comes last.
    multiIf(
        {sort:String} = 'duration', ifNull(toInt64(r.duration_ns), -1),
        -- 12 decimals as a whole number: in 128 bits, which a Decimal(18, 12) cannot overflow.
        {sort:String} = 'cost', ifNull(toInt64(toDecimal128(r.cost_usd, 12) * toInt64(1000000000000)), -1),
        {sort:String} = 'tokens', if(
            r.input_tokens IS NULL AND r.output_tokens IS NULL, -1,
            toInt64(ifNull(r.input_tokens, 0) + ifNull(r.output_tokens, 0))
        ),
        toUnixTimestamp64Nano(r.started_at)
    ) AS sort_key
