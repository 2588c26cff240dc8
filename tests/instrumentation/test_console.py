"""The tree of a run on the terminal, and the same as JSON lines."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import handspan
from handspan.console import console
from handspan.json_lines import read_json_lines
from handspan.record.validation import validation
from handspan.span_tree import MAX_OPEN_SPANS

if TYPE_CHECKING:
    from pathlib import Path

    from handspan.testing import Clock, Spans


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


class FullDisk(io.StringIO):
    """A stream that takes nothing."""

    def write(self, text: str, /) -> int:
        """Fail, as a full disk does."""
        raise OSError(28, f"No space left for {len(text)} characters")


class Narrow(io.TextIOWrapper):
    """A terminal of the C locale."""

    def __init__(self) -> None:
        """Take ASCII only."""
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding="ascii")


def team(clock: Clock) -> None:
    """One run with a handoff, a costly call, a rejection, a retry and an error."""
    with handspan.workflow("support"):
        with handspan.agent("triage"), handspan.handoff("triage", "refund"):
            clock.advance(0.0015)
        with handspan.agent("refund"), handspan.task("pay", attempt=2):
            with handspan.llm("m") as call:
                clock.advance(2.5)
                call.usage(input_tokens=812, output_tokens=64)
                call.cost(0.00125)
            with validation("polite") as check:
                check.result("reject")
            with pytest.raises(ValueError, match="declined"), handspan.tool("bank"):
                raise ValueError("card declined")


def test_the_run_is_a_tree_that_grows(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """Who writes agents watches who works, what it costs and what breaks."""
    stream = io.StringIO()
    console(stream)
    team(handspan_clock)
    assert stream.getvalue() == (
        "▶ invoke_workflow support\n"
        "  ▶ invoke_agent triage\n"
        "    ▶ handoff triage → refund\n"
        "    ✓ handoff triage → refund 1.5 ms\n"
        "  ✓ invoke_agent triage 1.5 ms\n"
        "  ▶ invoke_agent refund\n"
        "    ▶ run_task pay attempt 2\n"
        "      ▶ chat m\n"
        "      ✓ chat m 2.50 s 812+64 tokens $0.00125\n"
        "      ▶ validate polite\n"
        "      ✓ validate polite 0.0 ms reject\n"
        "      ▶ execute_tool bank\n"
        "      ✗ execute_tool bank 0.0 ms ValueError card declined\n"
        "    ✓ run_task pay 2.50 s\n"
        "  ✓ invoke_agent refund 2.50 s\n"
        "✓ invoke_workflow support 2.50 s success\n"
    )
    assert len(handspan_spans) == 8


def test_a_terminal_gets_colours(handspan_spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red must mean failed; a file or pipe must get no escape codes (the test above)."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    console(stream)
    handspan.agent("triage").start().end("lost the plot")
    assert stream.getvalue() == (
        "\x1b[36m▶ invoke_agent triage\x1b[0m\n"
        "\x1b[31m✗ invoke_agent triage 0.0 ms _OTHER lost the plot\x1b[0m\n"
    )
    assert len(handspan_spans) == 1


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_colours_gets_none(
    handspan_spans: Spans, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Both are how people say it, https://no-color.org."""
    monkeypatch.setenv(variable, value)
    stream = Terminal()
    console(stream)
    handspan.agent("triage").start().end()
    assert "\x1b" not in stream.getvalue()
    assert len(handspan_spans) == 1


def test_a_name_cannot_forge_a_line(handspan_spans: Spans) -> None:
    """Names come from models; a newline or escape code in one stays text."""
    stream = io.StringIO()
    console(stream)
    handspan.agent("a\n✓ invoke_workflow all is well\x1b[2J").start()
    assert stream.getvalue() == "▶ invoke_agent a�✓ invoke_workflow all is well�[2J\n"
    assert len(handspan_spans) == 0


def test_a_terminal_without_unicode_gets_ascii(handspan_spans: Spans) -> None:
    """An arrow must not raise in the C locale."""
    stream = Narrow()
    console(stream)
    with handspan.handoff("triage", "refund"):
        pass
    assert stream.bytes.getvalue() == (
        b"> handoff triage -> refund\n+ handoff triage -> refund 0.0 ms\n"
    )
    assert len(handspan_spans) == 1


