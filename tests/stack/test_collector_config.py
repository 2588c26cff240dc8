"""Every file of collector-config/ in the real Collector, with real spans on their real way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import clickhouse_connect
import grpc
import pytest
from stack.tools import JAEGER, Missing
from tests.end_to_end.processes import ROOT, Service, free_port, running, wait_for
from tests.end_to_end.test_serve import total
from tests.exporter.access.test_doors import Authority
from tests.stack.clickhouse_front.process import fronting
from tests.stack.collector.sending import Reader, Run, export, request, send
from tests.stack.collector.shipped import SHAPES, Shipped, program, serving

from handspan import semconv
from handspan_exporter.access.tokens import TokenFile
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

MEMORY = ROOT / "tests" / "stack" / "jaeger" / "memory.yaml"

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Return where the service's store is read."""
    return Reader(free_port())


@pytest.fixture(scope="module")
def handspan(tmp_path_factory: pytest.TempPathFactory, reader: Reader) -> Iterator[Service]:
    """Return one running `handspan serve` for all shapes: each looks for its own ids."""
    options = ["--clickhouse-http", f"127.0.0.1:{reader.port}"]
    with serving(Service(tmp_path_factory.mktemp("handspan"), options)) as one:
        yield one


def runs(number: int) -> list[Run]:
    """Return so many runs."""
    return [Run() for _ in range(number)]


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_the_collector_finds_nothing_wrong_with_a_file(path: Path, tmp_path: Path) -> None:
    """As it is, with no variable set but those that have no default."""
    pair = tmp_path / "pair.pem"
    pair.write_text("")
    needed = {"TLS_CERT": str(pair), "TLS_KEY": str(pair), "HANDSPAN_TOKEN": "hs_x"}
    done = subprocess.run(
        [program(), "validate", "--config", path],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | (needed if path.stem == "tls-and-tokens" else {}),
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.lower()


def test_a_certificate_is_asked_for_at_the_start_and_a_token_only_warned_of(tmp_path: Path) -> None:
    """The head of tls-and-tokens.yaml says what happens, so that nobody waits for an error."""
    pair = tmp_path / "pair.pem"
    pair.write_text("")
    given = {"TLS_CERT": str(pair), "TLS_KEY": str(pair), "HANDSPAN_TOKEN": "hs_x"}
    path = next(one for one in SHAPES if one.stem == "tls-and-tokens")
    codes = {}
    for name in given:
        rest = {key: value for key, value in (os.environ | given).items() if key != name}
        command: list[str | Path] = [program(), "validate", "--config", path]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=rest)
        codes[name] = done.returncode
    assert codes == {"TLS_CERT": 1, "TLS_KEY": 1, "HANDSPAN_TOKEN": 0}


def test_an_agent_and_a_gateway_bring_every_span(
    handspan: Service, reader: Reader, tmp_path: Path
) -> None:
    """Two Collectors, as in most companies; the agent says where the spans come from."""
    to_handspan = {"HANDSPAN": f"127.0.0.1:{handspan.grpc}"}
    with Shipped("gateway", tmp_path, to_handspan) as gateway:
        to_gateway = {"GATEWAY": gateway.address, "HOST_NAME": "till-7"}
        with Shipped("agent", tmp_path, to_gateway) as agent:
            sent = send(agent.address, runs(200))
            wait_for(lambda: reader.has(sent), "all spans")
    (found,) = reader.rows(
        "SELECT DISTINCT ResourceAttributes['host.name'] AS host FROM otel_traces"  # noqa: S608
        f" WHERE TraceId = '{sent[0].trace}'"
    )
    assert found == {"host": "till-7"}


def test_a_load_balancer_sends_a_whole_trace_to_one_gateway(tmp_path: Path) -> None:
    """Its spans come in two requests; tail sampling behind must see them together."""
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    with ExitStack() as stack:
        gateways = [
            stack.enter_context(Shipped("to_file", tmp_path, {"FILE": str(file)})).address
            for file in files
        ]
        balanced = Shipped("load-balancing", tmp_path, {"GATEWAYS": json.dumps(gateways)})
        stack.enter_context(balanced)
        sent = send(balanced.address, runs(100))
        every = Counter({run.trace: 2 for run in sent})
        wait_for(lambda: sum(map(_traces, files), Counter()) == every, "every span once")
        one, other = map(_traces, files)
        assert one
        assert other
        assert not one & other


