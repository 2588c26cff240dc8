"""Takes what a framework emits and writes it as OTLP in JSON, the same at every recording.

Runs in a framework's environment: of other packages it imports only the OpenTelemetry SDK.
"""

from __future__ import annotations

import base64
import json
import re
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH_NS: Final = 1_767_225_600_000_000_000
"""2026-01-01: when every recording begins. Times between are as they were."""

_LONGEST: Final = 200
_LONGEST_READ: Final = 1000
"""Characters of a text that are kept; more of the few attributes that are read as JSON."""

_READ: Final = {"metadata"}

_LEFT_OUT: Final = {"exception.stacktrace": "left out"}
_UUID: Final = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b")
_HASH: Final = re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{16,64}\b")
_ADDRESS: Final = re.compile(r"\b0x[0-9a-f]{6,}\b|(?<=\bid=)[0-9]{10,}\b")
_PATH: Final = re.compile(r"(?:/[\w.+@-]+){2,}/?")


class Recorder:
    """A provider whose spans are kept, and what becomes of them."""

    def __init__(self, service: str) -> None:
        """Make the provider; `service` is the recording's `service.name`."""
        self._exporter = _Kept()
        self.provider = TracerProvider(resource=Resource({"service.name": service}))
        self._began: dict[str, int] = {}
        self._service = service

    def begin(self, ending: str) -> None:
        """Say that another ending of the story begins."""
        self._began[ending] = time.time_ns()

    def install(self) -> None:
        """Keep the spans as they are now: after processors that rewrite them."""
        self.provider.add_span_processor(self.processor())

    def processor(self) -> SimpleSpanProcessor:
        """Return one more way into the recording, for a framework with a provider of its own."""
        return SimpleSpanProcessor(self._exporter)

    def lines(self, versions: dict[str, str]) -> list[str]:
        """Return a line on the recording itself, and an OTLP request in JSON per span.

        Children come before their parents, as in life.
        """
        self.provider.force_flush()
        spans = self._exporter.get_finished_spans()
        scrub = _Scrub(self._service, min(self._began.values()))
        began = {name: scrub.moment(at_ns) for name, at_ns in self._began.items()}
        for span in sorted(spans, key=lambda span: span.start_time or 0):
            context = span.get_span_context()
            assert context is not None  # noqa: S101 - it has finished
            scrub.known(f"{context.trace_id:032x}", f"{context.span_id:016x}")
        told = [scrub.clean(MessageToDict(encode_spans([one]))) for one in spans]
        return [json.dumps(one) for one in ({"versions": versions, "endings": began}, *told)]


class _Kept(InMemorySpanExporter):
    """Keeps spans also after a framework has shut its provider down."""

    def shutdown(self) -> None:
        """Go on."""


class _Scrub:
    """Replaces what differs from machine to machine and from run to run."""

    def __init__(self, service: str, began_ns: int) -> None:
        self._began_ns = began_ns
        self._prefix = f"{zlib.crc32(service.encode()):08x}"
        self._numbers: dict[str, str] = {}

    def known(self, *ids: str) -> None:
        """Number the ids in the order in which they are told."""
        for one in ids:
            self._number(one, len(one))

    def clean(self, message: Any, key: str = "") -> Any:  # noqa: ANN401 - JSON
        """Return a message without this machine in it."""
        if isinstance(message, dict):
            if "key" in message and message["key"] in _LEFT_OUT:
                return {"key": message["key"], "value": {"stringValue": _LEFT_OUT[message["key"]]}}
            longest = _LONGEST_READ if message.get("key") in _READ else _LONGEST
            return {
                name: _cut(self.clean(value, name), longest if name == "value" else _LONGEST_READ)
                for name, value in message.items()
            }
        if isinstance(message, list):
            return [self.clean(one) for one in message]
        return self._rules().get(key, self._text)(message)

    def _rules(self) -> dict[str, Callable[[Any], Any]]:
        ids, times = self._id, self._time
        return {
            "traceId": ids,
            "spanId": ids,
            "parentSpanId": ids,
            "startTimeUnixNano": times,
            "endTimeUnixNano": times,
            "timeUnixNano": times,
            "intValue": lambda value: value,
            "doubleValue": lambda value: value,
        }

    def _id(self, value: str) -> str:
        raw = base64.b64decode(value).hex()
        return self._number(raw, len(raw))

    def moment(self, at_ns: int) -> int:
        """Return a time as if the recording had begun at `EPOCH_NS`."""
        return EPOCH_NS + at_ns - self._began_ns

    def _time(self, value: str) -> str:
        return str(self.moment(int(value)))

    def _text(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(value, str):
            return value
        value = _UUID.sub(lambda found: self._uuid(found[0]), value)
        value = _HASH.sub(lambda found: self._number(found[0], len(found[0])), value)
        value = _ADDRESS.sub("0x0", value)
        return _PATH.sub(lambda found: f"/{Path(found[0]).name}", value)

    def _uuid(self, value: str) -> str:
        plain = self._number(value.replace("-", ""), 32)
        dashed = "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
        return dashed if "-" in value else plain

    def _number(self, value: str, digits: int) -> str:
        # Traces of two recordings lie in one store: theirs begin differently.
        prefix = self._prefix if digits == 32 else ""
        fresh = f"{prefix}{len(self._numbers) + 1:0{digits - len(prefix)}x}"
        return self._numbers.setdefault(value, fresh)


def _cut(value: Any, longest: int) -> Any:  # noqa: ANN401 - JSON
    """Return a text, or the text in an attribute's value, without its end."""
    if isinstance(value, str):
        return value[:longest]
    if isinstance(value, dict) and isinstance(value.get("stringValue"), str):
        return {"stringValue": value["stringValue"][:longest]}
    return value
