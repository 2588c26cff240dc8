"""Manners of a guest, seen from outside: real programs, real exporters, forks, rivals."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

Program = Callable[..., "subprocess.CompletedProcess[str]"]


class Receiver:
    """OTLP over gRPC: names of spans and log records, in the order in which they came."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.spans: list[str] = []
        self.logs: list[tuple[str, str]] = []
        self.opens = threading.Event()
        self.opens.set()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a port of its own that takes spans and log records."""
    receiver = Receiver()

    class Traces(traces_grpc.TraceServiceServicer):
        def Export(self, request: Any, context: object) -> Any:  # noqa: ANN401, ARG002, N802
            receiver.opens.wait(60)
            receiver.spans += [
                span.name
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]
            return traces.ExportTraceServiceResponse()

    class Logs(logs_grpc.LogsServiceServicer):
        def Export(self, request: Any, context: object) -> Any:  # noqa: ANN401, ARG002, N802
            receiver.logs += [
                (record.event_name, record.body.string_value)
                for resource in request.resource_logs
                for scope in resource.scope_logs
                for record in scope.log_records
            ]
            return logs.ExportLogsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(4))
    traces_grpc.add_TraceServiceServicer_to_server(Traces(), server)  # type: ignore[no-untyped-call]
    logs_grpc.add_LogsServiceServicer_to_server(Logs(), server)  # type: ignore[no-untyped-call]
    receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield receiver
    receiver.opens.set()
    server.stop(None).wait()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Run a Python program as a user would; it must end well and in time."""

    def run(text: str, **variables: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "team.py"
        file.write_text(text)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        done = subprocess.run(
            [sys.executable, "-W", "error", str(file)],
            env=kept | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


def test_work_that_lasts_is_seen_before_it_ends(program: Program, receiver: Receiver) -> None:
    """The announcement is there while the span is still open: the program dies before its end."""
    program(
        """
import os, time, handspan
handspan.configure(instrument=(), announce_after_s=0.01)
handspan.workflow("support").start()
time.sleep(1.5)
os._exit(0)
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )
    assert receiver.logs == [("handspan.started", "invoke_workflow support")]
    assert receiver.spans == []


def test_a_forked_worker_sends_its_own_spans_and_nobody_elses(
    program: Program, receiver: Receiver
) -> None:
    """Pre-forking servers fork with the queue full, a span open and the exporter at work."""
    done = program(
        """
import os, threading, handspan
handspan.configure(instrument=(), flush_timeout_s=20)
with handspan.agent("before"):
    pass
assert handspan.flush(20)
busy = threading.Event()
def work():
    while not busy.is_set():
        with handspan.tool("noise"):
            pass
threading.Thread(target=work, daemon=True).start()
outer = handspan.agent("outer").start()
with handspan.agent("queued"):
    pass
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        with handspan.agent(f"child {number}"):
            pass
        os._exit(0 if handspan.flush(20) else 3)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
busy.set()
outer.end()
print(codes)
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
        OTEL_BSP_MAX_QUEUE_SIZE="100000",
    )
    assert done.stdout == "[0, 0, 0, 0]\n"
    agents = sorted(name for name in receiver.spans if name.startswith("invoke_agent"))
    assert agents == sorted(
        ["invoke_agent before", "invoke_agent outer", "invoke_agent queued"]
        + [f"invoke_agent child {number}" for number in range(4)]
    )


def test_a_child_of_a_process_whose_queue_is_full_has_an_empty_one(program: Program) -> None:
    """What waits in the parent is sent there; the child has room, and has lost nothing yet."""
    done = program(
        """
import os, threading, handspan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
parent = os.getpid()
class Door(SpanExporter):
    def export(self, spans):
        if os.getpid() == parent:
            threading.Event().wait()
        print(*(span.name for span in spans), flush=True)
        return SpanExportResult.SUCCESS
handspan.configure(instrument=(), exporter=Door(), flush_timeout_s=0.1)
for _ in range(100):
    with handspan.tool("parent"):
        pass
child = os.fork()
if child == 0:
    with handspan.tool("child"):
        pass
    os._exit(0 if handspan.flush(20) else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""",
        OTEL_BSP_MAX_QUEUE_SIZE="4",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="2",
    )
    assert done.stdout == "execute_tool child\n0\n"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_receiver_that_is_down_is_one_line_and_flush_says_so(
    program: Program, protocol: str
) -> None:
    """Peers print 25 lines and say True."""
    done = program(
        """
import handspan
handspan.configure(instrument=())
for _ in range(3000):
    with handspan.tool("search"):
        pass
print(handspan.flush(0.3))
""",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        HANDSPAN_FLUSH_TIMEOUT_S="0.3",
    )
    assert done.stdout == "False\n"
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Handspan lost spans (")


def test_without_a_provider_nothing_is_started(program: Program) -> None:
    """Verbs in a library cost nothing to programs that do not trace."""
    done = program(
        """
import sys, threading, handspan
with handspan.workflow("support"), handspan.agent("triage") as agent:
    agent.set("note", "x")
print(handspan.flush(), threading.active_count(), "opentelemetry.sdk.trace" in sys.modules)
"""
    )
    assert (done.stdout, done.stderr) == ("True 1 False\n", "")


RIVAL = """
import handspan
from opentelemetry import trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

class Other(BaseInstrumentor):
    def instrumentation_dependencies(self):
        return ["openai_agents >= 0.1"]
    def _instrument(self, **_):
        pass
    def _uninstrument(self, **_):
        pass

def record():
    with trace.get_tracer("openinference.instrumentation.openai_agents").start_as_current_span("x"):
        pass

"""


def test_a_second_instrumentor_is_told_and_left_alone(program: Program) -> None:
    """Two of them make two spans of each call: langsmith-sdk#1619, openinference#2101."""
    auto = program(
        RIVAL + "Other().instrument()\nhandspan.configure()\n",
        OTEL_TRACES_EXPORTER="none",
    )
    assert "__main__ records openai_agents already, so Handspan does not" in auto.stderr
    named = program(
        RIVAL
        + "Other().instrument()\nhandspan.configure(instrument=['openai_agents'])\n"
        + "record(); record(); handspan.flush()\n",
        OTEL_TRACES_EXPORTER="console",
    )
    assert len(named.stderr.splitlines()) == 1
    assert (
        "openinference.instrumentation.openai_agents and Handspan both record openai_agents"
        in named.stderr
    )
    alone = program(
        RIVAL + "handspan.configure(instrument=['openai_agents'])\nhandspan.flush()\n",
        OTEL_TRACES_EXPORTER="console",
    )
    assert alone.stderr == ""