def _traces(file: Path) -> Counter[str]:
    """Return the trace id of every span in a file of the Collector's file exporter."""
    return Counter(re.findall(r'"traceId":"(\w+)"', file.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def jaeger() -> Iterator[tuple[str, str]]:
    """Return a real Jaeger with memory: where it takes OTLP, and where it answers."""
    otlp, http = free_port(), free_port()
    where = {"JAEGER_HTTP": f"127.0.0.1:{http}", "JAEGER_GRPC": f"127.0.0.1:{free_port()}"}
    try:
        found = JAEGER.require()
    except Missing as missing:
        pytest.fail(str(missing))
    with running([found, "--config", MEMORY], http, OTLP_PORT=str(otlp), **where):
        yield f"127.0.0.1:{otlp}", f"127.0.0.1:{http}"


def in_jaeger(address: str, service: str) -> set[str]:
    """Return the span ids that Jaeger has of a service."""
    asked = f"http://{address}/api/traces?service={service}&limit=1000&lookback=1h"
    with urllib.request.urlopen(asked) as answer:
        traces = json.load(answer)["data"]
    return {span["spanID"] for trace in traces for span in trace["spans"]}


def test_fan_out_brings_every_span_to_both(
    handspan: Service, reader: Reader, jaeger: tuple[str, str], tmp_path: Path
) -> None:
    """A Jaeger, as most people have one; a Tempo or a vendor takes the same OTLP."""
    both = {"HANDSPAN": f"127.0.0.1:{handspan.grpc}", "BACKEND": jaeger[0]}
    with Shipped("fan-out", tmp_path, both) as collector:
        sent = send(collector.address, runs(50), service="fan-out")
        wait_for(lambda: reader.has(sent), "all spans in Handspan")
        every = set().union(*(run.spans for run in sent))
        wait_for(lambda: in_jaeger(jaeger[1], "fan-out") == every, "all spans in Jaeger")


def test_tail_sampling_keeps_what_matters_and_handspan_gets_everything(
    handspan: Service, reader: Reader, jaeger: tuple[str, str], tmp_path: Path
) -> None:
    """A sample of zero percent: what Jaeger has is there for a reason, one of each."""
    kept = [
        Run(failed=True),
        Run(root_ms=3000),
        Run(attributes={semconv.COST_USD: 0.75}),
        Run(attributes={semconv.GEN_AI_USAGE_INPUT_TOKENS: 200_000}),
        Run(attributes={semconv.WORKFLOW_OUTCOME: "failure"}),
        Run(attributes={semconv.HANDOFF_OUTCOME: "lost"}),
        Run(attributes={semconv.VALIDATION_RESULT: "reject"}),
        Run(attributes={semconv.KIND: "human"}),
        Run(attributes={semconv.KIND: "recovery"}),
        Run(events={semconv.EVENT_FAULT: {semconv.FAULT_TYPE: "timeout"}}),
        Run(events={semconv.EVENT_BUDGET: {semconv.BUDGET_STATE: "exceeded"}}),
    ]
    plain = [Run(attributes={semconv.COST_USD: 0.01}) for _ in range(40)]
    environment = {
        "HANDSPAN": f"127.0.0.1:{handspan.grpc}",
        "BACKEND": jaeger[0],
        "SAMPLE_PERCENT": "0",
        "SLOW_MS": "2000",
        "DECISION_WAIT": "4s",
        "DECISION_AFTER_ROOT": "1s",
    }
    wanted = set().union(*(run.spans for run in kept))
    with Shipped("tail-sampling", tmp_path, environment) as collector:
        send(collector.address, plain + kept, service="sampled")
        wait_for(lambda: reader.has(kept + plain), "all spans in Handspan")
        wait_for(lambda: in_jaeger(jaeger[1], "sampled") == wanted, "what matters in Jaeger")
        late = [Run(number=run.number, failed=True).child() for run in plain]
        export(collector.address, request(late, "sampled"))
        ids = {span.span_id.hex() for span in late}
        # The one that was judged last is remembered as left out, see the file.
        wait_for(
            lambda: len(in_jaeger(jaeger[1], "sampled") & ids) >= len(ids) - 1, "late failures"
        )


def test_attach_mode_makes_kpis_of_what_the_collector_writes(tmp_path: Path) -> None:
    """No span passes through Handspan; test_attach.py has what happens when it is away."""
    with fronting(tmp_path / "data") as port:
        theirs = clickhouse_connect.get_client(host="127.0.0.1", port=port)
        theirs.command("CREATE DATABASE IF NOT EXISTS otel")
        with Shipped("attach", tmp_path, {"CLICKHOUSE": f"http://127.0.0.1:{port}"}) as collector:
            sent = send(collector.address, runs(30))
            wait_for(lambda: _rows(theirs) == 60, "the Collector's rows")
        theirs.close()
        options = ("--attach", "otel.otel_traces", "--attach-s", "0.2")
        one = Service(tmp_path, options, server=f"clickhouse://127.0.0.1:{port}/handspan")
        with serving(one):
            wait_for(lambda: total(one, "workflow_success_ratio")["n"] == 30, "their KPI")
            found = {run["run_id"] for run in one.ask("runs?limit=100")["runs"]}
        assert found == {run.trace for run in sent}


def _rows(client: Client) -> int:
    if not client.command("EXISTS TABLE otel.otel_traces"):
        return 0
    return int(client.query("SELECT count() FROM otel.otel_traces").result_rows[0][0])


def test_tls_and_tokens_hold_on_both_sides_of_the_collector(tmp_path: Path) -> None:
    """Programs without a certificate do not get in; Handspan sees a certificate and a token."""
    authority = Authority(tmp_path, "authority")
    pairs = {name: (tmp_path / f"{name}.pem", tmp_path / f"{name}.key") for name in _PARTIES}
    for name, (cert, key) in pairs.items():
        authority.issue(name, cert, key)
    token = TokenFile(tmp_path / "tokens.json").add("collector", ("ingest",))
    cert, key = pairs["handspan"]
    secured = ("--tls-cert", str(cert), "--tls-key", str(key), "--require-tokens")
    one = Service(tmp_path, (*secured, "--tls-client-ca", str(authority.cert)))
    environment = {
        "HANDSPAN": f"127.0.0.1:{one.grpc}",
        "HANDSPAN_TOKEN": token,
        "HANDSPAN_CA": str(authority.cert),
        "TLS_CLIENT_CA": str(authority.cert),
    }
    for prefix in ("HANDSPAN", "TLS"):
        cert, key = pairs["collector"]
        environment |= {f"{prefix}_CERT": str(cert), f"{prefix}_KEY": str(key)}
    with serving(one), Shipped("tls-and-tokens", tmp_path, environment) as collector:
        roots = authority.cert.read_bytes()
        cert, key = pairs["program"]
        known = grpc.ssl_channel_credentials(roots, key.read_bytes(), cert.read_bytes())
        sent = send(collector.address, runs(20), tls=known)
        for unknown in (None, grpc.ssl_channel_credentials(roots)):
            with pytest.raises(grpc.RpcError):
                send(collector.address, runs(1), tls=unknown, wait_s=1)
        collector.stop()
        del environment["HANDSPAN_TOKEN"]
        with Shipped("tls-and-tokens", tmp_path, environment) as careless:
            send(careless.address, runs(1), tls=known)
            wait_for(lambda: "Exporting failed. Dropping data" in careless.said, "the drop")
            assert "unset environment variable" in careless.said
            assert "Unauthenticated" in careless.said
        one.await_empty_journal()
    opened = connect(parse(one.store))
    found = {row["SpanId"] for row in opened.rows("SELECT SpanId FROM otel_traces")}
    opened.close()
    assert found == set().union(*(run.spans for run in sent))


_PARTIES = ("handspan", "collector", "program")
