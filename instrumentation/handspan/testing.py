"""Test what your agents record: a pytest plugin with captured spans, a fixed clock and fixed ids."""