def test_a_stream_that_fails_is_one_warning(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """The program goes on and its spans still leave."""
    console(FullDisk())
    for _ in range(3):
        with handspan.agent("triage"):
            pass
    assert len(handspan_spans) == 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Handspan stops printing the tree of the run" in caplog.text


def test_spans_that_never_end_cost_little(handspan_spans: Spans) -> None:
    """The depth of each open span is remembered, so their number has to have an end."""
    stream = io.StringIO()
    console(stream)
    first = handspan.workflow("support").start()
    for _ in range(MAX_OPEN_SPANS):
        handspan.tool("search").start(parent=first)
    handspan.agent("late").start(parent=first)
    assert stream.getvalue().endswith("  ▶ execute_tool search\n▶ invoke_agent late\n")
    assert len(handspan_spans) == 0


def test_events_are_written_as_json_lines(
    handspan_spans: Spans, handspan_clock: Clock, tmp_path: Path
) -> None:
    """Readers of the old event stream find its three keys."""
    path = tmp_path / "logs" / "events.jsonl"
    console(io.StringIO(), jsonl=path)
    with handspan.agent("triage") as agent:
        agent.span.add_event("look", {"at": "ticket"}, timestamp=handspan_clock.now_ns)
        handspan_clock.advance(0.25)
    handspan.tool("bank").start().end("down")
    started, completed, _, failed = read_json_lines(path)
    assert list(started) == ["event_type", "timestamp", "payload"]
    assert started["event_type"] == "agent_started"
    assert started["timestamp"] == 1_767_225_600.0
    assert started["payload"]["attributes"]["handspan.agent.name"] == "triage"
    assert completed == {
        "event_type": "agent_completed",
        "timestamp": 1_767_225_600.25,
        "payload": started["payload"]
        | {
            "duration_ms": 250.0,
            "events": [{"name": "look", "timestamp": 1_767_225_600.0, "at": "ticket"}],
        },
    }
    assert failed["event_type"] == "tool_completed"
    assert failed["payload"]["error"] == "down"
    assert len(handspan_spans) == 2


def test_what_is_shown_is_redacted(handspan_spans: Spans, tmp_path: Path) -> None:
    """Screens are shared and files are attached to tickets."""
    stream, path = io.StringIO(), tmp_path / "events.jsonl"
    console(stream, jsonl=path)
    call = handspan.tool("mail ada@example.com").start()
    call.set("api_key", "hunter2-hunter2")
    call.span.add_event("sent", {"to": "ada@example.com"})
    call.end("login ada@example.com refused")
    for text in (stream.getvalue(), path.read_text()):
        assert "mail [redacted:email]" in text
        assert "ada@example" not in text
        assert "hunter2" not in text
    assert len(handspan_spans) == 1


def test_a_file_that_cannot_be_written_is_one_warning(
    handspan_spans: Spans, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong path must not stop anybody's agents."""
    (tmp_path / "file").write_text("")
    console(io.StringIO(), jsonl=tmp_path / "file" / "events.jsonl")
    for _ in range(3):
        with handspan.agent("triage"):
            pass
    assert len(handspan_spans) == 3
    (record,) = caplog.records
    assert "Handspan cannot write events to" in record.message


def test_a_missing_file_and_a_torn_line_are_no_events(tmp_path: Path) -> None:
    """A crash in the middle of a line must not cost the lines before it."""
    path = tmp_path / "events.jsonl"
    assert read_json_lines(path) == []
    path.write_bytes(b'{"event_type": "a"}\n[1]\n\n\xff\n{"event_type": "b')
    assert read_json_lines(path) == [{"event_type": "a"}]


@pytest.mark.end_to_end
def test_a_first_program_needs_no_service(tmp_path: Path) -> None:
    """`console()` alone must show the run, and not wait for a receiver nobody started."""
    program = """
import handspan
handspan.console(jsonl="events.jsonl")
with handspan.workflow("support"), handspan.agent("triage"):
    pass
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    lines = [line.split() for line in done.stderr.splitlines()]
    assert [line[:3] for line in lines] == [
        ["▶", "invoke_workflow", "support"],
        ["▶", "invoke_agent", "triage"],
        ["✓", "invoke_agent", "triage"],
        ["✓", "invoke_workflow", "support"],
    ]
    assert len(read_json_lines(tmp_path / "events.jsonl")) == 4


def test_the_console_that_is_asked_for_twice_prints_once(
    handspan_spans: Spans, tmp_path: Path
) -> None:
    """Notebook cells are run again."""
    stream, file = io.StringIO(), tmp_path / "events.jsonl"
    for _ in range(2):
        handspan.console(stream, jsonl=file)
    with handspan.agent("triage"):
        pass
    assert stream.getvalue().count("invoke_agent triage") == 2
    assert len(file.read_text().splitlines()) == 2
    assert len(handspan_spans) == 1


def test_points_in_time_are_in_the_tree(handspan_spans: Spans) -> None:
    """Who injects faults and watches money wants to see both."""
    stream = io.StringIO()
    console(stream)
    with handspan.agent("triage"), handspan.budget(limit_usd=1.0):
        handspan.fault("timeout", target="search").now()
        handspan.decision("queue", "billing")
        handspan.message("seller", type="proposal")
        with handspan.llm("m") as call:
            call.cost(0.9)
    assert [line for line in stream.getvalue().splitlines() if "•" in line] == [
        "  • fault timeout search",
        "  • decision queue billing",
        "  • message seller proposal",
        "  • budget warning $0.9 of $1",
    ]
    assert len(handspan_spans) == 2


def test_a_terminal_without_a_letter_prints_on(handspan_spans: Spans) -> None:
    """One name with an umlaut must not end the tree."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console(stream)
    with handspan.agent("Prüfer"), handspan.tool("search"):
        pass
    stream.seek(0)
    assert [line.split()[:3] for line in stream.read().splitlines()[:2]] == [
        [">", "invoke_agent", "Pr?fer"],
        [">", "execute_tool", "search"],
    ]
    assert len(handspan_spans) == 2
