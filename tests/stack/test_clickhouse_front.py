"""ClickHouse's HTTP protocol over chdb is good enough for the real clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from tests.end_to_end.processes import wait_for
from tests.stack.clickhouse_front.city_hash import city_hash_128
from tests.stack.spans import send_runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from clickhouse_connect.driver.client import Client

pytestmark = pytest.mark.end_to_end


def connected(port: int, database: str = "default", compress: str = "") -> Client:
    """Return clickhouse-connect's client of a front."""
    return clickhouse_connect.get_client(
        host="127.0.0.1", port=port, database=database, compress=compress or False
    )


@pytest.mark.parametrize("compress", ["none", "lz4", "zstd", "gzip", "deflate"])
def test_the_real_collector_makes_its_tables_and_fills_them(
    clickhouse: int, collector: Callable[..., int], compress: str
) -> None:
    """clickhouse-go checks greeting, blocks and the checksums of frames."""
    ready = connected(clickhouse)
    ready.command("CREATE DATABASE IF NOT EXISTS otel")
    port = collector("to_clickhouse.yaml", CLICKHOUSE_PORT=str(clickhouse), COMPRESS=compress)
    traces = send_runs(port, 20)

    def rows() -> int:
        return int(ready.query("SELECT count() FROM otel.otel_traces").result_rows[0][0])

    wait_for(lambda: rows() == 40, "40 spans")
    found = ready.query("SELECT DISTINCT TraceId FROM otel.otel_traces").result_rows
    ready.close()
    assert {row[0] for row in found} == traces


@pytest.mark.parametrize("compress", ["", "lz4", "zstd", "gzip"])
def test_clickhouse_connect_inserts_a_token_once(clickhouse: int, compress: str) -> None:
    """Settings of a request reach the engine, or a replay would double what it replays."""
    connected(clickhouse).command("CREATE DATABASE shop")
    client = connected(clickhouse, "shop", compress)
    client.command(
        "CREATE TABLE sales (id UInt64, name String) ENGINE = MergeTree ORDER BY id "
        "SETTINGS non_replicated_deduplication_window = 10"
    )
    rows = pa.table({"id": pa.array([1, 2], pa.uint64()), "name": ["one", "two"]})
    for token in ("a", "a", "b"):
        client.insert_arrow("sales", rows, settings={"insert_deduplication_token": token})
    answer = client.query(
        "SELECT name, count() FROM sales WHERE id > {least:UInt64} GROUP BY name",
        parameters={"least": 1},
    )
    assert answer.result_rows == [("two", 2)]
    with pytest.raises(DatabaseError, match="60"):
        client.command("SELECT * FROM nothing_like_it")
    client.close()


@pytest.mark.parametrize(
    ("size", "low", "high"),
    [
        (0, 0x3DF09DFC64C09A2B, 0x3CB540C392E51E29),
        (3, 0x904C24441E897AE0, 0xEAD37D2C71AF49A5),
        (7, 0x2AC1CB1E79A3033E, 0x1A511DB9333E0D88),
        (12, 0x80614FF5054DBF6A, 0x04EEF7733AB7B4C0),
        (16, 0x83EC0FAC4964837B, 0xD275575FABA34852),
        (40, 0x61ECAC9B03CA55B2, 0xF6F6DB9880AD8953),
        (143, 0x68765F177B456740, 0x1F91E1079EBAACCE),
        (144, 0x0CFB04234ADB6409, 0xD4939DF825C31736),
        (300, 0xE710F49384FE1CC7, 0x0E993B126BC2691C),
        (1000, 0x4E88792AB3668956, 0xD4A6210430C810D6),
    ],
)
def test_the_checksum_of_frames_is_cityhash_1_0_2(size: int, low: int, high: int) -> None:
    """Reference values are of the C++ library, for each of its branches."""
    data = bytes(number * 7 % 251 for number in range(size))
    assert city_hash_128(data) == (low, high)
