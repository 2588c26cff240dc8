"""Whatever is sent, the answer is one of OTLP's, and nothing half is kept."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import httpx
import pyarrow as pa
from tests.exporter.fuzzing import fuzz

from handspan_exporter.receiver.http import http_app

if TYPE_CHECKING:
    from pathlib import Path

    from handspan_exporter.receiver.ingest import Ingest


def test_damaged_requests_do_no_harm(tmp_path: Path) -> None:
    """5,000 of them: no crash, no hang, no leak, no half of a request; `make soak` runs more."""
    found = fuzz(tmp_path, 5_000, seed=1, said=lambda _line: None)

    # Otherwise the inputs were all too bad, or all too good, to show anything.
    assert found.kept > 300
    assert min(found.answers[code] for code in (200, 400, 413, 415)) > 20


async def test_a_damaged_zstd_body_gives_its_memory_back() -> None:
    """Found by the long run: pyarrow's `read` kept the room for a whole request, each time."""
    never: Ingest = None  # type: ignore[assignment]
    transport = httpx.ASGITransport(http_app(never, max_request_bytes=1 << 20))
    damaged = bytes(pa.compress(bytes(range(256)) * 9, "zstd", asbytes=True))[:-5]
    headers = {"content-type": "application/x-protobuf", "content-encoding": "zstd"}
    async with httpx.AsyncClient(transport=transport, base_url="http://handspan") as client:
        tracemalloc.start()
        answers = [
            (await client.post("/v1/traces", content=damaged, headers=headers)).status_code
            for _ in range(20)
        ]
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert answers == [400] * 20
    assert kept < 5 << 20
