"""Ask this container's service whether it answers; the exit code is for Docker.

The image has no curl. Where it listens stands in the service's own variables; a service that takes
no spans (HANDSPAN_ROLE=processor, HANDSPAN_ATTACH) is asked at its API.
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
import urllib.request

_ENOUGH_S = 2.0


def port() -> int:
    """Return the port at which this container's service says that it is well."""
    no_otlp = os.environ.get("HANDSPAN_ROLE") == "processor" or os.environ.get("HANDSPAN_ATTACH")
    address = os.environ["HANDSPAN_WEB" if no_otlp else "HANDSPAN_OTLP_HTTP"]
    return int(address.rpartition(":")[2])


def ask() -> None:
    """Return when the service answers.

    Raises:
        OSError: it does not.
    """
    if os.environ.get("HANDSPAN_TLS_CLIENT_CA"):  # there is no certificate here to show
        socket.create_connection(("127.0.0.1", port()), timeout=_ENOUGH_S).close()
        return
    scheme = "https" if os.environ.get("HANDSPAN_TLS_CERT") else "http"
    # The certificate is for another name than the loopback interface's, and nothing is told to it.
    unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001
    url = f"{scheme}://127.0.0.1:{port()}/healthz"
    urllib.request.urlopen(url, timeout=_ENOUGH_S, context=unchecked).close()  # noqa: S310


def main() -> int:
    """Return 0 when the service answers, else say why on stderr and return 1."""
    try:
        ask()
    except OSError as error:
        sys.stderr.write(f"port {port()}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
