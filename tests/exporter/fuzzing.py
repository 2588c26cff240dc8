"""Thousands of damaged requests through the real doors' code, in this process.

`python -m tests.exporter.fuzzing 100000` is the long run of `make soak`; the suite runs 5,000.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gzip
import json
import random
import re
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from google.protobuf.json_format import MessageToDict
from tests.exporter.otlp.mutations import mutated
from tests.exporter.otlp.samples import logs_request, traces_request

from handspan_exporter.journal.journal import Journal
from handspan_exporter.journal.records import bodies
from handspan_exporter.otlp.decode import decode_segment
from handspan_exporter.otlp.levels import item_count
from handspan_exporter.otlp.signals import LOGS, TRACES
from handspan_exporter.receiver.http import http_app
from handspan_exporter.receiver.ingest import Ingest
from handspan_exporter.settings import Settings
from handspan_exporter.telemetry import LOGS_ACCEPTED, SPANS_ACCEPTED, Counters

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message, Scope

    from handspan_exporter.otlp.signals import Signal

MOST_BYTES = 1 << 18
"""Of a request: small, so that bombs are cheap to make."""
MOST_GROWTH_BYTES = 32 << 20
"""Of this process's memory from the first tenth to the end."""
_ALLOWED = frozenset({200, 400, 413, 415})
_SLOWEST_S = 10.0
"""One request may take so long on a busy machine; a hang takes longer."""


@dataclass
class Found:
    """What a run has seen."""

    answers: Counter[int] = field(default_factory=Counter)
    kept: int = 0
    """Requests in the journal: those with an item that was acknowledged."""
    slowest_s: float = 0.0
    growth_bytes: int = 0


class _Writer:
    """Takes what is journalled; the store has no part in this."""

    def hand(self, segment: object, batch: pa.RecordBatch) -> None:
        """Forget it."""


def fuzz(folder: Path, inputs: int, seed: int, said: Callable[[str], None]) -> Found:
    """Send so many inputs and check each answer, the journal and the memory.

    Raises:
        AssertionError: something is wrong; the text has the seed and number of the input.
    """
    counters, found = Counters(), Found()
    # One huge segment per signal: what is acknowledged is compared with what is there.
    journal = Journal(folder, max_bytes=1 << 30, segment_spans=1 << 30, counters=counters)
    ingest = Ingest(journal, _Writer(), Settings(), counters=counters)  # type: ignore[arg-type]
    app = http_app(ingest, max_request_bytes=MOST_BYTES)

    async def send_all() -> None:
        early_bytes = 0
        for number in range(inputs):
            await _send_one(app, random.Random(f"{seed} {number}"), found, f"{seed} {number}")  # noqa: S311 - not for secrets
            if number == inputs // 10:
                early_bytes = resident_bytes()
            if number % 5_000 == 4_999:
                said(f"{number + 1} inputs, {dict(found.answers)}, {resident_bytes() >> 20} MiB")
        found.growth_bytes = resident_bytes() - early_bytes

    asyncio.run(send_all())
    _check_journal(journal, counters, found)
    assert found.growth_bytes < MOST_GROWTH_BYTES, f"{found.growth_bytes} bytes are not given back"
    return found


async def _send_one(app: Any, chance: random.Random, found: Found, name: str) -> None:  # noqa: ANN401
    signal, headers, body = _input(chance)
    began_s = time.perf_counter()
    code, answer = await _asked(app, f"/v1/{signal}", headers, body, chance)
    found.slowest_s = max(found.slowest_s, time.perf_counter() - began_s)
    found.answers[code] += 1
    assert code in _ALLOWED, f"input {name} is answered {code}: {answer[:300]!r}"
    assert found.slowest_s < _SLOWEST_S, f"input {name} took {found.slowest_s} s"


def _input(chance: random.Random) -> tuple[Signal, dict[str, str], bytes]:
    """Return signal, headers and body: damaged before or after it was packed, or not at all."""
    signal = chance.choice((TRACES, LOGS))
    make = traces_request if signal is TRACES else logs_request
    message = make(chance, time.time_ns())
    in_json = chance.random() < 0.3
    body = _as_json(message) if in_json else message.SerializeToString()
    kind = chance.random()
    if kind < 0.7:
        body = mutated(body, chance)
    elif kind < 0.8:
        body = chance.randbytes(chance.randrange(200))
    elif kind < 0.82:
        body = b"[" * chance.randrange(200_000) if in_json else bytes(MOST_BYTES * 3)
    encoding, pack = chance.choice(_PACKINGS)
    body = pack(body)
    if chance.random() < 0.1:
        body = mutated(body, chance)
    headers = {"content-type": f"application/{'json' if in_json else 'x-protobuf'}"}
    return signal, headers | ({"content-encoding": encoding} if encoding else {}), body


_PACKINGS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("", bytes),
    ("", bytes),
    ("", bytes),
    ("gzip", lambda body: gzip.compress(body, 1)),
    ("deflate", zlib.compress),
    ("zstd", lambda body: bytes(pa.compress(body, "zstd", asbytes=True))),
    ("br", bytes),
)


def _as_json(message: Any) -> bytes:  # noqa: ANN401
    """Return protobuf's JSON with its base64 ids turned into OTLP's hex."""
    text = json.dumps(MessageToDict(message, use_integers_for_enums=True))
    return re.sub(
        r'"(traceId|spanId|parentSpanId)": "([^"]*)"',
        lambda found: f'"{found[1]}": "{base64.b64decode(found[2]).hex()}"',
        text,
    ).encode()


async def _asked(
    app: Any,  # noqa: ANN401
    path: str,
    headers: dict[str, str],
    body: bytes,
    chance: random.Random,
) -> tuple[int, bytes]:
    """Call the application as its server does, the body in one piece or in two."""
    cut = chance.randrange(len(body) + 1)
    chunks = [(body[:cut], True), (body[cut:], False)]
    sent: list[Message] = []

    async def receive() -> Message:
        chunk, more = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": raw,
        "http_version": "1.1",
        "scheme": "http",
        "client": None,
        "server": ("127.0.0.1", 4318),
        "root_path": "",
    }
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


def _check_journal(journal: Journal, counters: Counters, found: Found) -> None:
    """Every acknowledged item is there, nothing else is, and all of it can be decoded."""
    journal.roll()
    items: Counter[Signal] = Counter()
    while (segment := journal.oldest()) is not None:
        _, whole = bodies(segment.path.read_bytes())
        assert whole == segment.path.stat().st_size, "half a request is stored"
        batch = decode_segment(segment.signal, segment.path)
        assert batch.num_rows == segment.records
        found.kept += segment.records
        items[segment.signal] += item_count(batch)
        journal.remove(segment)
    assert items[TRACES] == counters.total(SPANS_ACCEPTED)
    assert items[LOGS] == counters.total(LOGS_ACCEPTED)


def resident_bytes() -> int:
    """Return how much memory this process has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def main() -> None:
    """Run as many inputs as asked for, telling how far it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", type=int)
    parser.add_argument("--seed", type=int, default=20261121)
    given = parser.parse_args()
    began_s = time.monotonic()

    def said(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began_s:6.0f} s  {line}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as folder:
        found = fuzz(Path(folder), given.inputs, given.seed, said)
    said(
        f"{given.inputs} inputs of seed {given.seed}: answers {dict(found.answers)}, "
        f"{found.kept} kept, slowest {found.slowest_s * 1e3:.0f} ms, "
        f"memory grew by {found.growth_bytes >> 20} MiB"
    )


if __name__ == "__main__":
    main()
