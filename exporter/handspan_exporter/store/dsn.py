"""One DSN says where the store is; it is never printed with its password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from handspan_exporter.errors import UsageError

_EXAMPLES = "use chdb:///folder or clickhouse://user:password@host:8123/database"
_IDENTIFIER = re.compile(r"[A-Za-z_][\w-]{0,127}")
_FLAGS = {"1": True, "true": True, "0": False, "false": False}
_OPTIONS = ("ca_cert", "cluster", "secure", "verify")
"""Of clickhouse://. Anything else is refused: a typing mistake in `secure` would send a password in
plain text."""


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
    verify: bool = True
    """Whether the server's certificate is checked."""
    ca_cert: str = ""
    """PEM file of the authority that signed it; empty: those that this machine trusts."""
    cluster: str = ""
    """As `remote_servers` of the server's configuration names it; empty: one server."""

    def __str__(self) -> str:
        """Show where the store is, without the password."""
        if self.embedded:
            return f"chdb://{self.folder}"
        user = f"{self.user}@" if self.user else ""
        return f"clickhouse://{user}{self.host}:{self.port}/{self.database}"

    __repr__ = __str__


def parse(text: str) -> Dsn:
    """Read a DSN: `chdb:///folder`, or `clickhouse://user:password@host:port/database?secure=1`.

    Options of the latter: `secure` (TLS), `verify` (its certificate), `ca_cert` (PEM file),
    `cluster` (a name).

    Raises:
        UsageError: the scheme or an option is unknown, or a part is missing. The text is not
            repeated: it may hold a password.
    """
    scheme, _, rest = text.partition("://")
    if scheme == "chdb":
        return _embedded(rest)
    if scheme in ("clickhouse", "clickhouses"):
        return _server(text, always_secure=scheme == "clickhouses")
    shown = scheme if len(scheme) < 20 and rest else "missing"
    raise UsageError(f"--store: the DSN's scheme is {shown}; {_EXAMPLES}")


def _embedded(path: str) -> Dsn:
    if not path.startswith(("/", "~")):
        raise UsageError(f"--store: chdb:// needs an absolute folder; {_EXAMPLES}")
    if "?" in path:
        raise UsageError(f"--store: chdb:// takes no options; {_EXAMPLES}")
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


def _server(text: str, *, always_secure: bool) -> Dsn:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise UsageError(f"--store: the DSN's host or port cannot be read; {_EXAMPLES}") from None
    if not url.hostname or url.fragment:
        raise UsageError(
            "--store: the DSN names no host, or its password has a character that must be "
            f"percent-encoded (# is %23, / is %2F, ? is %3F, @ is %40); {_EXAMPLES}"
        )
    options = _options(url.query)
    secure = _flag(options, "secure", default=always_secure)
    if always_secure and not secure:
        raise UsageError("--store: clickhouses:// and secure=0 contradict each other")
    return Dsn(
        embedded=False,
        folder=None,
        host=url.hostname,
        port=port or (8443 if secure else 8123),
        database=_identifier("database", unquote(url.path.strip("/")) or "handspan"),
        user=unquote(url.username or "default"),
        password=unquote(url.password or ""),
        secure=secure,
        verify=_flag(options, "verify", default=True),
        ca_cert=options.get("ca_cert", ""),
        cluster=_identifier("cluster", options["cluster"]) if "cluster" in options else "",
    )


def _options(query: str) -> dict[str, str]:
    """Return the options of a DSN; none may be unknown or said twice."""
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        shown = name if _IDENTIFIER.fullmatch(name) and len(name) < 20 else "without a name"
        if name not in _OPTIONS:
            known = ", ".join(_OPTIONS)
            raise UsageError(f"--store: the DSN's option {shown} is unknown; there are {known}")
        if name in options:
            raise UsageError(f"--store: the DSN's option {shown} stands twice")
        options[name] = value
    return options


def _flag(options: dict[str, str], name: str, *, default: bool) -> bool:
    if name not in options:
        return default
    if options[name].lower() not in _FLAGS:
        raise UsageError(f"--store: the DSN's option {name} must be 1, 0, true or false")
    return _FLAGS[options[name].lower()]


def _identifier(what: str, name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise UsageError(
            f"--store: the DSN's {what} must be a name of letters, digits, _ and -; {_EXAMPLES}"
        )
    return name
