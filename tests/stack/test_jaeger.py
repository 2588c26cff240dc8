"""The real Jaeger on Handspan shows what a Jaeger shows that received the same spans itself."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from stack.tools import JAEGER, Missing
from tests.end_to_end.processes import ROOT, Service, free_port, running, wait_for
from tests.stack import traces_of_a_shop as shop

from handspan_exporter.access.tokens import TokenFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

pytestmark = pytest.mark.end_to_end

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LARGEST = 64 << 20


@dataclass
class Pair:
    """Two Jaegers and the Handspan behind one of them."""

    own: str
    """HTTP address of the one with memory."""
    ours: str
    """HTTP address of the one that reads Handspan."""
    handoffs: str
    """HTTP address of the one whose dependencies are handoffs."""
    service: Service

    def both(self, path: str, **asked: object) -> tuple[Any, Any]:
        """Return what both answer."""
        return ask(self.own, path, **asked), ask(self.ours, path, **asked)


def ask(address: str, path: str, **asked: object) -> Any:  # noqa: ANN401
    """Return the `data` of an answer of Jaeger's HTTP API."""
    query = urllib.parse.urlencode({name: value for name, value in asked.items() if value != ""})
    with urllib.request.urlopen(f"http://{address}/api/{path}?{query}", timeout=60) as answer:
        return json.load(answer)["data"]


