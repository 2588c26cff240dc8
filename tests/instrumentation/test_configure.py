"""Switching Handspan on: whose provider, which exporter, what is said when a setting is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

pytestmark = pytest.mark.end_to_end

Program = Callable[..., CompletedProcess[str]]

TEAM = """
import handspan
{switch_on}
with handspan.workflow("support"), handspan.agent("triage"):
    pass
{after}
"""
BARE = "handspan.configure(instrument=())"


def team(switch_on: str = BARE, after: str = "") -> str:
    """Return a program with one run of one agent."""
    return TEAM.format(switch_on=switch_on, after=after)


class Receiver:
    """What arrived, request by request."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.answers = threading.Event()
        """Cleared: the receiver takes requests and does not answer."""
        self.answers.set()

    def take(self, request: ExportTraceServiceRequest, headers: dict[str, str]) -> None:
        """Keep a request."""
        self.requests.append(request)
        self.headers.append(headers)
        self.answers.wait(30)

    def spans(self) -> list[Span]:
        """Return the spans, in the order in which they were sent."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def names(self) -> list[str]:
        """Return the names of the spans."""
        return [span.name for span in self.spans()]

    def resource(self) -> dict[str, str]:
        """Return the text attributes of the first request's resource."""
        attributes = self.requests[0].resource_spans[0].resource.attributes
        return {one.key: one.value.string_value for one in attributes}


@pytest.fixture
def grpc_receiver() -> Iterator[Receiver]:
    """OTLP over gRPC, as any collector receives it."""
    receiver = Receiver()

    class Service(TraceServiceServicer):
        def Export(  # noqa: N802 - the service's own name
            self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
        ) -> ExportTraceServiceResponse:
            receiver.take(request, dict(context.invocation_metadata()))
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(4))
    add_TraceServiceServicer_to_server(Service(), server)  # type: ignore[no-untyped-call]
    receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield receiver
    receiver.answers.set()
    server.stop(None).wait()


