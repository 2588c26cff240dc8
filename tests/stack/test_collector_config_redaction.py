"""redaction.yaml in the real Collector: what the package's own rules find does not go on."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from stack.collector.redacting import NOT_EXPRESSED, patterns
from tests.end_to_end.processes import wait_for
from tests.stack.collector.branches import texts
from tests.stack.collector.sending import Run, export, export_logs, request, send
from tests.stack.collector.shipped import Shipped

from handspan.redaction_rules import (
    _KEY_IN_TEXT,
    _SENSITIVE_KEY,
    RULES,
    Redactor,
    is_card_number,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

SECRETS = {
    "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "api_key": "sk-abcdefghijklmnopqrstuvwx",
    "aws_key": "AKIAABCDEFGHIJKLMNOP",
    "bearer": "Bearer abcdef1234567890",
    "url_password": "https://ada:hunter2@example.org/x",
    "email": "ada@example.com",
    "card": "4111 1111 1111 1111",
}
"""Rule -> a text that it finds."""

KEYED = (
    "password=hunter2 and more",
    '{"api_key": "hunter2", "city": "Paris"}',
    "{'secret': 'hunter2'}",
    '{\\"password\\": \\"hunter2\\", \\"city\\": \\"Paris\\"}',
)
HARMLESS = ("two words", "max_tokens=12", "Paris, 75001", "gpt-4.1-mini", "a@b")


def test_every_rule_has_a_text_here() -> None:
    """A rule that is added is either said in RE2 and tried below, or named as not expressed."""
    assert {rule.name for rule in RULES} == {*SECRETS, *NOT_EXPRESSED}
    assert len(patterns()) == len(SECRETS) + len(KEYED)


def test_what_our_rules_find_does_not_leave_the_collector(tmp_path: Path) -> None:
    """In attributes, and in those of events; the words around a secret stay as ours leave them."""
    texts = [
        *(f"see {text} here" for text in SECRETS.values()),
        *KEYED,
        *HARMLESS,
    ]
    said: dict[str, Any] = {f"n{number}": text for number, text in enumerate(texts)}
    run = Run(attributes=said | {"db.password": "hunter2"}, events={"said": said})
    file = tmp_path / "spans.json"
    with (
        Shipped("to_file", tmp_path, {"FILE": str(file)}) as backend,
        Shipped("redaction", tmp_path, {"HANDSPAN": backend.address}) as collector,
    ):
        send(collector.address, [run])
        wait_for(lambda: file.read_text(encoding="utf-8").count('"spanId"') == 2, "two spans")
        assert '"error"' not in collector.said, collector.said
    spans = [
        span
        for line in file.read_text(encoding="utf-8").splitlines()
        for resource in json.loads(line)["resourceSpans"]
        for span in resource["scopeSpans"][0]["spans"]
    ]
    (agent,) = [span for span in spans if span.get("parentSpanId")]
    ours = Redactor()
    for attributes in (agent["attributes"], agent["events"][0]["attributes"]):
        found = {one["key"]: one["value"].get("stringValue") for one in attributes}
        assert [found[name] for name in said] == [ours.text(text) for text in texts]
        assert "db.password" not in found
    assert "hunter2" not in file.read_text(encoding="utf-8")


def _of_each_class() -> list[str]:
    """Return a text for each alternative of each rule that is said in RE2, and of each key."""
    made = []
    for rule in RULES:
        found = texts(rule.pattern) if rule.name not in NOT_EXPRESSED else []
        if rule.name == "card":  # its last digit checks the others
            found = [one[:-1] + digit for one in found for digit in "0123456789"]
            found = [one for one in found if is_card_number(one)]
        assert found or rule.name in (*NOT_EXPRESSED, "url_password"), rule.name
        made += found
    return made


def test_every_class_of_secret_is_taken_out_everywhere(tmp_path: Path) -> None:
    """Each issuer's kind of key, each name of a password: read from the rules themselves."""
    secrets = _of_each_class()
    keys = texts(re.compile(_KEY_IN_TEXT.pattern.partition("(?P<mid>")[0], re.IGNORECASE))
    names = texts(_SENSITIVE_KEY)
    assert len(secrets) > 40
    assert len(keys) > 15
    assert len(names) > 30
    said: dict[str, Any] = {f"n{place}": f"see {one} here" for place, one in enumerate(secrets)}
    said |= {f"k{place}": f"x {key}=hunter2" for place, key in enumerate(keys)}
    said |= {f"app.{name}": "hunter2" for name in names}
    said |= {name.replace("_", "-"): "hunter2" for name in names}
    span = Run(attributes=said, events={"said": said}).child()
    span.name = f"call with {SECRETS['api_key']}"
    span.status.message = f"failed for {SECRETS['email']}: token=hunter2"
    whole = request([span])
    of_all = whole.resource_spans[0].resource.attributes
    of_all.add(key="note").value.string_value = f"see {SECRETS['jwt']}, password=hunter2"
    file = tmp_path / "spans.json"
    with (
        Shipped("to_file", tmp_path, {"FILE": str(file)}) as backend,
        Shipped("redaction", tmp_path, {"HANDSPAN": backend.address}) as collector,
    ):
        export(collector.address, whole)
        wait_for(lambda: '"spanId"' in file.read_text(encoding="utf-8"), "the span")
        assert '"error"' not in collector.said, collector.said
    left = file.read_text(encoding="utf-8")
    assert "see [redacted:" in left
    assert "hunter2" not in left
    assert not [one for one in (*secrets, *SECRETS.values()) if json.dumps(one)[1:-1] in left]


