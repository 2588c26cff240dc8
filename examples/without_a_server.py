"""Spans straight into the embedded store, without `handspan serve`, and read back.

pip install 'handspan[server,embedded]'
python examples/without_a_server.py
"""

from __future__ import annotations

import tempfile

import handspan
from handspan_exporter import ClickHouseSpanExporter
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse

QUESTION = """
SELECT kind, name, agent, input_tokens, output_tokens
FROM agent_spans FINAL ORDER BY started_at, duration_ns DESC
"""


def work() -> None:
    """Do what an agent program does, on paper."""
    with handspan.workflow("answer ticket"), handspan.agent("triage"):
        with handspan.llm("gpt-4.1-mini", provider="openai") as call:
            call.usage(input_tokens=900, output_tokens=40)
        with handspan.handoff("triage", "writer", reason="needs an answer"):
            pass


def main() -> None:
    """Record into a store of its own, then ask it."""
    with tempfile.TemporaryDirectory() as folder:
        exporter = ClickHouseSpanExporter(f"chdb://{folder}")
        handspan.configure(service_name="notebook", exporter=exporter)
        work()
        handspan.flush()
        exporter.shutdown()  # an embedded store has one owner at a time
        print("dropped:", exporter.dropped)
        store = connect(parse(f"chdb://{folder}"))
        for row in store.rows(QUESTION):
            print(row)
        store.close()


if __name__ == "__main__":
    main()
