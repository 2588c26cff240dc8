"""What a DSN means, and what it never shows."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handspan_exporter.errors import UsageError
from handspan_exporter.store.dsn import parse


def test_an_embedded_store_is_an_absolute_folder(tmp_path: Path) -> None:
    """Everything of the store lies in the one folder that the user named."""
    dsn = parse(f"chdb://{tmp_path}")

    assert dsn.embedded
    assert dsn.folder == tmp_path
    assert str(dsn) == f"chdb://{tmp_path}"


def test_a_tilde_is_the_users_home() -> None:
    """Settings files have no shell that would expand it."""
    assert parse("chdb://~/spans").folder == Path.home() / "spans"


def test_a_server_has_defaults_for_all_but_its_host() -> None:
    """The shortest DSN that can work does work."""
    dsn = parse("clickhouse://db.internal")

    assert (dsn.port, dsn.database, dsn.user, dsn.secure) == (8123, "handspan", "default", False)


def test_secure_moves_the_default_port() -> None:
    """8443 is ClickHouse's port for HTTPS."""
    dsn = parse("clickhouse://u:p@db/otel?secure=1")

    assert (dsn.port, dsn.database, dsn.secure) == (8443, "otel", True)


@given(password=st.text(min_size=12).filter(lambda text: text.isprintable()))
def test_a_password_is_read_and_never_shown(password: str) -> None:
    """Logs and errors print DSNs; credentials have no place there."""
    dsn = parse(f"clickhouse://u:{quote(password, safe='')}@db/otel")

    assert dsn.password == password
    assert password not in str(dsn)
    assert password not in repr(dsn)


@pytest.mark.parametrize(
    "text",
    ["", "chdb", "chdb:relative", "chdb://relative", "postgres://u:secret@h/db", "clickhouse://"],
)
def test_a_wrong_dsn_is_refused_with_an_example_and_without_its_password(text: str) -> None:
    """The message alone must be enough to mend the command."""
    with pytest.raises(UsageError) as caught:
        parse(text)

    message = str(caught.value)
    assert "--store" in message
    assert "chdb:///folder" in message
    assert "secret" not in message
    assert "\n" not in message


def test_a_port_that_is_no_number_is_refused() -> None:
    """The ValueError of urllib says nothing about our option."""
    with pytest.raises(UsageError, match="host or port"):
        parse("clickhouse://db:eighty/otel")


def test_every_option_is_read() -> None:
    """What a DSN can say, in one line."""
    dsn = parse("clickhouses://u:p@db/otel?verify=0&ca_cert=/etc/ca.pem&cluster=main")

    assert (dsn.secure, dsn.verify, dsn.ca_cert, dsn.cluster) == (
        True,
        False,
        "/etc/ca.pem",
        "main",
    )
    assert parse("clickhouse://db?secure=TRUE").secure
    assert not parse("clickhouse://db?secure=0").secure


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("tls_on=1", "option tls_on is unknown; there are ca_cert, cluster, secure, verify"),
        ("secure=1&secure=0", "secure stands twice"),
        ("secure=yes", "secure must be 1, 0, true or false"),
        ("secure=", "secure must be"),
        ("verify=maybe", "verify must be"),
        ("cluster=", "cluster must be a name"),
        ("cluster=a`b", "cluster must be a name"),
        ("=1", "option without a name is unknown"),
    ],
)
def test_an_option_that_is_not_understood_is_an_error_that_names_it(
    options: str, named: str
) -> None:
    """A typing mistake in `secure` must not mean plain text."""
    with pytest.raises(UsageError, match=named) as caught:
        parse(f"clickhouse://u:secret@db/otel?{options}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "clickhouse://u:half#secret@db/otel",
        "clickhouse://u:1#secret@db/otel",
        "clickhouse://u:1/secret@db/otel",
        "clickhouse://u:1?secret@db/otel",
        "clickhouses://u:secret@db/otel?secure=0",
        "chdb:///folder?secure=secret",
    ],
)
def test_half_a_password_is_never_shown_nor_taken_for_a_database(text: str) -> None:
    """Unless percent-encoded, #, / and ? end the password, and the rest would be printed."""
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "secret" not in str(caught.value)
