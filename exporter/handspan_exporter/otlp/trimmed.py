"""OTLP's own message types, cut down to what the tables hold.

Made at import from the descriptors of opentelemetry-proto, so that a field's number and type are
written by OpenTelemetry alone. Two things differ: fields that no column holds are gone, and an
attribute's value stays raw bytes (`AnyValue` is recursive, which Arrow cannot be, and nine in ten
values are short strings that are cheaper to slice than to take apart; see `any_value`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

_KEPT = {
    "ExportTraceServiceRequest": ("resource_spans",),
    "ResourceSpans": ("resource", "scope_spans"),
    "Resource": ("attributes",),
    "ScopeSpans": ("scope", "spans"),
    "InstrumentationScope": ("name", "version"),
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
    "KeyValue": ("key", "value"),
}
"""Message -> its fields that reach a column."""


def traces_request() -> Descriptor:
    """Return the trimmed `ExportTraceServiceRequest`, in a descriptor pool of its own."""
    pool = DescriptorPool()
    for module in (common_pb2, resource_pb2, trace_pb2, trace_service_pb2):
        file = FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        pool.Add(_trimmed_file(file))
    return pool.FindMessageTypeByName(
        trace_service_pb2.ExportTraceServiceRequest.DESCRIPTOR.full_name
    )


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
        field.ClearField("type_name")
    elif field.type == FieldDescriptorProto.TYPE_ENUM:
        field.type = FieldDescriptorProto.TYPE_INT32
        field.ClearField("type_name")
    return field
