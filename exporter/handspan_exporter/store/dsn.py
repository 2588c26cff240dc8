"""One DSN says where the store is; it is never printed with its password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from handspan_exporter.errors import UsageError

_EXAMPLES = "use chdb:///folder or clickhouse://user:password@host:8123/database"


@dataclass(frozen=True, slots=True)
class Dsn:
    """A parsed DSN of either dialect."""

    embedded: bool
    folder: Path | None
    """Embedded only: holds `engine/`, `journal/` and the lock."""
    host: str
    port: int
    database: str
    user: str
    password: str
    secure: bool

    def __str__(self) -> str:
        """Show where the store is, without the password."""
        if self.embedded:
            return f"chdb://{self.folder}"
        user = f"{self.user}@" if self.user else ""
        return f"clickhouse://{user}{self.host}:{self.port}/{self.database}"

    __repr__ = __str__


def parse(text: str) -> Dsn:
    """Read a DSN: `chdb:///folder`, or `clickhouse://user:password@host:port/database?secure=1`.

    Raises:
        UsageError: the scheme is unknown or a part is missing. The text is not repeated: it
            may hold a password.
    """
    scheme, _, rest = text.partition("://")
    if scheme == "chdb":
        return _embedded(rest)
    if scheme in ("clickhouse", "clickhouses"):
        return _server(text, secure=scheme == "clickhouses")
    shown = scheme if len(scheme) < 20 and rest else "missing"
    raise UsageError(f"--store: the DSN's scheme is {shown}; {_EXAMPLES}")


def _embedded(path: str) -> Dsn:
    if not path.startswith(("/", "~")):
        raise UsageError(f"--store: chdb:// needs an absolute folder; {_EXAMPLES}")
    folder = Path(path).expanduser().resolve()
    return Dsn(
        embedded=True,
        folder=folder,
        host="",
        port=0,
        database="handspan",
        user="",
        password="",
        secure=False,
    )


def _server(text: str, *, secure: bool) -> Dsn:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise UsageError(f"--store: the DSN's host or port cannot be read; {_EXAMPLES}") from None
    secure = secure or parse_qs(url.query).get("secure", ["0"])[-1] in ("1", "true")
    if not url.hostname:
        raise UsageError(f"--store: the DSN names no host; {_EXAMPLES}")
    return Dsn(
        embedded=False,
        folder=None,
        host=url.hostname,
        port=port or (8443 if secure else 8123),
        database=url.path.strip("/") or "handspan",
        user=unquote(url.username or "default"),
        password=unquote(url.password or ""),
        secure=secure,
    )
