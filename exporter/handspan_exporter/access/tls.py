"""TLS by files, read again when they change: certificates are renewed while the service runs."""

from __future__ import annotations

import logging
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc

from handspan_exporter.errors import UsageError

if TYPE_CHECKING:
    from handspan_exporter.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where certificate, key and, for mutual TLS, the clients' authority are: PEM files."""

    cert: Path
    key: Path
    client_ca: Path | None

    def stamp(self) -> tuple[tuple[int, int, int], ...]:
        """Return what changes when a file does.

        Raises:
            OSError: a file is not there.
        """
        stats = [path.stat() for path in (self.cert, self.key, self.client_ca) if path]
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in stats)

    def context(self) -> ssl.SSLContext:
        """Return a server's context of the files as they are now.

        Raises:
            OSError: a file cannot be read, or is not what it should be (ssl.SSLError is one).
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.cert, self.key, password=_no_password)
        if self.client_ca:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def tls_files(settings: Settings) -> TlsFiles | None:
    """Return the files of the settings once they are known to work; None: no TLS.

    Raises:
        UsageError: one is missing, or they do not belong together.
    """
    given = (settings.tls_cert, settings.tls_key)
    if not any(given):
        if settings.tls_client_ca:
            raise UsageError("--tls-client-ca needs --tls-cert and --tls-key")
        return None
    if not all(given):
        raise UsageError("--tls-cert and --tls-key belong together")
    ca = Path(settings.tls_client_ca) if settings.tls_client_ca else None
    files = TlsFiles(Path(settings.tls_cert), Path(settings.tls_key), ca)
    try:
        files.context()
    except OSError as error:
        raise UsageError(f"--tls-cert, --tls-key, --tls-client-ca: {_said(error)}") from error
    return files


class ReloadingContext(ssl.SSLContext):
    """A server's context whose every new connection is made with the files as they are then."""

    files: TlsFiles

    def __new__(cls, files: TlsFiles) -> Self:
        """Make a context; what counts is the one inside, which is replaced as a whole."""
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made.files = files
        made._lock = threading.Lock()
        made._stamp = files.stamp()
        made._current = files.context()
        return made

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:  # noqa: ANN401 - ssl's own
        """Begin a connection; asyncio calls this for each."""
        return self._fresh().wrap_bio(*args, **kwargs)

    def _fresh(self) -> ssl.SSLContext:
        with self._lock:
            try:
                stamp = self.files.stamp()
                if stamp != self._stamp:
                    # Half-written files fail below; the stamp changes again when they are whole.
                    self._stamp = stamp
                    self._current = self.files.context()
                    _log.info("TLS certificate read again: %s", self.files.cert)
            except OSError as error:
                _log.warning("the TLS files stay as they were: %s", _said(error))
            return self._current

    _lock: threading.Lock
    _stamp: tuple[tuple[int, int, int], ...]
    _current: ssl.SSLContext


def grpc_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Return credentials of gRPC that read the files again when they change."""
    seen: list[tuple[object, ...]] = [files.stamp()]

    def fresh() -> grpc.ServerCertificateConfiguration | None:
        """Return None while nothing has changed: gRPC asks at every handshake."""
        stamp: tuple[object, ...] = ()
        try:
            stamp = files.stamp()
            if stamp == seen[0]:
                return None
            files.context()  # judges them as one; gRPC itself would only stop answering
            made = _configuration(files)
            # Replaced meanwhile, what was read may be of two pairs: the next handshake looks again.
            seen[0] = stamp if files.stamp() == stamp else ()
        except OSError as error:
            seen[0] = stamp or seen[0]
            _log.warning("the TLS files stay as they were: %s", _said(error))
            return None
        return made if seen[0] else None

    return grpc.dynamic_ssl_server_credentials(
        _configuration(files), fresh, require_client_authentication=files.client_ca is not None
    )


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    pair = (files.key.read_bytes(), files.cert.read_bytes())
    roots = files.client_ca.read_bytes() if files.client_ca else None
    return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)


def _no_password() -> str:
    """A key with a password would make OpenSSL ask the terminal, and the service hang."""
    raise UsageError("--tls-key: the key has a password; give one without")


def _said(error: OSError) -> str:
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{error.strerror or error}"
