"""`handspan serve` as people and power cuts meet it."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa
import pytest
from grpc import Compression, RpcError, StatusCode, insecure_channel
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from tests.end_to_end.counting import EXPORT
from tests.end_to_end.processes import BIN, Service, handspan, wait_for

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

pytestmark = pytest.mark.end_to_end


class Noted(SpanExporter):
    """A real exporter, and a note of every trace that its receiver acknowledged."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.acknowledged: list[str] = []
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send, and note what the answer was good for."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            contexts = (span.get_span_context() for span in spans)
            self.acknowledged += [f"{c.trace_id:032x}" for c in contexts if c is not None]
        return result

    def shutdown(self) -> None:
        """End the real exporter."""
        self._exporter.shutdown()


def record(exporter: SpanExporter, runs: int) -> list[str]:
    """Send so many runs of one agent, a request per span; return the acknowledged traces."""
    noted = Noted(exporter)
    provider = TracerProvider(resource=Resource({semconv.SERVICE_NAME: "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(noted))
    tracer = provider.get_tracer("test")
    for _ in range(runs):
        workflow = {semconv.GEN_AI_OPERATION_NAME: "invoke_workflow"}
        agent = {semconv.GEN_AI_OPERATION_NAME: "invoke_agent", semconv.GEN_AI_AGENT_NAME: "clerk"}
        with (
            tracer.start_as_current_span("invoke_workflow sale", attributes=workflow),
            tracer.start_as_current_span("invoke_agent clerk", attributes=agent),
        ):
            pass
    provider.shutdown()
    return noted.acknowledged


def total(service: Service, kpi: str) -> dict[str, Any]:
    """Return the row of a KPI in total, over the last day."""
    row: dict[str, Any] = service.ask(f"kpis/{kpi}?by=total")["rows"][0]
    return row


def grpc(service: Service) -> SpanExporter:
    """Return the SDK's own exporter, told nothing but where."""
    return GrpcExporter(endpoint=f"http://127.0.0.1:{service.grpc}")


def http(service: Service) -> SpanExporter:
    """Return the SDK's own exporter, told nothing but where."""
    return HttpExporter(endpoint=f"http://127.0.0.1:{service.http}/v1/traces")


@pytest.mark.parametrize("exporter", [grpc, http])
def test_a_span_sent_by_any_sdk_is_a_run_and_a_kpi(service: Service, exporter: Any) -> None:  # noqa: ANN401
    """The way through all stages: receiver, journal, store, facts, answer."""
    acknowledged = record(exporter(service), runs=3)

    assert len(acknowledged) == 6
    runs = wait_for(lambda: len(found := service.ask("runs")["runs"]) == 3 and found, "three runs")
    assert {run["run_id"] for run in runs} == set(acknowledged)
    assert {run["service"] for run in runs} == {"shop"}
    assert total(service, "workflow_success_ratio")["n"] == 3


def test_without_ptars_the_plain_decoder_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some machines have no wheel of it; the markers of the extra leave it out there.

    Nor a Rust compiler, for the decoder that is ours.
    """
    for library in ("ptars", "handspan_decoder"):
        (tmp_path / f"{library}.py").write_text("raise ImportError('no wheel')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    service = Service(tmp_path / "store")
    service.start()

    acknowledged = record(grpc(service), runs=1)

    assert len(acknowledged) == 2
    assert wait_for(lambda: service.ask("runs")["runs"], "the run")[0]["run_id"] in acknowledged
    assert service.stop()[0] == 0


def test_an_output_that_is_closed_costs_no_traceback() -> None:
    """A script may have no use for it."""
    command = f"{BIN / 'handspan'} token --help >&-"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602

    assert (ended.returncode, ended.stderr) == (0, "")


BOMB_BYTES = 160 << 20


def test_what_unpacks_to_too_much_is_refused_while_it_is_unpacked(service: Service) -> None:
    """Some kilobytes that become 160 megabytes: a few of them must not take the memory."""
    record(grpc(service), runs=1)
    bomb = bytes(BOMB_BYTES)
    packed = {
        "gzip": gzip.compress(bomb, 1),
        "zstd": bytes(pa.compress(bomb, "zstd", asbytes=True)),
    }
    before_kib = peak_kib(service)

    for encoding, body in packed.items():
        headers = {"content-type": "application/x-protobuf", "content-encoding": encoding}
        answer = httpx.post(
            f"http://127.0.0.1:{service.http}/v1/traces", content=body, headers=headers
        )
        assert answer.status_code == 413
    unlimited = [("grpc.max_send_message_length", -1)]
    packing = Compression.Gzip
    with insecure_channel(f"127.0.0.1:{service.grpc}", unlimited, packing) as channel:
        with pytest.raises(RpcError) as refused:
            channel.unary_unary(EXPORT)(bomb, timeout=30)
        assert refused.value.code() is StatusCode.RESOURCE_EXHAUSTED

    assert peak_kib(service) - before_kib < BOMB_BYTES >> 11, "half of one bomb"


def peak_kib(service: Service) -> int:
    """Return the most memory that a process has had at a time."""
    assert service.process is not None
    status = Path(f"/proc/{service.process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def test_what_was_acknowledged_before_a_power_cut_is_counted_once_after_it(
    service: Service,
) -> None:
    """The first promise. The second start replays the journal; the third finds nothing left."""
    acknowledged = record(grpc(service), runs=20)
    service.kill()

    for _ in range(2):
        service.start()
        wait_for(lambda: total(service, "workflow_success_ratio")["n"] == 20, "twenty runs")
        found = service.ask("runs?limit=100")["runs"]
        assert sorted(run["run_id"] for run in found) == sorted(set(acknowledged))
        assert total(service, "agents_per_workflow")["n"] == 20
        assert total(service, "agent_performance")["n"] == 20
        service.kill()


def test_a_signal_stores_what_is_left_and_ends_quietly(service: Service) -> None:
    """An operator's `systemctl stop` is no error, and leaves no journal behind."""
    record(grpc(service), runs=2)
    code, output = service.stop()

    assert code == 0, output
    assert "Traceback" not in output
    assert not list((service.folder / "journal").glob("*.otlp"))
    assert "2" in handspan("kpi", "workflow_success_ratio", "--store", service.store).stdout


def test_commands_ask_the_service_that_holds_the_store(service: Service) -> None:
    """The embedded engine takes one process; people need not know."""
    record(grpc(service), runs=1)
    wait_for(lambda: service.ask("runs")["runs"], "the run")

    shown = handspan("runs", "list", "--store", service.store, "--format", "json")
    doctor = handspan("doctor", "--store", service.store)

    assert shown.returncode == 0, shown.stderr
    assert '"workflow"' in shown.stdout
    assert doctor.returncode == 0, doctor.stdout
    assert "answers at" in doctor.stdout


def test_a_second_service_on_the_same_store_is_told_who_has_it(service: Service) -> None:
    """Two engines on one folder would destroy it."""
    second = handspan("serve", "--store", service.store)

    assert service.process is not None
    assert_one_line(second, 1, f"held by process {service.process.pid}")


@pytest.mark.parametrize("option", ["--otlp-grpc", "--otlp-http", "--web"])
def test_a_taken_port_is_named_with_the_option_that_moves_it(tmp_path: Path, option: str) -> None:
    """A Collector on the same machine has 4317 and 4318 already."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        addresses = {"--otlp-grpc": "127.0.0.1:0", "--otlp-http": "127.0.0.1:0"}
        addresses |= {"--web": "127.0.0.1:0", option: taken}
        flat = [word for pair in addresses.items() for word in pair]
        ended = handspan("serve", "--store", f"chdb://{tmp_path}", *flat)

    assert_one_line(ended, 1, f"{option} 127.0.0.1:")
    assert f"{taken} is taken by another program" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("serve", "--store", "postgres://u:secret@h/db"), 2, "chdb:///folder"),
        (("serve", "--store", "chdb:///proc/nowhere"), 1, "cannot be written"),
        (("migrate", "--store", "chdb:///dev/null"), 1, "cannot be written"),
        (("serve", "--store", "chdb:///dev/null"), 1, "cannot be written"),
        (("serve", "--store", "clickhouse://u:secret@127.0.0.1:9"), 1, "127.0.0.1:9"),
        (("serve", "--web", "0.0.0.0:8317"), 2, "--insecure-open"),
        (
            ("serve", "--otlp-grpc", "4317"),
            2,
            "is not an address; use 127.0.0.1:4317",
        ),
        (("serve", "--flush-spans", "0"), 2, "HANDSPAN_FLUSH_SPANS must be at least 1"),
        (("kpi", "--since", "yesterday"), 2, "--since"),
        (("kpi", "--since", "2999-01-01"), 2, "in the future"),
        (("kpi", "no_such_kpi"), 2, "workflow_success_ratio"),
        (("runs", "list", "--store", "chdb:///nowhere/at/all"), 1, "no data yet"),
        (("kpi", "--store", "clickhouse://user:secret@127.0.0.1:9"), 1, "127.0.0.1:9"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_wrong_input_is_one_clear_line(arguments: Sequence[str], code: int, said: str) -> None:
    """No traceback, no password, and a word on what to do."""
    assert_one_line(handspan(*arguments), code, said)


def assert_one_line(ended: Any, code: int, said: str) -> None:  # noqa: ANN401
    """Check an error as a person sees it."""
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stderr.startswith("handspan: ")
    assert said in ended.stderr
    assert "secret" not in ended.stderr


def test_an_interrupt_is_one_line() -> None:
    """Ctrl-C while a store does not answer: no traceback, and the shell is told."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = f"clickhouse://127.0.0.1:{silent.getsockname()[1]}"
        command = [str(BIN / "handspan"), "kpi", "--store", store]
        with (
            subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
            silent.accept()[0],
        ):
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert said == "\nhandspan: interrupted\n", "below the ^C of the terminal"