@pytest.fixture
def http_receiver() -> Iterator[Receiver]:
    """OTLP over HTTP with protobuf bodies."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take(ExportTraceServiceRequest.FromString(body), {"path": self.path})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield receiver
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Run a Python program, `program(text, ["command"], NAME=value)`, as a user would."""

    def run(text: str, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "my_agents.py"
        file.write_text(text)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        done = subprocess.run(
            [*command, sys.executable, "-W", "error", str(file)],
            env=kept | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


def test_spans_arrive_over_grpc_by_default(program: Program, grpc_receiver: Receiver) -> None:
    """The OTEL_* variables work as everywhere; whatever is recorded at exit is sent at exit."""
    done = program(
        team(),
        OTEL_EXPORTER_OTLP_ENDPOINT=grpc_receiver.endpoint,
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20x",
        OTEL_SERVICE_NAME="shop",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
    )
    assert grpc_receiver.names() == ["invoke_agent triage", "invoke_workflow support"]
    resource = grpc_receiver.resource()
    assert resource["service.name"] == "shop"
    assert resource["deployment.environment.name"] == "test"
    assert resource["handspan.schema.version"] == "1.0"
    assert grpc_receiver.headers[0]["authorization"] == "Bearer x"
    scope = grpc_receiver.requests[0].resource_spans[0].scope_spans[0].scope
    assert scope.name == "handspan"
    assert scope.version
    assert (done.stdout, done.stderr) == ("", "")


def test_spans_arrive_over_http_when_asked(program: Program, http_receiver: Receiver) -> None:
    """`http/protobuf` is the other protocol of OTLP that everybody speaks."""
    program(
        team(),
        OTEL_EXPORTER_OTLP_ENDPOINT=http_receiver.endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
    )
    assert http_receiver.names() == ["invoke_agent triage", "invoke_workflow support"]
    assert http_receiver.headers[0] == {"path": "/v1/traces"}


@pytest.mark.parametrize(
    ("switch_on", "variables", "name"),
    [
        (BARE, {}, "my_agents"),
        (BARE, {"OTEL_RESOURCE_ATTRIBUTES": "service.name=shop"}, "shop"),
        ("handspan.configure(instrument=(), service_name='desk')", {}, "desk"),
        (
            "handspan.configure(instrument=(), service_name='desk')",
            {"OTEL_SERVICE_NAME": "shop"},
            "desk",
        ),
    ],
)
def test_the_service_is_named_by_argument_then_variable_then_file(
    program: Program,
    grpc_receiver: Receiver,
    switch_on: str,
    variables: dict[str, str],
    name: str,
) -> None:
    """`unknown_service` in a table of KPIs helps nobody."""
    program(team(switch_on), OTEL_EXPORTER_OTLP_ENDPOINT=grpc_receiver.endpoint, **variables)
    assert grpc_receiver.resource()["service.name"] == name


def test_batching_and_sampling_follow_the_environment(
    program: Program, grpc_receiver: Receiver
) -> None:
    """The SDK reads these itself, unless we pass something over its head."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": grpc_receiver.endpoint}
    program(team(), OTEL_TRACES_SAMPLER="always_off", **variables)
    assert grpc_receiver.requests == []
    program(team(), OTEL_BSP_MAX_EXPORT_BATCH_SIZE="1", **variables)
    assert len(grpc_receiver.requests) == 2


@pytest.mark.parametrize("exporter", ["none", ""])
def test_no_exporter_means_no_request(
    program: Program, grpc_receiver: Receiver, exporter: str
) -> None:
    """`none` is how OpenTelemetry is told to record and not to send."""
    done = program(
        team(),
        OTEL_TRACES_EXPORTER=exporter,
        OTEL_EXPORTER_OTLP_ENDPOINT=grpc_receiver.endpoint,
    )
    assert bool(grpc_receiver.requests) == (exporter == "")
    assert done.stderr == ""


def test_any_installed_exporter_can_be_named(program: Program) -> None:
    """Exporters are entry points, ours among them later."""
    done = program(team(), OTEL_TRACES_EXPORTER="console")
    assert '"name": "invoke_workflow support"' in done.stdout


def test_opentelemetry_switched_off_stays_off(program: Program, grpc_receiver: Receiver) -> None:
    """OTEL_SDK_DISABLED is the user's last word."""
    done = program(
        team(after="print(handspan.flush(), handspan.current_run())"),
        OTEL_SDK_DISABLED="true",
        OTEL_EXPORTER_OTLP_ENDPOINT=grpc_receiver.endpoint,
    )
    assert grpc_receiver.requests == []
    assert done.stdout == "True None\n"


@pytest.mark.parametrize(
    ("switch_on", "variables", "said"),
    [
        (
            BARE,
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "smoke signals"},
            (
                "Handspan sends no spans: OTEL_EXPORTER_OTLP_PROTOCOL is 'smoke signals', "
                "choose one of grpc, http/protobuf"
            ),
        ),
        (
            BARE,
            {"OTEL_TRACES_EXPORTER": "telepathy"},
            (
                "Handspan sends no spans to 'telepathy': no installed package has this exporter, "
                "check OTEL_TRACES_EXPORTER"
            ),
        ),
        (
            BARE,
            {"OTEL_TRACES_EXPORTER": "none", "HANDSPAN_CAPTURE_CONTENT": "perhaps"},
            "Handspan ignores the setting capture_content: 'perhaps' is no bool",
        ),
        (
            "handspan.configure(instrument=['abacus'])",
            {"OTEL_TRACES_EXPORTER": "none"},
            "Handspan knows no framework 'abacus', only openai_agents",
        ),
    ],
)
def test_a_bad_setting_is_one_clear_warning(
    program: Program, switch_on: str, variables: dict[str, str], said: str
) -> None:
    """Telemetry that is set up wrongly must not stop an agent, nor fail in silence."""
    done = program(team(switch_on, after="print('went on')"), **variables)
    assert done.stdout == "went on\n"
    assert done.stderr == said + "\n"


def test_an_existing_provider_is_kept_and_taught_once(program: Program) -> None:
    """Whoever set up OpenTelemetry keeps the exporter, the resource and the sampler."""
    done = program(
        """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

class Theirs(TracerProvider):
    processors = []
    def add_span_processor(self, processor):
        self.processors.append(type(processor).__name__)
        super().add_span_processor(processor)

exporter, provider = InMemorySpanExporter(), Theirs()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)

import handspan
handspan.configure(instrument=())
handspan.configure(instrument=())
with handspan.agent("triage"), trace.get_tracer("httpx").start_as_current_span("GET"):
    pass
print(trace.get_tracer_provider() is provider, *provider.processors)
print(*(span.attributes["handspan.agent.name"] for span in exporter.get_finished_spans()))
"""
    )
    assert done.stdout == (
        "True SimpleSpanProcessor AttributionProcessor EndingProcessor StartedProcessor\n"
        "triage triage\n"
    )


def test_a_provider_set_without_us_is_found_at_the_first_span(program: Program) -> None:
    """`configure` is a convenience: a provider and the verbs are enough, redaction included."""
    done = program(
        """
import handspan
from opentelemetry import trace
with handspan.agent("too early"):
    pass
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
with handspan.agent("triage"), trace.get_tracer("httpx").start_as_current_span("GET") as span:
    span.set_attribute("url", "https://ada:hunter22@example.com/")
found = exporter.get_finished_spans()[0].attributes
print(found["handspan.agent.name"], found["url"])
"""
    )
    assert done.stdout == "triage https://[redacted:url_password]@example.com/\n"


def test_a_provider_of_ones_own_leaves_the_processs_alone(program: Program) -> None:
    """Libraries and tests record apart from the program they are in."""
    done = program(
        team(
            "from opentelemetry import trace\n"
            "from opentelemetry.sdk.trace import TracerProvider\n"
            "own = TracerProvider()\n"
            "handspan.configure(instrument=(), tracer_provider=own)\n"
            "handspan.configure(instrument=())",
            "print(type(trace.get_tracer_provider()).__name__)\n"
            "with handspan.agent('triage') as agent: print(agent.span.is_recording())",
        )
    )
    assert done.stdout == "ProxyTracerProvider\nTrue\n"


def test_a_bundled_program_without_metadata_records_too(program: Program) -> None:
    """PyInstaller leaves the version out: the scope has none then, and the spans are sent."""
    without = """
import importlib.metadata as metadata
known = metadata.version
def version(name):
    if name == "handspan":
        raise metadata.PackageNotFoundError(name)
    return known(name)
metadata.version = version
"""
    done = program(
        without + team(after="handspan.flush()"),
        OTEL_TRACES_EXPORTER="console",
    )
    assert '"name": "invoke_agent triage"' in done.stdout
    assert done.stderr == ""


def test_flush_sends_what_is_waiting(program: Program, grpc_receiver: Receiver) -> None:
    """Short-lived jobs and notebooks flush; True means that the receiver has it."""
    program(
        team(after="assert handspan.flush(30)\nimport os; os._exit(0)"),
        OTEL_EXPORTER_OTLP_ENDPOINT=grpc_receiver.endpoint,
    )
    assert len(grpc_receiver.spans()) == 2


def test_flush_gives_up_at_its_limit(program: Program, grpc_receiver: Receiver) -> None:
    """A receiver that hangs must not hang the agent; False says that not all is sent."""
    grpc_receiver.answers.clear()
    done = program(
        team(after="print(handspan.flush(0.2), flush=True)\nimport os; os._exit(0)"),
        OTEL_EXPORTER_OTLP_ENDPOINT=grpc_receiver.endpoint,
    )
    assert done.stdout == "False\n"


def test_content_capture_is_switched_by_argument_or_variable(program: Program) -> None:
    """Handspan's own variable wins over OpenTelemetry's."""
    print_it = "from handspan import settings; print(settings.current().capture_content)"
    for switch_on, variables, captured in (
        (BARE, {}, False),
        (BARE, {"HANDSPAN_CAPTURE_CONTENT": "true"}, True),
        (BARE, {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}, True),
        (BARE, {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "NO_CONTENT"}, False),
        (
            BARE,
            {
                "HANDSPAN_CAPTURE_CONTENT": "false",
                "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
            },
            False,
        ),
        (
            "handspan.configure(instrument=(), capture_content=False)",
            {"HANDSPAN_CAPTURE_CONTENT": "true"},
            False,
        ),
    ):
        done = program(team(switch_on, print_it), OTEL_TRACES_EXPORTER="none", **variables)
        assert done.stdout == f"{captured}\n"


def test_opentelemetry_instrument_needs_no_line_of_code(
    program: Program, grpc_receiver: Receiver
) -> None:
    """OpenTelemetry's own command finds us by entry point and nobody else set a provider."""
    command = shutil.which("opentelemetry-instrument", path=str(Path(sys.executable).parent))
    assert command
    program(
        team(switch_on=""),
        command,
        OTEL_EXPORTER_OTLP_ENDPOINT=grpc_receiver.endpoint,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai_agents",
    )
    assert grpc_receiver.names() == ["invoke_agent triage", "invoke_workflow support"]


def test_opentelemetry_instrument_keeps_another_configurators_provider(
    program: Program, tmp_path: Path
) -> None:
    """A distribution's own configurator is the user's choice; ours never competes with it."""
    dist = tmp_path / "distro-1.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: distro\nVersion: 1\n")
    (dist / "entry_points.txt").write_text(
        "[opentelemetry_configurator]\ndistro = distro_configurator:Configurator\n"
    )
    (tmp_path / "distro_configurator.py").write_text(
        "class Configurator:\n"
        "    def configure(self, **given):\n"
        "        from opentelemetry import trace\n"
        "        from opentelemetry.sdk.trace import TracerProvider\n"
        "        provider = TracerProvider()\n"
        "        provider.theirs = True\n"
        "        trace.set_tracer_provider(provider)\n"
    )
    command = shutil.which("opentelemetry-instrument", path=str(Path(sys.executable).parent))
    assert command
    done = program(
        """
import handspan
from opentelemetry import trace
with handspan.agent("triage"), trace.get_tracer("httpx").start_as_current_span("GET") as span:
    print(trace.get_tracer_provider().theirs, span.attributes["handspan.agent.name"])
""",
        command,
        PYTHONPATH=str(tmp_path),
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai_agents",
    )
    assert (done.stdout, done.stderr) == ("True triage\n", "")
