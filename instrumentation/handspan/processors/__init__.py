"""How a span is completed before it leaves the process."""
