"""An application is served from a thread, or one line says why not."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from handspan_exporter.asgi import AsgiServer, split_address
from handspan_exporter.errors import PortTaken, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request


async def hello(_request: Request) -> PlainTextResponse:
    """Answer anything."""
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", hello)])


def test_it_answers_between_start_and_stop() -> None:
    """`start` returns only when a client can connect: nobody has to poll."""
    server = AsgiServer(APP, "127.0.0.1:0", option="--web")
    server.start()
    asked = http.client.HTTPConnection(server.address)
    asked.request("GET", "/")

    assert asked.getresponse().read() == b"hello"
    asked.close()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        asked.connect()


def test_a_taken_port_names_the_option_that_moves_it() -> None:
    """The ports of OTLP are often taken by a Collector."""
    first = AsgiServer(APP, "127.0.0.1:0", option="--web")
    first.start()
    try:
        with pytest.raises(PortTaken, match=f"{first.address} is taken.*--web 127.0.0.1:"):
            AsgiServer(APP, first.address, option="--web").start()
    finally:
        first.stop()


def test_an_address_of_another_machine_is_a_usage_error() -> None:
    """192.0.2.0/24 belongs to documentation: no machine has it."""
    with pytest.raises(UsageError, match=r"--web: cannot listen on 192\.0\.2\.1:8317"):
        AsgiServer(APP, "192.0.2.1:8317", option="--web").start()


@pytest.mark.parametrize("address", ["", "8317", ":8317", "localhost:", "localhost:x", "h:70000"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """The message names the option, not a socket error."""
    with pytest.raises(UsageError, match="--web"):
        split_address(address, option="--web")


def test_ipv6_has_brackets() -> None:
    """A colon inside the host must not be taken for the port's."""
    assert split_address("[::1]:8317", option="--web") == ("::1", 8317)
