"""The gRPC health service, as load balancers and orchestrators ask it.

`Watch` is not offered: each watcher would hold one of the threads that requests need. The
protocol says that a client then takes the server for healthy.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "grpc.health.v1"
_SERVING = 1


def health_handler(services: frozenset[str]) -> grpc.GenericRpcHandler:
    """Return the handler; it knows the whole server, named '', and these services."""
    request, response = _messages()
    serving: bytes = response(status=_SERVING).SerializeToString()

    def check(body: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            name = request.FromString(body).service
        except DecodeError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        if name and name not in services:
            context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {name}")
        return serving

    method = grpc.unary_unary_rpc_method_handler(check)
    return grpc.method_handlers_generic_handler(f"{_PACKAGE}.Health", {"Check": method})


def _messages() -> tuple[Any, Any]:
    """Return `HealthCheckRequest` and `HealthCheckResponse`: one field each."""
    file = FileDescriptorProto(name="health.proto", package=_PACKAGE, syntax="proto3")
    fields = {
        "HealthCheckRequest": ("service", FieldDescriptorProto.TYPE_STRING),
        # An enum on the wire is an int32, and this one only ever says SERVING.
        "HealthCheckResponse": ("status", FieldDescriptorProto.TYPE_INT32),
    }
    for name, (field, kind) in fields.items():
        one = FieldDescriptorProto.LABEL_OPTIONAL
        file.message_type.add(name=name).field.add(name=field, number=1, type=kind, label=one)
    pool = DescriptorPool()
    pool.Add(file)
    found = [pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in fields]
    return GetMessageClass(found[0]), GetMessageClass(found[1])
