"""Who comes, whether they may, and how often: asked before a body is read."""

from __future__ import annotations

import ipaddress
import logging
from collections import defaultdict
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handspan_exporter.access.limits import Meter
from handspan_exporter.access.tls import tls_files
from handspan_exporter.access.tokens import TokenFile
from handspan_exporter.errors import NotAuthenticated, NotPermitted, OverLimit, UsageError
from handspan_exporter.settings import token_file
from handspan_exporter.telemetry import REQUESTS_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handspan_exporter.access.tls import TlsFiles
    from handspan_exporter.access.tokens import Scope, Token
    from handspan_exporter.settings import Settings
    from handspan_exporter.telemetry import Counters

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request, for the length of it."""

    tenant: str = ""
    token_id: str = ""
    meter: Meter | None = None

    def spent(self, spans: int, size_bytes: int) -> None:
        """Charge a request to its token; the next one may have to wait for it."""
        if self.meter is not None:
            self.meter.spent(spans, size_bytes)


ANYBODY = Client()
"""A client without a token, where none is asked for: neither limited nor stamped."""

_acting: ContextVar[Client] = ContextVar("client", default=ANYBODY)


@contextmanager
def acting(client: Client) -> Iterator[None]:
    """Let what runs in the block, and in threads that it hands work to, be done for a client."""
    before = _acting.set(client)
    try:
        yield
    finally:
        _acting.reset(before)


def current_client() -> Client:
    """Return who sent the request at work."""
    return _acting.get()


class Guard:
    """One for all doors: a token's limits hold for what it sends to all of them together."""

    def __init__(self, tokens: TokenFile, counters: Counters, tls: TlsFiles | None = None) -> None:
        self.tokens = tokens
        self.counters = counters
        self.tls = tls
        self._meters: defaultdict[str, Meter] = defaultdict(Meter)

    @classmethod
    def of(cls, settings: Settings, store_folder: Path | None, counters: Counters) -> Guard:
        """Return the guard of a service.

        Raises:
            Stop: the file of tokens cannot be read.
            UsageError: certificate and key do not work.
        """
        tokens = TokenFile(token_file(settings, store_folder))
        return cls(tokens, counters, tls_files(settings))

    def doors(self, settings: Settings) -> tuple[Door, Door, Door]:
        """Return what stands at the addresses of OTLP over gRPC and over HTTP, and of the API.

        Raises:
            UsageError: other machines can reach one, and there is no token to ask for.
        """
        return (
            self.door("--otlp-grpc", settings),
            self.door("--otlp-http", settings),
            self.door("--web", settings),
        )

    def door(self, option: str, settings: Settings) -> Door:
        """Return what stands at the address of one option: `--web`.

        Raises:
            UsageError: other machines can reach the address, and there is no token to ask for.
        """
        address = getattr(settings, option.removeprefix("--").replace("-", "_"))
        asks = settings.require_tokens
        if not asks and not settings.insecure_open and not is_loopback(address):
            asks = True
            if not self.tokens.all():
                raise UsageError(
                    f"{option}: {address} can be reached by other machines, and there is no token "
                    "to ask them for: make one with `handspan token add`, use 127.0.0.1, or say "
                    "--insecure-open"
                )
            if not settings.tls_cert:
                _log.warning("%s: tokens travel to %s unencrypted: see --tls-cert", option, address)
        return Door(self, asks=asks, tls=self.tls)

    def meter(self, token: Token) -> Meter:
        """Return the meter of a token, whatever file it was last read from."""
        return self._meters[token.id]


@dataclass(frozen=True, slots=True)
class Door:
    """Lets clients in at one address."""

    guard: Guard
    asks: bool
    """Whether a client without a token is refused. A token that is shown must be right anywhere."""
    tls: TlsFiles | None = None
    """None: nothing is encrypted."""

    def identify(self, authorization: str | None, scope: Scope) -> Token | None:
        """Return whose token the header `Authorization` holds.

        Raises:
            NotAuthenticated: there is none, or it is wrong.
            NotPermitted: it is not for this.
        """
        # A configuration's `Bearer ${env:TOKEN}` with nothing set shows none, not a wrong one.
        if authorization is None or authorization.strip().lower() == "bearer":
            if self.asks:
                self._count("no_token")
                raise NotAuthenticated("a token is needed: Authorization: Bearer <token>")
            return None
        kind, _, text = authorization.strip().partition(" ")
        token = self.guard.tokens.find(text.strip()) if kind.lower() == "bearer" else None
        if token is None:
            self._count("wrong_token")
            raise NotAuthenticated("this token is not known here; it may have been revoked")
        if not token.may(scope):
            self._count("wrong_scope")
            raise NotPermitted(
                f"token {token.id} has not the scope `{scope}`: see `handspan token list`"
            )
        return token

    @contextmanager
    def visit(self, authorization: str | None, scope: Scope = "ingest") -> Iterator[Client]:
        """Let one request in for the length of the block, and say whose it is.

        Raises:
            NotAuthenticated: there is no token, or it is wrong.
            NotPermitted: it is not for this.
            OverLimit: its limits are reached; come again when it says. Questions have none.
        """
        token = self.identify(authorization, scope)
        if token is None or scope != "ingest":
            yield ANYBODY
            return
        meter = self.guard.meter(token)
        try:
            with meter.request(token):
                yield Client(token.tenant, token.id, meter)
        except OverLimit as error:
            self._count(error.limit)
            raise

    def _count(self, reason: str) -> None:
        self.guard.counters.add(REQUESTS_FAILED, reason=reason)


def is_loopback(address: str) -> bool:
    """Tell whether only this machine can reach `host:port`; nobody reaches what is no address."""
    if ":" not in address:
        return True
    host = address.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
