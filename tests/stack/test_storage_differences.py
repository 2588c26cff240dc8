"""What Handspan stores of a request is what the Collector's clickhouseexporter stores of it.

The differences that there are have their reasons in docs/storage_differences.md.
"""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import clickhouse_connect
import grpc
import pytest
from tests.end_to_end.processes import wait_for
from tests.exporter.otlp.samples import logs_request, traces_request

from handspan_exporter import sql
from handspan_exporter.columns import logs, traces
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.signals import LOGS, TRACES
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from handspan_exporter.otlp.signals import Signal

pytestmark = pytest.mark.end_to_end

REQUESTS = 150
EXPORT = "/opentelemetry.proto.collector.{}.v1.{}Service/Export"
SERVICES = {TRACES: ("trace", "Trace"), LOGS: ("logs", "Logs")}
COLUMNS = {TRACES: traces.COLUMNS, LOGS: logs.COLUMNS}
TABLES: dict[Signal, Callable[[pa.RecordBatch], pa.Table]] = {
    TRACES: traces.traces_table,
    LOGS: logs.logs_table,
}
DIFFERENCES = Path(__file__).parents[2] / "docs" / "storage_differences.md"


@pytest.mark.parametrize("signal", [TRACES, LOGS], ids=str)
def test_rows_are_those_of_the_real_collector(
    clickhouse: int, collector: Callable[..., int], signal: Signal
) -> None:
    """Every kind of value in every field, sent to both, read back from the same engine."""
    ours = connect(parse(f"clickhouse://127.0.0.1:{clickhouse}/handspan"))
    theirs = clickhouse_connect.get_client(host="127.0.0.1", port=clickhouse, compress=False)
    theirs.command("CREATE DATABASE IF NOT EXISTS otel")
    port = collector("to_clickhouse.yaml", CLICKHOUSE_PORT=str(clickhouse), COMPRESS="none")
    bodies = _requests(signal)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        export = channel.unary_unary(EXPORT.format(*SERVICES[signal]))
        for body in bodies:
            export(body, timeout=30)
    name = f"otel_{signal}"
    ours.command(sql.load(f"schema/{'0001' if signal is TRACES else '0016'}_{name}"))
    batches = [TABLES[signal](decode(signal, body)) for body in bodies]
    for number, table in enumerate(batches):
        ours.insert(name, table, token=str(number))
    count = sum(table.num_rows for table in batches)

    def arrived() -> bool:
        stored = theirs.query(f"SELECT count() FROM otel.{name}")  # noqa: S608 - our own names
        return bool(stored.result_rows[0][0] == count)

    wait_for(arrived, f"{count} rows of the Collector")
    order = "TraceId, SpanId" if signal is TRACES else "Timestamp"
    columns = ", ".join(f"`{column}`" for column in COLUMNS[signal])
    question = f"SELECT {columns} FROM {{}}.{name} ORDER BY {order}"  # noqa: S608 - as above
    mine = ours.arrow(question.format("handspan")).to_pylist()
    found = theirs.query_arrow(question.format("otel"), use_strings=True).to_pylist()
    ours.close()
    theirs.close()

    seen: set[str] = set()
    for own, other in zip(mine, found, strict=True):
        for column in COLUMNS[signal]:
            _compare(own[column], other[column], column, seen)
    assert seen == _listed(), "docs/storage_differences.md lists all differences and no others"


def _requests(signal: Signal) -> list[bytes]:
    """Return requests whose items have ids or times of their own, to find them again by."""
    chance, now_ns, bodies = random.Random(4), time.time_ns(), []  # noqa: S311 - not for secrets
    for number in range(REQUESTS):
        if signal is TRACES:
            bodies.append(traces_request(chance, now_ns).SerializeToString())
            continue
        request = logs_request(chance, now_ns)
        for place, record in enumerate(request.resource_logs[0].scope_logs[0].log_records):
            moment_ns = now_ns + 1000 * number + place
            record.observed_time_unix_nano = moment_ns + 500_000_000
            record.time_unix_nano = moment_ns if record.time_unix_nano else 0
        bodies.append(request.SerializeToString())
    return bodies


def _compare(own: Any, other: Any, column: str, seen: set[str]) -> None:  # noqa: ANN401
    """Compare two cells; what differs for a known reason is noted in `seen`."""
    if own == other:
        return
    if isinstance(own, str):
        _compare_json(own, other, column, seen)
        return
    assert isinstance(own, list), f"{column}: {own!r} is not {other!r}"
    if own and isinstance(own[0], tuple):
        assert dict(own).keys() == dict(other).keys(), column
        if own != sorted(own):
            seen.add("order of keys")
        pairs = [(dict(own)[key], text) for key, text in other]
    else:
        pairs = list(zip(own, other, strict=True))
    for one, two in pairs:
        _compare(one, two, column, seen)


def _compare_json(own: str, other: str, column: str, seen: set[str]) -> None:
    """Compare the texts of two arrays or maps; nothing else may differ at all."""
    shown = f"{column}: {own!r} is not {other!r}"
    assert own[:1] in ("[", "{"), shown
    if not other:
        assert re.search('"(NaN|-?Infinity)"', own), shown
        seen.add("NaN or infinity in an array or map")
        return
    one, two = json.loads(own), json.loads(other)
    if one != two:
        one = _with_none_for_empty(one)
        seen.add("empty bytes in an array or map")
    # Python finds 2.0 and 2 equal, and JSON's escapes are undone: what is left is a difference.
    assert _with_none_for_empty(two) == one or two == one, shown
    if "\u2028" in own:
        seen.add("U+2028 in an array or map")
    if re.findall(_NUMBER, own) != re.findall(_NUMBER, other):
        seen.add("doubles in an array or map")


_NUMBER = r"(?<=[\[:,])-?[0-9][0-9.e+-]*(?=[\],}])"


def _with_none_for_empty(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_with_none_for_empty(one) for one in value]
    if isinstance(value, dict):
        return {key: _with_none_for_empty(one) for key, one in value.items()}
    return None if value == "" else value


def _listed() -> set[str]:
    """Return the first column of the first table of the page."""
    table = DIFFERENCES.read_text(encoding="utf-8").partition("\n\nNot compared")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")]
    return set(rows[2:])
