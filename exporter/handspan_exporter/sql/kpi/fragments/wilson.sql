    -- Wilson's 95 % interval of the share k / n (E. B. Wilson 1927); NULL when n is 0.
    1.959963984540054 AS z,
    (k, n) -> (k + z * z / 2) / (n + z * z) AS wilson_center,
    (k, n) -> z / (n + z * z) * sqrt(k * (n - k) / n + z * z / 4) AS wilson_half,
    (k, n) -> multiIf(n = 0, NULL, k = 0, 0., greatest(0., wilson_center(k, n) - wilson_half(k, n))) AS wilson_low,
    (k, n) -> multiIf(n = 0, NULL, k = n, 1., least(1., wilson_center(k, n) + wilson_half(k, n))) AS wilson_high
