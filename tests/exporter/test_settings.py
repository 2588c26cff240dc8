"""Settings come from options and the environment, and wrong ones are named."""

from __future__ import annotations

import pytest

from handspan_exporter.errors import UsageError
from handspan_exporter.settings import Settings, from_environment


def test_an_option_wins_over_the_environment_and_that_over_the_default() -> None:
    """As with every OpenTelemetry setting."""
    settings = from_environment(
        {"HANDSPAN_WEB": "127.0.0.1:1", "HANDSPAN_FLUSH_S": "0.25"}, web="127.0.0.1:2", store=None
    )

    assert settings.web == "127.0.0.1:2"
    assert settings.flush_s == pytest.approx(0.25)
    assert settings.flush_spans == Settings().flush_spans


def test_a_value_of_the_wrong_type_names_its_variable() -> None:
    """A person reads this message in a container's log, far from the code."""
    with pytest.raises(UsageError, match="HANDSPAN_FLUSH_SPANS must be a whole number, not 'many'"):
        from_environment({"HANDSPAN_FLUSH_SPANS": "many"})


@pytest.mark.parametrize("name", ["raw_days", "flush_spans", "daily_history_days"])
def test_a_value_out_of_bounds_names_its_variable(name: str) -> None:
    """Zero days of retention would delete what was just acknowledged."""
    with pytest.raises(UsageError, match=f"HANDSPAN_{name.upper()} must be at least"):
        from_environment({}, **{name: 0})


def test_a_retention_beyond_what_clickhouse_can_count_is_refused() -> None:
    """A hundred years overflow its DateTime: every row would be older than the limit."""
    with pytest.raises(UsageError, match="HANDSPAN_FACT_DAYS must be at most 10000, not 36500"):
        from_environment({"HANDSPAN_FACT_DAYS": "36500"})
