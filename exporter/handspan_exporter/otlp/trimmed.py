"""OTLP's own message types, cut down to what the tables hold.

Made from the descriptors of opentelemetry-proto, so that a field's number and type are written
by OpenTelemetry alone. Two things differ:

- Numbers that no column holds are gone. Texts and messages that none holds stay: whether they
  are sound decides whether protobuf takes the request.
- An attribute's value stays raw bytes (`AnyValue` is recursive, which Arrow cannot be, and nine in
  ten values are short strings that are cheaper to slice than to take apart; see `any_value`).
  It is repeated, because protobuf merges a value that stands twice, and to merge messages is to
  join their bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

    from handspan_exporter.otlp.signals import Signal

_KEPT = {
    "ExportTraceServiceRequest": ("resource_spans",),
    "ResourceSpans": ("resource", "scope_spans", "schema_url"),
    "ScopeSpans": ("scope", "spans", "schema_url"),
    "Span": (
        "trace_id",
        "span_id",
        "trace_state",
        "parent_span_id",
        "name",
        "kind",
        "start_time_unix_nano",
        "end_time_unix_nano",
        "attributes",
        "events",
        "links",
        "status",
    ),
    "Event": ("time_unix_nano", "name", "attributes"),
    "Link": ("trace_id", "span_id", "trace_state", "attributes"),
    "Status": ("message", "code"),
    "ExportLogsServiceRequest": ("resource_logs",),
    "ResourceLogs": ("resource", "scope_logs", "schema_url"),
    "ScopeLogs": ("scope", "log_records", "schema_url"),
    "LogRecord": (
        "time_unix_nano",
        "observed_time_unix_nano",
        "severity_number",
        "severity_text",
        "body",
        "attributes",
        "flags",
        "trace_id",
        "span_id",
        "event_name",
    ),
    "Resource": ("attributes", "entity_refs"),
    "EntityRef": ("schema_url", "type", "id_keys", "description_keys"),
    "InstrumentationScope": ("name", "version", "attributes"),
    "KeyValue": ("key", "value"),
}
"""Message -> its fields that are kept."""


def request_type(signal: Signal) -> Descriptor:
    """Return the trimmed request of a signal, in a descriptor pool of its own."""
    pool = DescriptorPool()
    for module in signal.modules:
        file = FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        pool.Add(_trimmed_file(file))
    return pool.FindMessageTypeByName(signal.request.DESCRIPTOR.full_name)


def _trimmed_file(file: FileDescriptorProto) -> FileDescriptorProto:
    messages = [_trimmed(message) for message in file.message_type if message.name in _KEPT]
    del file.message_type[:], file.service[:]
    file.message_type.extend(messages)
    return file


def _trimmed(message: DescriptorProto) -> DescriptorProto:
    nested = [_trimmed(inner) for inner in message.nested_type if inner.name in _KEPT]
    fields = [_plain(field) for field in message.field if field.name in _KEPT[message.name]]
    return DescriptorProto(name=message.name, field=fields, nested_type=nested)


def _plain(field: FieldDescriptorProto) -> FieldDescriptorProto:
    """Enums become their numbers, so that a number nobody knows yet is no error."""
    if field.type_name.endswith(".AnyValue"):
        field.type = FieldDescriptorProto.TYPE_BYTES
        field.label = FieldDescriptorProto.LABEL_REPEATED
        field.ClearField("type_name")
    elif field.type == FieldDescriptorProto.TYPE_ENUM:
        field.type = FieldDescriptorProto.TYPE_INT32
        field.ClearField("type_name")
    return field
