"""OTLP in: over gRPC and HTTP, acknowledged once it is on disk."""
