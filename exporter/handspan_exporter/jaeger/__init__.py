"""Jaeger's remote-storage service (jaeger.storage.v2): how the real Jaeger reads Handspan's spans.

`server` answers the calls, `messages` are what they say, `reader` asks the store, `rows` makes OTLP
of what it answers, `kinds` knows which attributes are no strings.
"""
