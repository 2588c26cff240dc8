"""The service rebuilds and prices again when it is asked: once at a time, for those who may."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from tests.exporter.conventions.replaying import Replay, recordings
from tests.exporter.operating import operating
from tests.exporter.test_rebuild_meanwhile import everything

from handspan_exporter.processor import anew
from handspan_exporter.processor import rebuild as rebuilding
from handspan_exporter.processor.loop import Processor
from handspan_exporter.query import records
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.telemetry import OPERATION_SPANS, OPERATIONS_ENDED, Counters
from handspan_exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from tests.exporter.operating import Operating

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

_HANDSPAN = Path(sys.executable).parent / "handspan"


@pytest.fixture
def stored(database: tuple[Dsn, Connection], tmp_path: Path) -> tuple[Dsn, Connection]:
    """Return a store with two runs of a team, an hour old, and their facts."""
    (sent,) = (one for one in recordings() if one.service == "openai_agents-handspan")
    Replay(database[1], tmp_path / "journal", [sent])
    return database


@contextmanager
def held(dsn: Dsn) -> Iterator[Operating]:
    """Serve with a rebuild that has read a span and waits for a processor that never ends."""
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(connect(dsn)) as session,
    ):
        patch.setattr(rebuilding, "SLICE_SPANS", 1)
        patch.setattr(anew, "MOST_TRACES", -1)
        busy = Processor(session, Settings(), oldest_in_flight_ns=lambda: 0)
        with operating(dsn, processor=busy, hours=2) as web:
            yield web


def underway(web: Operating) -> dict[str, Any]:
    """Return the progress once the first spans are read."""
    while not (told := web.progress("rebuild"))["spans_read"]:
        time.sleep(0.01)
    return told


def fits(told: dict[str, Any]) -> None:
    """Check a progress against its schema."""
    schema = {"$defs": records.load(), **records.reference("Operation")}
    Draft202012Validator(schema).validate(told)


def test_a_rebuild_is_begun_followed_and_counted(stored: tuple[Dsn, Connection]) -> None:
    """It answers at once; whoever asks later hears the same."""
    dsn, connection = stored
    before = everything(connection)
    (raw,) = connection.rows("SELECT count() AS n FROM otel_traces")
    with operating(dsn, hours=2) as web:
        none = web.progress("rebuild")
        begun = web.post("rebuild", since="7d")
        ended = web.ended("rebuild")
        counted = web.counters.total(OPERATION_SPANS, "rebuild")
        assert web.counters.total(OPERATIONS_ENDED, "done") == 1
        assert 'handspan_operation_running{operation="rebuild"} 0' in web.counters.exposition()

    assert (none["state"], none["began"], none["spans"]) == ("none", None, None)
    assert (begun["state"], ended["state"], ended["reason"]) == ("running", "done", "")
    assert begun["since"] == ended["since"] < begun["began"] == ended["began"] < ended["ended"]
    assert raw["n"] == ended["spans_read"] == ended["spans"] == counted
    for told in (none, begun, ended):
        fits(told)
    Replay.tick_of(connection, hours=3)
    assert everything(connection) == before


def test_there_is_one_at_a_time_and_the_end_of_the_service_ends_it(
    stored: tuple[Dsn, Connection],
) -> None:
    """Between two slices: what is done stays, and to say it again makes the rest."""
    dsn, connection = stored
    before = everything(connection)
    with held(dsn) as web:
        web.post("rebuild")
        told = underway(web)
        for path in ("rebuild", "reprice"):
            status, refused = web.ask("POST", path, b"{}")
            assert (status, refused["status"]) == (409, 409)
            assert "a rebuild is under way since" in refused["detail"]
            assert f"of {told['spans']:,} raw spans" in refused["detail"]
    ended = web.anew.progress("rebuild")
    assert ended["state"] == "stopped"
    assert ended["reason"] == "the service was stopped: it is safe to repeat"
    assert 0 < ended["spans_read"] < ended["spans"]

    with operating(dsn, hours=2) as web:
        web.post("rebuild")
        assert web.ended("rebuild")["state"] == "done"
    Replay.tick_of(connection, hours=3)
    assert everything(connection) == before


def test_only_a_token_for_it_may_have_numbers_made_anew(
    stored: tuple[Dsn, Connection], tmp_path: Path
) -> None:
    """Who may read may not put load on the service; who may do this may see how far it is."""
    settings = Settings(require_tokens=True, tokens=str(tmp_path / "tokens.json"))
    with operating(stored[0], settings) as web:
        add = web.guard.tokens.add
        refused = {"": 401, add("a", ("ingest",)): 403, add("b", ("read",)): 403}
        for token, status in refused.items():
            assert web.ask("POST", "rebuild", b"{}", token=token)[0] == status
        admin = add("c", ("admin",))
        assert web.ask("GET", "rebuild", token=admin)[1]["state"] == "none"
        assert web.post("rebuild", token=admin)["state"] == "running"
        assert web.ask("GET", "health", token=admin)[0] == 200
        assert web.ask("GET", "rebuild", token=add("d", ("read",)))[0] == 200


@pytest.mark.parametrize(
    ("body", "content_type", "status", "said"),
    [
        (b"{}", "text/plain", 415, "must be application/json"),
        (b"{", "application/json", 400, "is not JSON"),
        (b"[]", "application/json", 400, "must be an object"),
        (b'{"since": 7}', "application/json", 400, "since: must be a text"),
        (b'{"since": "soon"}', "application/json", 400, "since: 'soon' is not a time"),
        (b'{"sinec": "7d"}', "application/json", 400, "sinec: unknown; use since"),
        (b" " * 5000, "application/json", 413, "more than 4096 bytes"),
    ],
)
def test_a_wrong_request_begins_nothing(
    api: Operating, body: bytes, content_type: str, status: int, said: str
) -> None:
    """A page of another origin can post text without asking, and JSON not at all."""
    found, told = api.ask("POST", "rebuild", body, content_type=content_type)

    assert (found, told["status"]) == (status, status)
    assert said in told["detail"]
    assert api.progress("rebuild")["state"] == "none"


@pytest.fixture(scope="module")
def api(engine: Dsn) -> Iterator[Operating]:
    """Return a service that is only asked wrongly."""
    with operating(engine) as web:
        yield web


def test_the_reason_of_a_failure_is_told(database: tuple[Dsn, Connection]) -> None:
    """Nobody waits for what has ended, and the next one may begin."""
    dsn, connection = database
    with operating(dsn) as web:
        connection.command("RENAME TABLE otel_traces TO otel_elsewhere")
        web.post("rebuild")
        failed = web.ended("rebuild")
        connection.command("RENAME TABLE otel_elsewhere TO otel_traces")
        web.post("rebuild")
        assert web.ended("rebuild")["state"] == "done"
    assert failed["state"] == "failed"
    assert "otel_traces" in failed["reason"]
    assert "\n" not in failed["reason"]


def test_prices_are_those_of_the_file_as_it_is_now(
    stored: tuple[Dsn, Connection], tmp_path: Path
) -> None:
    """Nobody restarts a service for a discount; a file that is wrong changes nothing."""
    dsn, connection = stored
    file = tmp_path / "prices.toml"
    file.write_text("", encoding="utf-8")

    def costs() -> list[Decimal]:
        asked = "SELECT cost_usd FROM llm_calls FINAL WHERE cost_usd IS NOT NULL ORDER BY ALL"
        return [row["cost_usd"] for row in connection.rows(asked)]

    before = costs()
    with operating(dsn, Settings(prices=str(file)), hours=2) as web:
        file.write_text("[[discount]]\ncolour = 1\n", encoding="utf-8")
        status, refused = web.ask("POST", "reprice", b"{}")
        assert (status, refused["parameter"]) == (400, "prices")
        file.write_text('[[discount]]\nprovider = "openai"\npercent = 50\n', encoding="utf-8")
        web.post("reprice", since="30d")
        ended = web.ended("reprice")
    assert ended["state"] == "done"
    (calls,) = connection.rows("SELECT count() AS n FROM llm_calls FINAL")
    assert ended["spans_read"] == ended["spans"] == calls["n"]
    Replay.tick_of(connection, hours=3)
    assert costs() == [cost / 2 for cost in before]
    assert before


class Command:
    """`handspan rebuild` of another process, at a service of this one."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [str(_HANDSPAN), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"HANDSPAN_TOKEN": ""},
        )

    def until(self, word: str) -> None:
        """Return once it has said so on stderr."""
        assert self.process.stderr is not None
        while word not in (line := self.process.stderr.readline()):
            assert line, "it has ended"

    def ended(self) -> tuple[int, str, str]:
        """Return exit code, output and errors."""
        said, wrong = self.process.communicate(timeout=60)
        return self.process.returncode, said, wrong


