"""OTLP: from the bytes on the wire to Arrow, a whole request at a time."""
