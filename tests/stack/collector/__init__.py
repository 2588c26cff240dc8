"""The real Collector with the configurations that are shipped, and what is sent to it."""
