-- A KPI's history is the KPI itself: each closed hour and day, answered by the KPI's own file over that bucket.
-- One row per measure (a numeric column of the file's answer). Readers take the newest version of a bucket.
CREATE TABLE IF NOT EXISTS kpi_history
(
    kpi       LowCardinality(String),
    grain     LowCardinality(String),              -- hour day
    bucket    DateTime('UTC')                      CODEC(Delta, ZSTD(1)),
    grouping  LowCardinality(String),              -- '' or the dimension, as in the file's header
    "group"   String                               CODEC(ZSTD(1)),
    measure   LowCardinality(String),
    value     Nullable(Float64)                    CODEC(ZSTD(1)),
    n         Nullable(UInt64),
    low       Nullable(Float64),                   -- 95 % interval of the headline measure
    high      Nullable(Float64),
    reason    LowCardinality(String),              -- why value is NULL
    version   UInt64                               CODEC(Delta, ZSTD(1)),
    is_deleted UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY (grain, toYYYYMM(bucket))
ORDER BY (kpi, grain, grouping, "group", measure, bucket)
SETTINGS non_replicated_deduplication_window = 1000
