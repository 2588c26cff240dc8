"""Chaos sessions as JSON, CSV, report and link, and back from a link."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.instrumentation.compat.sessions import play

from handspan import settings
from handspan.compat import counts
from handspan.compat.chaos import SessionLog, restore, start_session

if TYPE_CHECKING:
    from handspan.testing import Clock, Spans

V1_LINK = (Path(__file__).parent / "session_v1.link").read_text().strip()


def test_credentials_leave_by_no_export(handspan_spans: Spans) -> None:
    """Links are shared with strangers."""
    key = "sk-proj-abcdefghijklmnopqrstuvwx"
    session = start_session({"api_key": "hunter2-hunter2", "note": f"uses {key}"})
    session.log_interaction("login", "submit", {"password": "hunter2-hunter2", "n": [{"t": key}]})
    session.log_effect_injection(
        "error", f"https://u:hunter2-hunter2@host/?k={key}", {"token": key}
    )
    session.log_recovery_attempt("x", success=True, duration=1, metadata={"mail": "a@example.com"})
    session.end_session({"authorization": f"Bearer {key}"})
    session.add_export_format("raw", lambda log: repr((log.as_dict(), log.entries)))
    restored = restore(session.export_as_shareable_url())
    assert restored is not None
    for text in (
        session.export_as_json(),
        session.export_as_csv(),
        session.export_as_report(),
        session.export("raw"),
        restored.export_as_json(),
        repr([span.attributes for span in handspan_spans]),
    ):
        assert "session_start" in text or "effect_type" in text or "inject" in text or "#" in text
        assert key not in text
        assert "hunter2" not in text
        assert "example.com" not in text


def test_a_link_shows_no_credentials_even_where_spans_may() -> None:
    """Spans go to one's own service, links to strangers; own rules are applied on top."""
    settings.use(redact=(), redact_keys=["employee_id"])
    session = start_session({"password": "hunter2-hunter2", "employee_id": "E-4711"})
    settings.use()
    assert session.configuration == {
        "password": "[redacted:key]",
        "employee_id": "[redacted:key]",
    }


def test_export_as_json(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """All of it, with the analyses that were registered."""
    session = play(handspan_clock)
    session.register_analyzer("steps", lambda log: len(log.entries))
    session.register_analyzer("broken", lambda log: log.entries[99])
    told = json.loads(session.export_as_json())
    assert told == json.loads(session.export_as_json(pretty=True))
    assert "\n  " in session.export_as_json(pretty=True)
    assert told["session"] == {
        "id": session.session_id,
        "started_at": "2026-01-01T00:00:00.000Z",
        "mode": "guided",
        "seed": 7,
        "configuration": {"rate": "50%"},
    }
    assert told["summary"] == {"verdict": "shaky"}
    assert told["entries"] == session.entries
    assert told["analysis"] == {
        "steps": 9,
        "broken": "failed: IndexError('list index out of range')",
    }
    assert len(handspan_spans) == 6


def test_export_as_csv_has_a_column_for_every_key(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Actions differ in what they say; a spreadsheet shows all of it."""
    rows = list(csv.DictReader(io.StringIO(play(handspan_clock).export_as_csv())))
    assert len(rows) == 9
    assert list(rows[0])[:5] == [
        "step",
        "timestamp",
        "relative_time",
        "action",
        "configuration.rate",
    ]
    assert rows[2]["parameters.rate"] == "50%"
    assert rows[2]["result.current_score"] == "85.0"
    assert rows[0]["parameters.rate"] == ""
    assert rows[7]["assertions"] == '["is polite", "is short"]'
    assert len(handspan_spans) == 6


def test_export_as_report(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """For people: the figures, each effect with its recovery, unknown in words."""
    session = play(handspan_clock)
    session.register_analyzer("advice", lambda _: "cache | retry\nless")
    lines = session.export_as_report().splitlines()
    for line in (
        f"# Chaos session {session.session_id}",
        "- recovery rate: 0.5",
        "| 3 | inject_500_error | fetch_operation | 500 | cache | 2 |",
        "| 6 | delay | search | unknown | unknown | 0 |",
        "| 8 | answers | pass | 0.9 |",
        "| 5 | 1500 | 90 | 100 | 5 |",
        "- verdict: shaky",
        "- advice: cache \\| retry less",
    ):
        assert line in lines
    assert len(handspan_spans) == 6


def test_own_formats_and_their_failures(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """A format that raises must not end the experiment it describes."""
    session = start_session()
    session.add_export_format("ids", lambda log: log.session_id)
    session.add_export_format("broken", lambda log: str(log.summary["x"]))
    assert session.export("ids") == session.session_id
    assert session.export("broken") == ""
    assert session.export("missing") == ""
    assert len(caplog.records) == 2
    assert len(handspan_spans) == 0


def test_a_link_restores_the_session(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """Figures, pairs and entries are those of the original; no server is asked."""
    session = play(handspan_clock)
    url = session.export_as_shareable_url("https://example.com/s")
    assert url.startswith("https://example.com/s#v1.")
    again = restore(url)
    assert isinstance(again, SessionLog)
    assert json.loads(again.export_as_json()) == json.loads(session.export_as_json())
    assert again.random.random() == start_session(seed=7).random.random()
    assert list(again.replay()) == session.entries
    assert len(handspan_spans) == 6


def test_replay_keeps_the_times(
    handspan_spans: Spans, handspan_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At double speed in half the time."""
    waits: list[float] = []
    monkeypatch.setattr("handspan.compat.session_log.time.sleep", waits.append)
    steps = [entry["step"] for entry in play(handspan_clock).replay(speed=2.0)]
    assert steps == list(range(1, 10))
    assert [round(wait, 6) for wait in waits] == [0, 0.25, 0.25, 0.125, 0.125, 0, 0, 0, 0.5]
    assert len(handspan_spans) == 6


def test_a_link_of_the_first_version_is_readable_for_ever() -> None:
    """People keep links in tickets. Never write this file anew."""
    log = restore(V1_LINK)
    assert log is not None
    assert (log.mode, log.seed, log.summary) == ("guided", 7, {"verdict": "shaky"})
    assert [entry["step"] for entry in log.replay()] == list(range(1, 10))
    assert log.metrics()["recovery_rate"] == 0.5


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no link to a session"),
        ("https://example.com/", "no link to a session"),
        ("handspan:session#v2.abc", "of version v2, update handspan"),
        (V1_LINK[:-9], "damaged, copy all of it"),
        (V1_LINK + "%", "damaged"),
        ("handspan:session#v1.eNqrrgUAAXUA-Q", "holds no session"),
        ("handspan:session#v1.eNqLjgUAARUAuQ", "holds no session"),
    ],
)
def test_a_link_that_cannot_be_read_is_told(
    caplog: pytest.LogCaptureFixture, url: str, says: str
) -> None:
    """Half a link is what a chat leaves of it."""
    assert restore(url) is None
    assert says in caplog.text
    assert counts() == {"links not readable": 1}
