"""redaction.yaml in the real Collector: what the package's own rules find does not go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from stack.collector.redacting import NOT_EXPRESSED, patterns
from tests.end_to_end.processes import wait_for
from tests.stack.collector.sending import Run, send
from tests.stack.collector.shipped import Shipped

from handspan.redaction_rules import RULES, Redactor

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