def _pairs(said: dict[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in said.items()]


def test_logs_leave_the_collector_without_what_our_rules_find(tmp_path: Path) -> None:
    """In texts, in bodies that are maps, in attributes and of the resource; the rest stays."""
    texts = [*(f"see {text} here" for text in SECRETS.values()), *KEYED, *HARMLESS]
    said = {f"n{number}": text for number, text in enumerate(texts)}
    records = [LogRecord(body=AnyValue(string_value=text)) for text in texts]
    records.append(LogRecord(attributes=_pairs(said | {"db.password": "hunter2"})))
    structured = KeyValueList(values=_pairs(said | {"api_key": "hunter2"}))
    records.append(LogRecord(body=AnyValue(kvlist_value=structured), severity_text="INFO"))
    records.append(LogRecord(body=AnyValue(int_value=12)))
    whole = ExportLogsServiceRequest()
    logged = whole.resource_logs.add()
    logged.resource.attributes.extend(_pairs({"note": texts[0], "app.token": "hunter2"}))
    logged.scope_logs.add(log_records=records)
    file = tmp_path / "logs.json"
    with (
        Shipped("to_file", tmp_path, {"FILE": str(file)}) as backend,
        Shipped("redaction", tmp_path, {"HANDSPAN": backend.address}) as collector,
    ):
        export_logs(collector.address, whole)
        wait_for(lambda: file.read_text(encoding="utf-8").endswith("\n"), "the records")
        assert '"error"' not in collector.said, collector.said
    text = file.read_text(encoding="utf-8")
    (line,) = text.splitlines()
    (left,) = json.loads(line)["resourceLogs"]
    *plain, with_attributes, with_map, number = left["scopeLogs"][0]["logRecords"]
    ours = Redactor()
    assert [one["body"]["stringValue"] for one in plain] == [ours.text(one) for one in texts]
    redacted = {name: ours.text(one) for name, one in said.items()}
    assert _as_dict(with_attributes["attributes"]) == redacted
    assert _as_dict(with_map["body"]["kvlistValue"]["values"]) == redacted
    assert (with_map["severityText"], number["body"]) == ("INFO", {"intValue": "12"})
    assert _as_dict(left["resource"]["attributes"]) == {"note": ours.text(texts[0])}
    assert "hunter2" not in text


def _as_dict(pairs: list[dict[str, Any]]) -> dict[str, str]:
    return {one["key"]: one["value"]["stringValue"] for one in pairs}
