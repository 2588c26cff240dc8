"""Test what your agents record: a pytest plugin."""
