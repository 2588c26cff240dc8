"""A token is shown once, kept as a hash, and counts until it is revoked; nobody else gets in."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from handspan_exporter.access.guard import Door, Guard, is_loopback
from handspan_exporter.access.limits import Meter
from handspan_exporter.access.tokens import TokenFile
from handspan_exporter.errors import (
    NotAuthenticated,
    NotFound,
    NotPermitted,
    OverLimit,
    Stop,
    UsageError,
)
from handspan_exporter.settings import Settings
from handspan_exporter.telemetry import REQUESTS_FAILED, Counters

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_token_is_found_by_its_text_and_the_file_does_not_hold_it(tmp_path: Path) -> None:
    """Whoever reads the file, or a backup of it, cannot use what is there."""
    file = TokenFile(tmp_path / "tokens.json")
    text = file.add("collector", ("ingest",), tenant="acme", spans_per_s=10.0)

    found = file.find(text)

    assert found is not None
    assert (found.name, found.tenant, found.spans_per_s) == ("collector", "acme", 10.0)
    assert text.split("_", 2)[2] not in file.path.read_text()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + "~", lambda t: t[:-1], lambda _: "", str.upper]
)
def test_what_is_not_a_token_is_nobodys(tmp_path: Path, change: Callable[[str], str]) -> None:
    """Also one whose id is known."""
    file = TokenFile(tmp_path / "tokens.json")
    text = file.add("collector", ("ingest",))

    assert file.find(change(text)) is None


def test_another_secret_with_a_known_id_is_refused(tmp_path: Path) -> None:
    """The id is public: it is in lists, metrics and logs."""
    file = TokenFile(tmp_path / "tokens.json")
    one, other = file.add("one", ("ingest",)), file.add("other", ("ingest",))

    assert file.find(one[:12] + other[12:]) is None


def test_a_running_service_follows_the_file(tmp_path: Path) -> None:
    """`handspan token revoke` must help at once, without a restart."""
    served, edited = TokenFile(tmp_path / "tokens.json"), TokenFile(tmp_path / "tokens.json")
    assert served.all() == {}

    text = edited.add("collector", ("ingest",))
    found = served.find(text)
    assert found is not None
    edited.revoke(found.id)

    assert served.find(text) is None
    with pytest.raises(NotFound, match="handspan token list"):
        edited.revoke(found.id)


def test_a_broken_file_leaves_the_tokens_as_they_were(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An editor's half-saved file must neither open the door nor lock everybody out."""
    file = TokenFile(tmp_path / "tokens.json")
    text = file.add("collector", ("ingest",))
    assert file.find(text)
    file.path.write_text("{")

    assert file.find(text)
    assert "the tokens stay as they were" in caplog.text
    with pytest.raises(Stop, match="is not a file of tokens"):
        TokenFile(file.path)


def test_tokens_made_at_once_are_all_kept(tmp_path: Path) -> None:
    """Two operators at work."""
    path = tmp_path / "tokens.json"
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda n: TokenFile(path).add(str(n), ("ingest",)), range(24)))

    file = TokenFile(path)
    assert all(file.find(text) for text in texts)
    assert len(json.loads(path.read_text())["tokens"]) == 24


def _door(tmp_path: Path, *, asks: bool = True) -> Door:
    return Door(Guard(TokenFile(tmp_path / "tokens.json"), Counters()), asks=asks)


def test_a_door_wants_the_right_token_for_the_right_thing(tmp_path: Path) -> None:
    """What is wrong is said and counted, but never repeated: it may be a real token elsewhere."""
    door = _door(tmp_path)
    text = door.guard.tokens.add("collector", ("ingest",))

    with door.visit(f"bearer  {text} ") as client:
        assert client.token_id == text[3:11]
    for shown in ("Bearer hs_secret", f"Basic {text}", text, ""):
        with pytest.raises(NotAuthenticated) as caught:
            door.identify(shown, "ingest")
        assert "secret" not in str(caught.value)
    for nothing in (None, "Bearer", "Bearer "):
        with pytest.raises(NotAuthenticated, match="Authorization: Bearer"):
            door.identify(nothing, "ingest")
    with pytest.raises(NotPermitted, match="has not the scope `read`"):
        door.identify(f"Bearer {text}", "read")

    counted = door.guard.counters.total
    assert counted(REQUESTS_FAILED, "wrong_token") == 4
    assert counted(REQUESTS_FAILED, "no_token") == 3
    assert counted(REQUESTS_FAILED, "wrong_scope") == 1


