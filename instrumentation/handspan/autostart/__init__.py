"""Recording in a program that knows nothing of Handspan: what `handspan-instrument` starts.

This folder is put on PYTHONPATH, so that Python loads `sitecustomize.py` from it first.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from typing import TYPE_CHECKING

from handspan import settings
from handspan.configure import configure
from handspan.internal import contained, warn_once
from handspan.record.tracer import current_provider

if TYPE_CHECKING:
    from collections.abc import Callable


@contained
def start() -> None:
    """Configure Handspan, and bound the time that it takes when the program ends."""
    before = current_provider()
    configure()
    provider = current_provider()
    shutdown = getattr(provider, "shutdown", None)
    if provider is not before and shutdown is not None:
        # The provider's own exit handler would wait as long as the exporter likes to retry.
        atexit.unregister(shutdown)
        atexit.register(_finish, shutdown)


@contained
def _finish(shutdown: Callable[[], object]) -> None:
    """Send what is left, for `flush_timeout_s` at most."""
    limit_s = settings.current().flush_timeout_s
    sender = threading.Thread(target=shutdown, name="handspan-exit", daemon=True)
    sender.start()
    with contextlib.suppress(KeyboardInterrupt):
        sender.join(limit_s)
    if sender.is_alive():
        warn_once(
            f"Handspan could not send its last spans within {limit_s:g} s: is the receiver up? "
            "HANDSPAN_FLUSH_TIMEOUT_S sets how long to wait"
        )
