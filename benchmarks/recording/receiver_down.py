"""What a program notices when its receiver goes away: `... receiver_down handspan refused`.

A program records over OTLP to a receiver on this machine; half way the receiver is killed
(refused) or stopped (hangs). Prints one line of JSON: the time of one run before and after, and
of `flush()` what it said and how long it took. The lines on stderr are the caller's to count.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.recording.said import vary

if TYPE_CHECKING:
    from collections.abc import Callable

_RUNS = 1000
_PAUSE_S = 0.017
"""After each run: a minute at most for both halves, and more spans than the queue takes."""
_RECEIVER = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Takes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
print(server.server_port, flush=True)
server.serve_forever()
"""


def main(name: str, loss: str) -> None:
    """Measure one SDK and one way of losing the receiver."""
    receiver = subprocess.Popen([sys.executable, "-c", _RECEIVER], stdout=subprocess.PIPE)
    assert receiver.stdout is not None
    port = int(receiver.stdout.readline())
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
    os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
    try:
        figures = _measured(name, receiver, signal.SIGKILL if loss == "refused" else signal.SIGSTOP)
    finally:
        receiver.kill()
        receiver.wait()
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
    os._exit(0)  # how long the end may take, `flush()` has told


def _measured(name: str, receiver: subprocess.Popen[bytes], loss: int) -> dict[str, float]:
    work, flush = _handspan() if name == "handspan" else _bare()
    for number in range(300):
        vary(number)
        work()
    before_us = _latencies_us(work)
    receiver.send_signal(loss)
    after_us = _latencies_us(work)
    began_s = time.monotonic()
    said = flush()
    took_s = time.monotonic() - began_s
    return {
        **_quantiles("before", before_us),
        **_quantiles("after", after_us),
        "flush_said": said,
        "flush_s": took_s,
    }


def _handspan() -> Any:  # noqa: ANN401 - what to do, and how to flush it
    ours = importlib.import_module("benchmarks.recording.with_handspan")
    handspan = importlib.import_module("handspan")
    ours.without_prices()
    handspan.configure(instrument=())
    return ours.work, handspan.flush


def _bare() -> Any:  # noqa: ANN401 - see `_handspan`
    http = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    bare = importlib.import_module("benchmarks.recording.with_bare")
    bare.prepare(http.OTLPSpanExporter())
    trace = importlib.import_module("opentelemetry.trace")
    return bare.work, trace.get_tracer_provider().force_flush


def _latencies_us(work: Callable[[], object]) -> list[float]:
    """Return the time of each run in microseconds; between them the program waits, as agents do."""
    found = []
    for number in range(_RUNS):
        vary(number)
        began_ns = time.perf_counter_ns()
        work()
        found.append((time.perf_counter_ns() - began_ns) / 1000)
        time.sleep(_PAUSE_S)
    return found


def _quantiles(when: str, found_us: list[float]) -> dict[str, float]:
    percent = statistics.quantiles(found_us, n=100)
    return {f"p50_{when}_us": percent[49], f"p99_{when}_us": percent[98]}


if __name__ == "__main__":
    main(*sys.argv[1:])
