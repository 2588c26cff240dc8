"""The embedded store over ClickHouse's HTTP protocol, for reading: what Grafana connects to.

A request is judged by its syntax tree (`judgement`), then runs in a session of its own that the
engine itself holds to reading and to limits (`engine`).
"""
