"""The file of tokens: only their hashes are in it, and a change counts from the next request on.

A token is `hs_<id>_<secret>`. The secret has 256 random bits, so that a plain hash is enough: there
is nothing to guess. The id is no secret; it names the token in lists, metrics and logs.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import logging
import os
import re
import secrets
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from handspan_exporter.errors import NotFound, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Scope = Literal["ingest", "read", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
SCOPE_MEANINGS: Final[dict[Scope, str]] = {
    "ingest": "send OTLP",
    "read": "ask the API, the page, the metrics, SQL and Jaeger's remote storage",
    "admin": "all that `read` may, and have the service rebuild or price again",
}
"""What a token of each scope may do: the help of `handspan token` and the docs are made of it."""

_FORM = re.compile(r"hs_([0-9a-f]{8})_[\w-]{43}")
_NOBODY = sha256(b"").hexdigest()
"""Compared with when there is no such id, so that an unknown id takes as long as a wrong secret."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One line of the file. None as a limit means no limit."""

    id: str
    name: str
    """For people: whose it is."""
    sha256: str
    """Of the whole token, in hex."""
    scopes: tuple[Scope, ...]
    tenant: str = ""
    """Written on the resource of every span that comes with it; empty: nothing is written."""
    spans_per_s: float | None = None
    bytes_per_s: float | None = None
    """Of bodies, decompressed."""
    requests: int = 8
    """At once."""

    def may(self, scope: Scope) -> bool:
        """Tell whether it is for this. Who may have numbers made anew may also see them."""
        return scope in self.scopes or (scope == "read" and "admin" in self.scopes)


class TokenFile:
    """The tokens of one file, read again whenever it has changed; safe from any thread."""

    def __init__(self, path: Path) -> None:
        """Remember the file, which need not exist.

        Raises:
            Stop: it exists and cannot be read.
        """
        self.path = path
        self._lock = threading.Lock()
        self._seen = self._stamp()
        self._tokens = _read(path)

    def find(self, text: str) -> Token | None:
        """Return the token that a client shows, None when it is none of ours; in constant time."""
        form = _FORM.fullmatch(text)
        found = self.all().get(form[1]) if form else None
        right = hmac.compare_digest(_hash(text), found.sha256 if found else _NOBODY)
        return found if right else None

    def all(self) -> dict[str, Token]:
        """Return every token by its id. A file that cannot be read now leaves all as it was."""
        stamp = self._stamp()
        with self._lock:
            if stamp != self._seen:
                self._seen = stamp
                try:
                    self._tokens = _read(self.path)
                except Stop as error:
                    _log.error("the tokens stay as they were: %s", error)
            return self._tokens

    def add(self, name: str, scopes: tuple[Scope, ...], **rest: Any) -> str:  # noqa: ANN401
        """Make a token, keep its hash, and return it: nobody can show it a second time.

        Args:
            name: For people.
            scopes: What it may do.
            rest: Other fields of `Token`.

        Raises:
            Stop: the file cannot be read or written.
        """
        with self._rewriting() as tokens:
            identity = secrets.token_hex(4)
            text = f"hs_{identity}_{secrets.token_urlsafe(32)}"
            tokens[identity] = Token(
                id=identity, name=name, sha256=_hash(text), scopes=scopes, **rest
            )
        return text

    def revoke(self, identity: str) -> Token:
        """Forget a token: its next request is refused.

        Raises:
            NotFound: no token has the id.
            Stop: the file cannot be read or written.
        """
        with self._rewriting() as tokens:
            if identity not in tokens:
                raise NotFound(f"no token has the id {identity[:20]!r}: see `handspan token list`")
            return tokens.pop(identity)

    @contextmanager
    def _rewriting(self) -> Iterator[dict[str, Token]]:
        """Yield what is in the file, and replace the file at once by what it has become."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                tokens = _read(self.path)
                yield tokens
                _write(self.path, tokens)
        except OSError as error:
            raise Stop(f"the tokens {self.path} cannot be written: {error.strerror}") from error

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> dict[str, Token]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        tokens = [Token(**{**one, "scopes": tuple(one["scopes"])}) for one in said["tokens"]]
    except (FileNotFoundError, NotADirectoryError):
        return {}  # a store that is no folder says so itself
    except OSError as error:
        raise Stop(f"the tokens {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Stop(f"{path} is not a file of tokens; `handspan token` writes it") from error
    return {token.id: token for token in tokens}


def _write(path: Path, tokens: dict[str, Token]) -> None:
    """Replace the file as a whole: a reader sees the old one or the new one."""
    text = json.dumps({"tokens": [asdict(token) for token in tokens.values()]}, indent=1)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