def test_where_nobody_is_asked_a_wrong_token_is_still_refused(tmp_path: Path) -> None:
    """A client that shows one means to be known: its tenant would silently be missing."""
    door = _door(tmp_path, asks=False)

    with door.visit(None) as client:
        assert client.tenant == ""
    with pytest.raises(NotAuthenticated):
        door.identify("Bearer hs_old", "ingest")


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def test_a_rate_is_kept_over_time_and_what_is_too_much_is_owed(tmp_path: Path) -> None:
    """A request may be larger than the limit: it is taken, and the next one waits for it."""
    file, clock = TokenFile(tmp_path / "tokens.json"), Clock()
    token = file.find(file.add("collector", ("ingest",), spans_per_s=100.0))
    assert token is not None
    meter = Meter(clock)
    with meter.request(token):
        meter.spent(700, 0)  # two seconds' worth was saved up, five are owed

    with pytest.raises(OverLimit, match="spans_per_s") as caught, meter.request(token):
        pass
    assert caught.value.retry_s == pytest.approx(5.0)
    clock.now_s += 4.9
    with pytest.raises(OverLimit), meter.request(token):
        pass
    clock.now_s += 0.11
    with meter.request(token):
        meter.spent(1, 0)


def test_so_many_requests_at_once_and_no_more(tmp_path: Path) -> None:
    """Each holds a thread; a finished one makes room, also when it failed."""
    file = TokenFile(tmp_path / "tokens.json")
    token = file.find(file.add("collector", ("ingest",), requests=2))
    assert token is not None
    meter = Meter()
    with meter.request(token):
        with pytest.raises(OSError, match="broken"), meter.request(token):
            raise OSError("broken")
        with (
            meter.request(token),
            pytest.raises(OverLimit, match="concurrent_requests"),
            meter.request(token),
        ):
            pass
    with meter.request(token), meter.request(token):
        pass


@pytest.mark.parametrize("address", ["0.0.0.0:4317", "192.0.2.1:4317", "[::]:4317", "example:1"])
def test_an_open_address_needs_a_token_to_ask_for(tmp_path: Path, address: str) -> None:
    """Otherwise anybody could write into the KPIs."""
    settings = Settings(otlp_grpc=address, tokens=str(tmp_path / "tokens.json"))
    guard = Guard.of(settings, None, Counters())

    with pytest.raises(UsageError, match=r"handspan token add.*--insecure-open"):
        guard.doors(settings)
    guard.tokens.add("collector", ("ingest",))

    at_grpc, at_http, _ = guard.doors(settings)
    assert (at_grpc.asks, at_http.asks) == (True, False)
    open_to_all = Settings(otlp_grpc=address, insecure_open=True)
    assert not guard.doors(open_to_all)[0].asks


def test_an_unencrypted_open_address_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A token on a wire without TLS is everybody's token."""
    settings = Settings(web="0.0.0.0:8317", tokens=str(tmp_path / "tokens.json"))
    guard = Guard.of(settings, None, Counters())
    guard.tokens.add("browser", ("read",))
    guard.doors(settings)

    assert "unencrypted: see --tls-cert" in caplog.text


@pytest.mark.parametrize(
    ("address", "is_it"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("localhost.example:1", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(address: str, is_it: bool) -> None:  # noqa: FBT001
    """0.0.0.0 looks local and is not."""
    assert is_loopback(address) is is_it


def test_the_file_cannot_be_written_where_nobody_may() -> None:
    """One line, with the file."""
    with pytest.raises(Stop, match=r"/proc/tokens\.json cannot be written"):
        TokenFile(Path("/proc/tokens.json")).add("x", ("read",))
