"""Times as people write them become ns since the epoch, or one line that helps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handspan_exporter.errors import UsageError
from handspan_exporter.query.window import Window, iso, moment, parameter, window

SECOND_NS = 10**9
NOW_NS = 1_767_607_200 * SECOND_NS + 123_456_789
"""2026-01-05T10:00:00.123456789Z"""
LATEST_NS = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("now", NOW_NS),
        (" NOW ", NOW_NS),
        ("90m", NOW_NS - 90 * 60 * SECOND_NS),
        ("24h", NOW_NS - 24 * 3600 * SECOND_NS),
        ("7D", NOW_NS - 7 * 86_400 * SECOND_NS),
        ("2w", NOW_NS - 14 * 86_400 * SECOND_NS),
        ("30 s", NOW_NS - 30 * SECOND_NS),
        ("2026-01-05", 1_767_571_200 * SECOND_NS),
        ("2026-01-05T10:00", 1_767_607_200 * SECOND_NS),
        ("2026-01-05 10:00:00", 1_767_607_200 * SECOND_NS),
        ("2026-01-05t10:00:00z", 1_767_607_200 * SECOND_NS),
        ("2026-01-05T15:45:00+05:45", 1_767_607_200 * SECOND_NS),
        ("2026-01-05T10:00:00.123456789Z", NOW_NS),
        ("2026-01-05T10:00:00.5", 1_767_607_200 * SECOND_NS + 500_000_000),
    ],
)
def test_a_time_is_read(text: str, expected_ns: int) -> None:
    """A time without a zone is UTC: on every machine the same."""
    assert moment("since", text, NOW_NS) == expected_ns


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "24", "h", "-1h", "1.5h", "99999999999h", "٣h"),
        *("2026-13-01", "2026-02-30", "5.1.2026", "1960-01-01"),
        *("2026-01-05T25:00", "2026-01-05T10:00:00.1234567890Z"),
    ],
)
def test_what_is_no_time_names_the_option_and_gives_examples(text: str) -> None:
    """One line that a person can act on; exit code 2."""
    with pytest.raises(UsageError, match=r"^--since: '.*' is not a time; use 90m, 24h, 7d, ") as it:
        moment("since", text, NOW_NS)

    assert it.value.exit_code == 2
    assert "\n" not in str(it.value)


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    """A time or a UsageError, whatever comes in over HTTP."""
    try:
        found_ns = moment("since", text, NOW_NS)
    except UsageError as refused:
        found_ns = len(str(refused))
    assert 0 <= found_ns <= LATEST_NS


@given(st.integers(0, LATEST_NS))
def test_a_written_time_reads_back_to_the_nanosecond(moment_ns: int) -> None:
    """The command line sends its window to `serve` in this form."""
    assert moment("until", iso(moment_ns), NOW_NS) == moment_ns
    assert moment("until", parameter(moment_ns), NOW_NS) == moment_ns


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001 - the zone comes below
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_any_zone_reads_as_python_reads_it(naive: datetime, offset_min: int) -> None:
    """Python's own reader is the other opinion; it ends at microseconds."""
    aware = naive.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    elapsed = aware - datetime(1970, 1, 1, tzinfo=UTC)

    assert moment("since", aware.isoformat(), NOW_NS) == elapsed // timedelta(microseconds=1) * 1000


def test_a_window_up_to_now_takes_in_this_very_nanosecond() -> None:
    """[since, until): a span that has just ended would be outside otherwise."""
    assert window("1h", "now", now_ns=NOW_NS) == Window(NOW_NS - 3600 * SECOND_NS, NOW_NS + 1)


def test_a_window_without_length_is_refused() -> None:
    """It could only be a mistake: its answer is always unknown."""
    with pytest.raises(UsageError, match="--since: 1h is not before until, 2h"):
        window("1h", "2h", now_ns=NOW_NS)
    with pytest.raises(UsageError, match="not before"):
        window("2026-01-05", "2026-01-05", now_ns=NOW_NS)


@pytest.mark.parametrize("since", ["2100-01-01", "9999-12-31"])
def test_a_window_that_begins_in_the_future_says_so(since: str) -> None:
    """The time is read well enough; it is no beginning of anything yet."""
    with pytest.raises(UsageError, match="in the future"):
        window(since, "now", now_ns=NOW_NS)
