"""The messages of jaeger.storage.v2, made from the numbers of their fields (jaeger-idl v0.6.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import duration_pb2, timestamp_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1 import common_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

PACKAGE: Final = "jaeger.storage.v2"
TRACE_READER: Final = f"{PACKAGE}.TraceReader"
DEPENDENCY_READER: Final = f"{PACKAGE}.DependencyReader"

_SCALARS: Final = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
}
_TIME: Final = ".google.protobuf.Timestamp"
_DURATION: Final = ".google.protobuf.Duration"
_KEY_VALUE: Final = ".opentelemetry.proto.common.v1.KeyValue"
"""Jaeger has a copy of its own, numbered alike."""
_OURS: Final = f".{PACKAGE}."

_FIELDS: Final[dict[str, tuple[tuple[int, str, str], ...]]] = {
    "GetTraceParams": ((1, "trace_id", "bytes"), (2, "start_time", _TIME), (3, "end_time", _TIME)),
    "GetTracesRequest": ((1, "query", f"{_OURS}GetTraceParams*"),),
    "GetServicesResponse": ((1, "services", "string*"),),
    "GetOperationsRequest": ((1, "service", "string"), (2, "span_kind", "string")),
    "Operation": ((1, "name", "string"), (2, "span_kind", "string")),
    "GetOperationsResponse": ((1, "operations", f"{_OURS}Operation*"),),
    "TraceQueryParameters": (
        (1, "service_name", "string"),
        (2, "operation_name", "string"),
        (3, "attributes", f"{_KEY_VALUE}*"),
        (4, "start_time_min", _TIME),
        (5, "start_time_max", _TIME),
        (6, "duration_min", _DURATION),
        (7, "duration_max", _DURATION),
        (8, "search_depth", "int32"),
    ),
    "FindTracesRequest": ((1, "query", f"{_OURS}TraceQueryParameters"),),
    "FoundTraceID": ((1, "trace_id", "bytes"), (2, "start", _TIME), (3, "end", _TIME)),
    "FindTraceIDsResponse": ((1, "trace_ids", f"{_OURS}FoundTraceID*"),),
    "GetDependenciesRequest": ((1, "start_time", _TIME), (2, "end_time", _TIME)),
    "Dependency": (
        (1, "parent", "string"),
        (2, "child", "string"),
        (3, "call_count", "uint64"),
        (4, "source", "string"),
    ),
    "GetDependenciesResponse": ((1, "dependencies", f"{_OURS}Dependency*"),),
}
"""Message -> number, name and type of its fields; a star: repeated."""


def _classes() -> dict[str, type[Message]]:
    pool = DescriptorPool()
    modules = (duration_pb2, timestamp_pb2, common_pb2)
    for module in modules:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    file = FileDescriptorProto(
        name="jaeger_storage_v2.proto",
        package=PACKAGE,
        syntax="proto3",
        dependency=[module.DESCRIPTOR.name for module in modules],
    )
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for number, field, kind in fields:
            message.field.append(_field(number, field, kind))
    pool.Add(file)
    return {
        name: GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in _FIELDS
    }


def _field(number: int, name: str, kind: str) -> FieldDescriptorProto:
    field = FieldDescriptorProto(name=name, number=number)
    many, kind = kind.endswith("*"), kind.removesuffix("*")
    field.label = (
        FieldDescriptorProto.LABEL_REPEATED if many else FieldDescriptorProto.LABEL_OPTIONAL
    )
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, kind
    return field


_MADE = _classes()


def message(name: str) -> Any:  # noqa: ANN401 - made at run time, so without a type of its own
    """Return the class of one message: `message("Operation")(name="chat")`."""
    return _MADE[name]
