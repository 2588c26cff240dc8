"""`handspan serve`: the service, until a signal ends it."""

from __future__ import annotations

import logging
import os
import signal
import threading
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import click

from handspan_exporter.cli.logs import log_to_stderr
from handspan_exporter.settings import Settings, default_of, from_environment, variable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from handspan_exporter.app import Service

_EXAMPLES = """\b
Examples:
  handspan serve
  handspan serve --store chdb:///var/lib/handspan
  handspan serve --otlp-grpc 127.0.0.1:14317 --otlp-http 127.0.0.1:14318
  handspan serve --clickhouse-http 127.0.0.1:8123
  handspan serve --store clickhouse://user:password@host:8123/handspan
"""

_READERS = {"clickhouse_http": "SQL   ", "jaeger": "Jaeger"}
"""What the lines of the banner are called, by setting."""


def shown(default: object) -> str:
    """Return a default as help shows it; an empty text or a switch explains itself."""
    return f"{default}; " if default not in ("", False) else ""


_BEYOND_S: Final = 8.0
"""For all that is not storing: requests under way, the last facts."""

_log = logging.getLogger(__name__)


def every_setting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option per setting, in the order of `Settings`."""
    for setting in reversed(fields(Settings)):
        default, words = default_of(setting), setting.metadata["words"]
        command = click.option(
            f"--{setting.name.replace('_', '-')}",
            type=click.Choice(words) if words else type(default),
            default=None,
            is_flag=isinstance(default, bool),
            help=f"{setting.metadata['meaning']} [{shown(default)}{variable(setting)}]",
        )(command)
    return command


@click.command(epilog=_EXAMPLES)
@every_setting
def serve(**given: Any) -> None:  # noqa: ANN401
    """Receive OTLP, keep it, and answer with KPIs.

    Runs until Ctrl-C or SIGTERM, then stores what it has acknowledged and ends; a second
    signal ends it at once, and what was acknowledged is stored at the next start.
    """
    quiet_and_log()
    from handspan_exporter.app import serving  # noqa: PLC0415 - keeps `handspan --help` fast

    settings = from_environment(os.environ, **given)
    log_to_stderr(settings.log_format)
    stop = stop_signal()
    with serving(settings) as service:
        click.echo(banner(service))
        click.echo("Ctrl-C stops it.")
        stop.wait()
        click.echo("Storing what is left ...")
        end_at_the_latest(settings.drain_s + _BEYOND_S)


def quiet_and_log() -> None:
    """Log to stderr, and keep gRPC's core from printing beside it; call before gRPC is loaded."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    log_to_stderr()
    for driver in ("clickhouse_connect", "urllib3.connectionpool"):
        # They warn of what they also raise, and we say: one clear line each.
        logging.getLogger(driver).setLevel(logging.CRITICAL)


def banner(service: Service) -> str:
    """Return what a person wants to know who has started it: where to send, ask and look."""
    others = "".join(f"{_READERS[name]} {url}\n" for name, url in service.readers.items())
    otlp = f"OTLP   {service.otlp_grpc} (gRPC), {service.otlp_http} (HTTP)\n"
    return (
        f"{otlp if service.otlp_grpc else ''}page   {service.url}\n{others}store  {service.store}"
    )


def end_at_the_latest(limit_s: float) -> None:
    """End this process in so many seconds, whatever it is waiting for then; never blocks.

    A store that takes a statement and never answers would hold it for minutes. Nothing is lost: the
    journal has all that is acknowledged, as after a kill.
    """
    late = threading.Timer(limit_s, _give_up, [limit_s])
    late.daemon = True
    late.start()


def _give_up(limit_s: float) -> None:
    _log.warning(
        "the end takes longer than %g s, the store may not answer: what is left is stored at the "
        "next start",
        limit_s,
    )
    logging.shutdown()
    os._exit(0)


def stop_signal() -> threading.Event:
    """Return an event that the first SIGINT or SIGTERM sets; the second has its usual effect."""
    event = threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        event.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return event