def send(port: int, request: ExportTraceServiceRequest) -> None:
    """Send a request over OTLP/gRPC."""
    options = [("grpc.max_send_message_length", LARGEST)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        channel.unary_unary(EXPORT)(request.SerializeToString(), timeout=60)


def started(stack: ExitStack, config: Path, **environment: str) -> str:
    """Start a Jaeger and return the address of its HTTP API."""
    try:
        program = JAEGER.require()
    except Missing as missing:
        pytest.fail(str(missing))
    port = free_port()
    at = {"JAEGER_HTTP": f"127.0.0.1:{port}", "JAEGER_GRPC": f"127.0.0.1:{free_port()}"}
    stack.enter_context(running([program, "--config", config], port, **at, **environment))
    return at["JAEGER_HTTP"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Return two Jaegers with the same spans: one has them, one reads them."""
    folder, port, otlp = tmp_path_factory.mktemp("jaeger"), free_port(), free_port()
    token = TokenFile(folder / "tokens.json").add("jaeger", ("read",))
    service = Service(
        folder, ["--jaeger", f"127.0.0.1:{port}", "--max-request-bytes", str(LARGEST)]
    )
    service.start()
    shipped = ROOT / "collector-config" / "jaeger.yaml"
    # Where it would send spans about itself; its own default is Handspan's port.
    about = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{service.grpc}"}
    reads = {"HANDSPAN_JAEGER": f"127.0.0.1:{port}", **about}
    with ExitStack() as stack:
        memory = Path(__file__).parent / "jaeger" / "memory.yaml"
        own = started(stack, memory, OTLP_PORT=str(otlp))
        ours = started(stack, shipped, **reads, HANDSPAN_TOKEN=token)
        handoffs = started(stack, shipped, **reads, HANDSPAN_DEPENDENCIES="handoffs")
        spans = 0
        for request in (shop.small(), shop.large()):
            spans += sum(
                len(scope.spans) for one in request.resource_spans for scope in one.scope_spans
            )
            send(otlp, request)
            send(service.grpc, request)
        wait_for(lambda: service.ask("health")["spans"] == spans, "the spans to be stored")
        yield Pair(own, ours, handoffs, service)
    service.await_empty_journal()
    stored = service.ask("health")["spans"]
    code, output = service.stop()
    assert stored == spans, "Jaeger must send none about itself"
    assert code == 0, output


def test_services_and_operations_are_the_same(pair: Pair) -> None:
    """What the page offers to choose from."""
    own, ours = pair.both("services")
    assert sorted(ours) == sorted(own) == ["bank", "shop", "warehouse"]
    for service in ours:
        own, ours_ = pair.both("operations", service=service)
        assert _sorted(ours_) == _sorted(own)


@pytest.mark.parametrize("trace", [*shop.SMALL_TRACES, shop.LARGE_TRACE])
def test_a_whole_trace_is_the_same(pair: Pair, trace: str) -> None:
    """Ids, times, tags with their types, logs, references, process, warnings: 30,000 spans too."""
    own, ours = pair.both(f"traces/{trace}")
    assert len(own) == len(ours) == 1
    own_spans, our_spans = spans_of(own[0]), spans_of(ours[0])
    assert len(our_spans) == (shop.LARGE_SPANS if trace == shop.LARGE_TRACE else 3)
    assert our_spans == own_spans


@pytest.mark.parametrize(
    "asked",
    [
        {"service": "shop"},
        {"service": "bank"},
        {"service": "nobody"},
        {"service": "shop", "operation": "browse"},
        {"service": "shop", "tags": '{"number": "3"}'},
        {"service": "shop", "tags": '{"region": "eu"}'},
        {"service": "shop", "tags": '{"paid.with": "card 4"}'},
        {"service": "shop", "tags": '{"number": "3", "region": "us"}'},
        {"service": "shop", "tags": '{"gen_ai.usage.input_tokens": "103"}'},
        {"service": "shop", "minDuration": "1.5s"},
        {"service": "shop", "maxDuration": "900ms"},
        {"service": "bank", "minDuration": "10ms", "maxDuration": "20ms"},
        {"service": "shop", "start": shop.BEGAN_US + 2_500_000},
        {"service": "shop", "end": shop.BEGAN_US + 2_500_000},
    ],
)
def test_a_search_finds_the_same_traces(pair: Pair, asked: dict[str, object]) -> None:
    """By service, operation, tags, duration, time, with a limit."""
    window = {"start": shop.BEGAN_US - 10**6, "end": shop.BEGAN_US + 10**9, "limit": 20}
    own, ours = pair.both("traces", **{**window, **asked})
    assert {one["traceID"] for one in ours} == {one["traceID"] for one in own}
    for trace in ours:
        (same,) = [one for one in own if one["traceID"] == trace["traceID"]]
        assert spans_of(trace) == spans_of(same)


def test_a_limit_leaves_the_newest(pair: Pair) -> None:
    """Jaeger's memory knows only the order in which traces came, which is nobody's."""
    window = {"start": shop.BEGAN_US - 10**6, "end": shop.BEGAN_US + 10**9, "limit": 2}
    found = ask(pair.ours, "traces", service="shop", **window)
    assert {f"{one['traceID']:0>32}" for one in found} == set(shop.SMALL_TRACES[-2:])


def test_failed_spans_are_found_by_jaegers_own_tag(pair: Pair) -> None:
    """`error=true` is a status; Jaeger's memory does not find it by text, so the truth is ours."""
    window = {"start": shop.BEGAN_US - 10**6, "end": shop.BEGAN_US + 10**9, "limit": 20}
    found = ask(pair.ours, "traces", service="shop", tags='{"error": "true"}', **window)
    assert [f"{one['traceID']:0>32}" for one in found] == [shop.FAILED_TRACE]


def test_dependencies_are_the_same(pair: Pair) -> None:
    """Calls between services, counted."""
    at_ms = shop.BEGAN_US // 1000 + 10**6
    own, ours = pair.both("dependencies", endTs=at_ms, lookback=10**7)

    def counted(links: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
        return Counter({(one["parent"], one["child"]): one["callCount"] for one in links})

    assert counted(ours) == counted(own)
    assert counted(ours)["shop", "bank"] == len(shop.SMALL_TRACES)


def test_handoffs_are_the_other_dependencies(pair: Pair) -> None:
    """The same program with one variable more shows who hands over to whom."""
    at_ms = shop.BEGAN_US // 1000 + 10**6

    def found() -> list[tuple[str, str, int]]:
        links = ask(pair.handoffs, "dependencies", endTs=at_ms, lookback=10**7)
        return [(one["parent"], one["child"], one["callCount"]) for one in links]

    wait_for(lambda: found() == [("triage", "writer", len(shop.SMALL_TRACES))], "handoffs")


def test_a_trace_that_is_not_there_is_not_found(pair: Pair) -> None:
    """Jaeger says 404 either way."""
    for address in (pair.own, pair.ours):
        with pytest.raises(urllib.error.HTTPError) as missing:
            ask(address, f"traces/{'e' * 32}")
        assert missing.value.code == 404
        missing.value.close()


def spans_of(trace: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a trace's spans by id, each with its process, its lists in one order.

    The value of a tag whose type nothing knows is text from Handspan: such tags compare as text.
    """
    processes = trace["processes"]
    found = {}
    for span in trace["spans"]:
        process = processes[span.pop("processID")]
        span["process"] = {**process, "tags": _tags(process.get("tags", []))}
        span["tags"] = _tags(span["tags"])
        span["references"] = _sorted(span["references"])
        span["logs"] = _sorted([{**log, "fields": _tags(log["fields"])} for log in span["logs"]])
        found[span["spanID"]] = span
    assert len(found) == len(trace["spans"])
    return found


def _tags(tags: list[dict[str, Any]]) -> list[Any]:
    for tag in tags:
        if tag["key"] in shop.UNKNOWN_TYPES:
            tag["type"], tag["value"] = "string", _as_text(tag["value"])
    return _sorted(tags)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
