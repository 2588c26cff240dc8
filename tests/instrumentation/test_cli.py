"""`handspan-instrument` and `opentelemetry-instrument` on real programs, into a real receiver."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path(sys.executable).parent
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "research_team.py"

pytestmark = pytest.mark.end_to_end


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps the spans that arrive over OTLP/gRPC."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.spans: list[Any] = []
        self.services: set[str] = set()

    def Export(self, request: Any, _context: object) -> Any:  # noqa: ANN401, N802 - gRPC's names
        """Take one request."""
        for resource in request.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.services.add(named["service.name"])
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return trace_service_pb2.ExportTraceServiceResponse()

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the attributes of all spans of a kind."""
        found = [
            {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}
            for span in self.spans
        ]
        return [one for one in found if one.get("handspan.kind") == kind]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    receiver = Receiver()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(  # type: ignore[no-untyped-call]
        receiver, server
    )
    receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield receiver
    server.stop(None).wait()


def run(
    *words: str | Path,
    program: str = "handspan-instrument",
    limit_s: float = 60,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would who has not activated the environment."""
    command = [str(BIN / program), *map(str, words)]
    inherited = {name: one for name, one in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit_s,
        env={**inherited, **environment},
    )


def test_a_program_that_knows_nothing_of_handspan_is_recorded(receiver: Receiver) -> None:
    """The example never imports handspan, and even removes all trace processors of the SDK."""
    done = run("--endpoint", receiver.endpoint, "python", EXAMPLE, "--runs", "9")

    assert (done.returncode, done.stderr) == (0, "")
    assert "9 of 9 runs" in done.stdout
    assert receiver.services == {"research_team"}
    assert len(receiver.of_kind("workflow")) == 9
    outcomes = [one["handspan.workflow.outcome"] for one in receiver.of_kind("workflow")]
    assert outcomes.count("failure") == 4
    modes = {one["handspan.handoff.mode"] for one in receiver.of_kind("handoff")}
    assert modes == {"pass_control", "return_to_caller"}


def test_every_call_of_the_example_has_usage_or_an_error(receiver: Receiver) -> None:
    """What the KPIs need of a call: a model, and tokens unless it failed."""
    run("--endpoint", receiver.endpoint, EXAMPLE, "--runs", "9")

    calls = receiver.of_kind("llm")
    assert {one["gen_ai.request.model"] for one in calls} == {
        "claude-sonnet-4-5",
        "gpt-4.1",
        "gpt-4.1-mini",
        "gpt-5-mini",
        "inhouse-checker-7b",
    }
    for one in calls:
        assert ("gen_ai.usage.input_tokens" in one) != ("error.type" in one)
    assert any(one.get("gen_ai.usage.cache_read.input_tokens", 0) > 0 for one in calls)


def test_opentelemetrys_own_command_switches_the_adapter_on(receiver: Receiver) -> None:
    """By the entry points alone: whoever runs that already changes nothing."""
    done = run(
        sys.executable,
        EXAMPLE,
        "--runs",
        "2",
        program="opentelemetry-instrument",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
        OTEL_SERVICE_NAME="team",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.services == {"team"}
    assert len(receiver.of_kind("workflow")) == 2


def test_modules_and_child_processes_are_recorded_too(receiver: Receiver, tmp_path: Path) -> None:
    """A Python that the program starts inherits the recording."""
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, {str(EXAMPLE)!r}, '--runs', '1'], check=True)\n"
    )
    done = run("--endpoint", receiver.endpoint, "-m", "parent", PYTHONPATH=str(tmp_path))

    assert (done.returncode, done.stderr) == (0, "")
    assert len(receiver.of_kind("workflow")) == 1


def test_the_users_own_sitecustomize_still_runs(tmp_path: Path) -> None:
    """Ours is found first, so it must run the one that it hides."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.marked = 'mine'\n")
    code = "import sys; print(sys.marked, sys.modules['sitecustomize'].__file__)"
    done = run("--exporter", "none", "python", "-c", code, PYTHONPATH=str(tmp_path))

    assert done.stdout.split() == ["mine", str(tmp_path / "sitecustomize.py")]


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_the_programs(code: int) -> None:
    """Recording changes nothing of what a caller sees."""
    done = run("--exporter", "none", "python", "-c", f"raise SystemExit({code})")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_a_signal_reaches_the_program_itself() -> None:
    """There is no process between the caller and the program."""
    code = "import time; print('up', flush=True); time.sleep(60)"
    command = [str(BIN / "handspan-instrument"), "--exporter", "none", "python", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == -signal.SIGTERM


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("broken", ["refuses", "hangs"])
def test_a_receiver_that_is_down_costs_the_program_a_bounded_time(
    protocol: str, broken: str
) -> None:
    """OpenTelemetry's exporters would hold the end of the program for half a minute."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if broken == "hangs":
            listener.listen()  # takes connections, never answers
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        done = run(
            *("--protocol", protocol, "--endpoint", endpoint, "--flush-timeout-s", "0.5"),
            *("python", EXAMPLE, "--runs", "1"),
            limit_s=20,  # the exporters' own patience is longer
        )

    assert done.returncode == 0
    assert "did not take them within 0.5 s" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nosuchprogram"], 127, "there is no program 'nosuchprogram'"),
        (["missing.py"], 127, "there is no program 'missing.py'"),
        ([], 2, "which program?"),
        (["--protocol", "smoke", "python"], 2, "invalid choice: 'smoke'"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(
    words: list[str], code: int, message: str
) -> None:
    """The last line says what is wrong; usage is 2, a missing program 127 as in a shell."""
    done = run(*words)
    assert done.returncode == code
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_module_of_the_users_called_agents_is_left_alone(tmp_path: Path) -> None:
    """The SDK's name is a common word: nothing is imported early, nothing is patched."""
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("print('imported by', __name__)\n")
    (tmp_path / "agents" / "tracing.py").write_text("")
    (tmp_path / "app.py").write_text("print('start')\nimport agents.tracing\n")
    done = run("--exporter", "none", "python", tmp_path / "app.py", PYTHONPATH=str(tmp_path))

    assert (done.stdout, done.stderr) == ("start\nimported by agents\n", "")


def test_a_framework_that_is_too_old_is_told_and_left_alone(tmp_path: Path) -> None:
    """Rather no telemetry, said in one line, than a guess at how an untested version behaves."""
    metadata = tmp_path / "openai_agents-0.1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: openai-agents\nVersion: 0.1.0\n")
    words = ("--exporter", "console", EXAMPLE, "--runs", "1")
    done = run(*words, PYTHONPATH=str(tmp_path))

    assert done.stdout == "   1 of 1 runs: 1 answered\n"
    assert done.stderr == (
        "Handspan needs openai-agents >= 0.24, but openai-agents 0.1.0 is installed\n"
    )
