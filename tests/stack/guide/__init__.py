"""The guide, read by tests."""
