"""The rest of OTLP: logs, JSON, what is declined, health, browsers."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from tests.exporter.receiver.doors import EXPORT, MAX_REQUEST_BYTES, PROTOBUF, Receiver, refusal
from tests.exporter.receiver.doors import running as running_receiver

from handspan_exporter.settings import Settings
from handspan_exporter.telemetry import LOGS_ACCEPTED, LOGS_REFUSED, SPANS_ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from handspan_exporter.store.connection import Connection

LOGS_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
JSON = {"content_type": "application/json"}


def _logs(*records: LogRecord) -> bytes:
    resource = ResourceLogs(scope_logs=[ScopeLogs(log_records=records)], schema_url="http://s")
    return ExportLogsServiceRequest(resource_logs=[resource]).SerializeToString()


@pytest.mark.parametrize("over", ["grpc", "http"])
def test_log_records_are_stored(receiver: Receiver, connection: Connection, over: str) -> None:
    """Whatever its body is, a record is one row; without a time it has that of its observation."""
    now_ns = time.time_ns()
    pairs = [KeyValue(key="b", value=AnyValue(int_value=0)), KeyValue(key="a", value=AnyValue())]
    body = _logs(
        LogRecord(
            observed_time_unix_nano=now_ns,
            trace_id=bytes(range(16)),
            span_id=bytes(range(8)),
            flags=1,
            severity_number=SeverityNumber.SEVERITY_NUMBER_INFO,
            severity_text="INFO",
            event_name="handspan.started",
            body=AnyValue(kvlist_value=KeyValueList(values=pairs)),
        ),
        LogRecord(time_unix_nano=now_ns + 1, body=AnyValue(string_value="é")),
    )

    sent: Any = receiver.call(body, LOGS_EXPORT) if over == "grpc" else receiver.post(body, "logs")
    receiver.stored.acquire()

    assert sent == b"" if over == "grpc" else sent.content == b""
    rows = connection.arrow("SELECT * FROM otel_logs ORDER BY Timestamp").to_pylist()
    assert [row["Timestamp"].value for row in rows] == [now_ns, now_ns + 1]
    assert [row["Body"] for row in rows] == ['{"a":null,"b":0}', "é"]
    first = {"TraceId": bytes(range(16)).hex(), "SpanId": bytes(range(8)).hex(), "TraceFlags": 1}
    assert first.items() <= rows[0].items()
    assert [row["EventName"] for row in rows] == ["handspan.started", ""]
    assert rows[0]["ResourceSchemaUrl"] == "http://s"
    assert receiver.counters.total(LOGS_ACCEPTED) == 2


def test_bad_log_records_are_refused_and_their_neighbours_kept(receiver: Receiver) -> None:
    """In the words of the signal: `rejected_log_records`."""
    now_ns, day_ns = time.time_ns(), 86_400 * 10**9
    body = _logs(
        LogRecord(time_unix_nano=now_ns),
        LogRecord(),
        LogRecord(time_unix_nano=now_ns - 40 * day_ns),
        LogRecord(time_unix_nano=now_ns + day_ns),
        LogRecord(time_unix_nano=now_ns, trace_id=b"short"),
    )

    answer = ExportLogsServiceResponse.FromString(receiver.post(body, "logs").content)

    assert answer.partial_success.rejected_log_records == 4
    assert "1 without a time" in answer.partial_success.error_message
    assert receiver.counters.total(LOGS_ACCEPTED) == 1
    assert receiver.counters.total(LOGS_REFUSED) == 4


def _span(**given: Any) -> dict[str, Any]:  # noqa: ANN401
    now_ns = time.time_ns()
    return {
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "eee19b7ec3c1b174",
        "name": "chat",
        "startTimeUnixNano": str(now_ns),
        "endTimeUnixNano": now_ns + 5,
        **given,
    }


def _traces(*spans: dict[str, Any]) -> str:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})


def test_a_span_in_json_is_stored_as_it_was_meant(
    receiver: Receiver, connection: Connection
) -> None:
    """Each rule of OTLP's JSON that differs from protobuf's own."""
    values: dict[str, Any] = {
        "text": {"stringValue": "é\ud800"},
        "int": {"intValue": str(-(2**63))},
        "number": {"intValue": 7},
        "double": {"doubleValue": 0.5},
        "nan": {"doubleValue": "NaN"},
        "low": {"doubleValue": "-Infinity"},
        "no": {"boolValue": False},
        "bytes": {"bytesValue": base64.b64encode(b"\0\xff").decode()},
        "array": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": ""}]}},
        "map": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}},
        "none": {},
        "null": None,
    }
    span = _span(
        parentSpanId="",
        kind=3,
        status={"code": 2, "message": None},
        attributes=[{"key": key, "value": value} for key, value in values.items()],
        events=[{"name": "e", "timeUnixNano": "5"}],
        unheardOf={"deep": [1]},
        start_time_unix_nano="1",
    )

    answer = receiver.post(_traces(span), **JSON)
    receiver.stored.acquire()

    assert (answer.status_code, answer.text) == (200, "{}")
    assert answer.headers["content-type"] == "application/json"
    (row,) = connection.rows("SELECT * FROM otel_traces")
    assert row["TraceId"] == "5b8efff798038103d269b633813fc60c"
    assert (row["SpanKind"], row["StatusCode"], row["Duration"]) == ("Client", "Error", 5)
    assert row["SpanAttributes"] == {
        "text": "é\ufffd",
        "int": "-9223372036854775808",
        "number": "7",
        "double": "0.5",
        "nan": "NaN",
        "low": "-Infinity",
        "no": "false",
        "bytes": "AP8=",
        "array": '[1,""]',
        "map": '{"k":true}',
        "none": "",
        "null": "",
    }


def test_log_records_in_json_are_stored(receiver: Receiver, connection: Connection) -> None:
    """The same rules, the other signal."""
    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 17,
        "body": {"stringValue": "no"},
        "eventName": "handspan.started",
    }
    text = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})

    assert receiver.post(text, "logs", **JSON).text == "{}"
    receiver.stored.acquire()

    (row,) = connection.rows("SELECT * FROM otel_logs")
    assert (row["SeverityNumber"], row["Body"], row["EventName"]) == (17, "no", "handspan.started")


def test_a_partial_success_in_json(receiver: Receiver) -> None:
    """A 64-bit number is a text there."""
    answer = receiver.post(_traces(_span(), _span(endTimeUnixNano="1")), **JSON)

    assert json.loads(answer.text) == {
        "partialSuccess": {"rejectedSpans": "1", "errorMessage": "1 ends before it starts"}
    }


_DEEP = '{"arrayValue":{"values":[' * 60 + "{}" + "]}}" * 60


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Expecting value"),
        ("[]", "must be an object"),
        ('{"resourceSpans": {}}', "resourceSpans must be an array"),
        ('{"resourceSpans": [7]}', "resourceSpans must be an object"),
        ("\xff", "utf-8"),
        ("[" * 100_000, "too deep"),
        (_traces({"traceId": "xy"}), 'traceId cannot be "xy"'),
        (_traces({"traceId": 5}), "traceId cannot be 5"),
        (_traces({"name": 5}), "name cannot be 5"),
        (_traces({"kind": 0.5}), "kind cannot be 0.5"),
        (_traces({"kind": True}), "kind cannot be true"),
        (_traces({"startTimeUnixNano": "1_0"}), "startTimeUnixNano cannot be"),
        (_traces({"startTimeUnixNano": 2**64}), "startTimeUnixNano cannot be"),
        (_traces({"startTimeUnixNano": -1}), "startTimeUnixNano cannot be"),
        (_traces({"attributes": [{"value": {"doubleValue": "one"}}]}), "doubleValue cannot be"),
        (_traces({"attributes": [{"value": {"bytesValue": "A"}}]}), "bytesValue cannot be"),
        (_traces({"attributes": [{"value": {"boolValue": 1}}]}), "boolValue cannot be 1"),
        ('{"resourceSpans": NaN}', "NaN stands without quotes"),
        (_traces().replace("[]", f'[{{"attributes": [{{"value": {_DEEP}}}]}}]'), "too deep"),
    ],
)
def test_bad_json_is_refused_in_json(receiver: Receiver, text: str, says: str) -> None:
    """The answer names the field: whoever speaks JSON often wrote it by hand."""
    answer = receiver.post(text.encode("latin-1"), **JSON)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    said = json.loads(answer.text)
    assert said["code"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert says in said["message"]
    assert receiver.counters.total(SPANS_ACCEPTED) == 0


def test_empty_requests_are_taken(receiver: Receiver) -> None:
    """Clients send them to see whether anybody is there."""
    assert [receiver.call(b"", method) for method in (EXPORT, LOGS_EXPORT)] == [b"", b""]
    assert [receiver.post(b"", path).status_code for path in ("traces", "logs")] == [200, 200]
    assert [receiver.post("{}", path, **JSON).text for path in ("traces", "logs")] == ["{}", "{}"]


def test_metrics_are_declined_so_that_an_sdk_says_so_once(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """UNIMPLEMENTED and 404 are not retried; the message names the switch."""
    exporter = OTLPMetricExporter(endpoint=receiver.grpc, insecure=True)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)], shutdown_on_exit=False)
    provider.get_meter("test").create_counter("n").add(1)
    provider.shutdown()

    answer = receiver.post(b"", "metrics")

    assert sum("UNIMPLEMENTED" in record.getMessage() for record in caplog.records) == 1
    assert answer.status_code == 404
    assert b"OTEL_METRICS_EXPORTER=none" in answer.content


@pytest.mark.parametrize("name", ["", "opentelemetry.proto.collector.trace.v1.TraceService"])
def test_the_grpc_health_service_answers(receiver: Receiver, name: str) -> None:
    """As the health-checking protocol has it: field 1 is the name; SERVING is 1."""
    asked = bytes([10, len(name)]) + name.encode()

    assert receiver.call(asked, "/grpc.health.v1.Health/Check") == b"\x08\x01"


def test_the_health_of_an_unknown_service_is_not_found(receiver: Receiver) -> None:
    """A load balancer with a typing mistake must not send us everything."""
    code, text = refusal(lambda: receiver.call(b"\x0a\x01x", "/grpc.health.v1.Health/Check"))
    watched, _ = refusal(lambda: receiver.call(b"", "/grpc.health.v1.Health/Watch"))

    assert (code, text) == (grpc.StatusCode.NOT_FOUND, "there is no service x")
    assert watched is grpc.StatusCode.UNIMPLEMENTED


def test_http_says_that_it_is_healthy(receiver: Receiver) -> None:
    """What an orchestrator asks; it needs no OTLP for it."""
    answer = httpx.get(f"{receiver.http}/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_one_connection_serves_many_requests(
    receiver: Receiver, trace_request: Callable[..., bytes]
) -> None:
    """Also after a refusal: a new connection per request would cost more than the request."""
    with httpx.Client(base_url=receiver.http, headers=PROTOBUF) as client:
        codes, streams = [], set()
        for body in (trace_request(1), b"\xff", trace_request(2, first=5)):
            answer = client.post("/v1/traces", content=body)
            codes.append(answer.status_code)
            streams.add(answer.extensions["network_stream"].get_extra_info("client_addr"))

    assert codes == [200, 400, 200]
    assert len(streams) == 1


def test_a_grpc_client_may_ask_whether_we_are_still_there(
    receiver: Receiver, trace_request: Callable[..., bytes]
) -> None:
    """By default gRPC ends the connection of whoever pings twice in five minutes; many do."""
    states: list[grpc.ChannelConnectivity] = []
    pinging = [
        ("grpc.keepalive_time_ms", 600),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.insecure_channel(receiver.grpc, pinging) as channel:
        channel.subscribe(states.append)
        channel.unary_unary(EXPORT)(trace_request(1), timeout=30)
        time.sleep(3.5)  # the fifth ping would be one too many

    assert states[-1] is grpc.ChannelConnectivity.READY


def test_browsers_of_configured_origins_may_send(
    tmp_path: Path, connection: Connection, receiver: Receiver
) -> None:
    """By default none may: a page of any site could fill the store of whoever opens it."""
    asked = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    allowed = "access-control-allow-origin"
    folder = tmp_path / "cors"
    settings = Settings(
        cors_origins="https://other.example, https://app.example",
        max_request_bytes=MAX_REQUEST_BYTES,
    )

    with running_receiver(folder, connection, settings, writing=False) as open_one:
        preflight = httpx.options(f"{open_one.http}/v1/traces", headers=asked)
        refused = open_one.post(b"\xff", origin="https://app.example")
        strange = open_one.post(b"", origin="https://evil.example")

    assert preflight.headers[allowed] == refused.headers[allowed] == "https://app.example"
    assert allowed not in strange.headers
    assert allowed not in receiver.post(b"", origin="https://app.example").headers
