"""The HTTP API under /api/v1, and one page at /."""
