"""Real programs around Handspan for tests and benchmarks, built into a cache outside the tree."""