def test_it_goes_on_when_the_command_is_left_and_can_be_followed(
    stored: tuple[Dsn, Connection],
) -> None:
    """Ctrl-C ends the looking on, not the work; the command says so."""
    with held(stored[0]) as web:
        command = Command("rebuild", "--url", web.url)
        underway(web)
        following = Command("rebuild", "--follow", "--url", web.url)
        following.until("raw spans, ")  # it took more than a second
        command.process.send_signal(signal.SIGINT)
        code, said, wrong = command.ended()
        assert (code, said) == (130, "")
        assert f"a rebuild goes on in the service at {web.url}" in wrong
        assert "`handspan rebuild --follow`" in wrong
        assert "Traceback" not in wrong
        assert web.progress("rebuild")["state"] == "running"

        refused = Command("rebuild", "--url", web.url).ended()
        assert refused[0] == 1
        assert "a rebuild is under way since" in refused[2]
        assert refused[2].count("\n") == 1

        web.anew.stop()
        code, said, wrong = following.ended()
        assert code == 1
        assert "a rebuild has stopped after" in wrong
        assert "safe to repeat" in wrong


def test_an_older_service_is_told_from_one_that_is_gone(engine: Dsn) -> None:
    """Both in a sentence that says what to do."""
    older = Server(engine, Settings(web="127.0.0.1:0"), Counters())
    older.start()
    url = older.url
    old = Command("rebuild", "--url", url).ended()
    older.stop()
    gone = Command("rebuild", "--url", url).ended()

    assert (old[0], gone[0]) == (1, 1)
    assert f"the service at {url} is too old for a rebuild while it runs: upgrade it" in old[2]
    assert "is `handspan serve` still running?" in gone[2]
