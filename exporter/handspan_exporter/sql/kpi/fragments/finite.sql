    -- A standard deviation of fewer than two values is none; a duration of 0 has no logarithm.
    x -> if(isFinite(x), x, NULL) AS finite
