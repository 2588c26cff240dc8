"""ClickHouse's HTTP protocol in front of chdb: what a real ClickHouse server would be here.

Enough of it for clickhouse-go (the Collector's exporter), clickhouse-connect and rotel: Native
blocks, parameters, settings, and the compressions that they use. Every statement is executed by
the real engine; nothing is answered from a script but clickhouse-go's greeting (`native`).
"""
