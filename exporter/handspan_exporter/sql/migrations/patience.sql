-- Merge by tens: a row is written again log10 times, not log5 times, and merges cost more CPU than inserts do.
ALTER TABLE {{table}} MODIFY SETTING merge_selector_base = 10
