"""The real clickhouse-go, with the options of Grafana's plugin, reads what `serve` has stored."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from stack.tools import CLICKHOUSE_GO, Missing
from tests.end_to_end.processes import Service, free_port, wait_for
from tests.stack.spans import send_runs

from handspan_exporter.access.tokens import TokenFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def program() -> Path:
    """Return the program with clickhouse-go in it."""
    try:
        return CLICKHOUSE_GO.require()
    except Missing as missing:
        pytest.fail(str(missing))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, set[str]]]:
    """Return where a `serve` with three runs answers readers, a token, and the traces' ids."""
    folder, port = tmp_path_factory.mktemp("reader"), free_port()
    tokens = TokenFile(folder / "tokens.json")
    token = tokens.add("grafana", ("read",))
    one = Service(folder, ["--clickhouse-http", f"127.0.0.1:{port}"])
    one.start()
    traces = send_runs(one.grpc, 3)
    wait_for(lambda: one.ask("health")["spans"] == 6, "6 spans")
    yield f"127.0.0.1:{port}", token, traces
    code, output = one.stop()
    assert code == 0, output


def read(
    program: Path, address: str, token: str, statement: str, compression: str = "gzip"
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [program, address, compression, token, statement],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def rows(done: subprocess.CompletedProcess[str]) -> list[list[Any]]:
    """Return what the program printed."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate", "br", "lz4", "zstd"])
def test_clickhouse_go_reads_traces_in_every_compression(
    program: Path, address: tuple[str, str, set[str]], compression: str
) -> None:
    """The client checks greeting, blocks, and the checksums of frames."""
    where, token, traces = address
    found = rows(
        read(
            program,
            where,
            token,
            "SELECT TraceId, SpanName, Duration, Timestamp, SpanAttributes, Events.Name "
            "FROM otel_traces WHERE ParentSpanId = ''",
            compression,
        )
    )
    assert {row[0] for row in found} == traces
    assert {row[1] for row in found} == {"invoke_workflow sale"}
    assert {row[4]["gen_ai.operation.name"] for row in found} == {"invoke_workflow"}


def test_many_blocks_arrive_whole(program: Path, address: tuple[str, str, set[str]]) -> None:
    """An answer of several blocks and frames."""
    where, token, _ = address
    statement = "SELECT number, toString(number) FROM numbers(200000)"
    found = rows(read(program, where, token, statement, "lz4"))
    assert len(found) == 200_000
    assert found[-1] == [199_999, "199999"]


def test_clickhouse_go_hears_the_refusal(program: Path, address: tuple[str, str, set[str]]) -> None:
    """What Grafana shows in a panel is the text of the error."""
    where, token, _ = address
    for shown, statement, said in (
        (token, "INSERT INTO otel_traces (SpanName) VALUES ('x')", "READONLY"),
        (token, "SELECT file('/etc/hostname')", "the function file is not offered here"),
        (token, "SELECT * FROM nothing_like_it", "UNKNOWN_TABLE"),
        ("wrong", "SELECT 1", "AUTHENTICATION_FAILED"),
    ):
        done = read(program, where, shown, statement)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
