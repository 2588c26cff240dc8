"""What the guide and the README tell people to type, typed: page by page, as it is printed.

Each page gets a machine of its own (see `guide/place.py`) with what a reader of it has: agents in
`my_agents.py`, a certificate, the checkout's files, Jaeger and the Collector on the path, and two
runs whose ids begin as the pages' do. Who runs the other blocks, and which ones nobody runs, is in
`guide/blocks.py`.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from stack.tools import COLLECTOR, JAEGER
from tests.end_to_end.processes import ROOT
from tests.exporter.access.test_doors import Authority
from tests.stack.drawing import tool
from tests.stack.guide.blocks import ELSEWHERE, NOT_RUN, NOT_RUN_BLOCKS, PAGES, blocks, not_run
from tests.stack.guide.place import STAYS, Place

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stack.guide.blocks import Block

pytestmark = pytest.mark.end_to_end

AGENTS = """
import handspan

with handspan.workflow("answer ticket"), handspan.agent("triage"):
    pass
"""
RUNS = """
import time
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider, id_generator
from opentelemetry.sdk.trace.export import SimpleSpanProcessor


class Ids(id_generator.RandomIdGenerator):
    begin = iter(("4bf92f", "7a085f"))

    def generate_trace_id(self):
        return int(next(self.begin) + "3577b34da6a3ce929d0e0e4736", 16)


provider = TracerProvider(id_generator=Ids())
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
for _ in range(2):
    with provider.get_tracer("guide").start_as_current_span(
        "invoke_workflow report",
        attributes={"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "report"},
    ):
        pass
"""
"""Two runs whose ids begin with those that the pages use."""
SEEN = "until handspan runs show 7a085f >/dev/null 2>&1; do sleep 0.2; done"


def walked() -> list[Path]:
    """Return the pages that have something to type, or to run, which no other test does."""
    return [page for page in PAGES if any(mine(block) for block in blocks(page))]


def mine(block: Block) -> bool:
    """Tell whether the walk runs a block, or a line of it."""
    if block.elsewhere or block.why_not or block.language == "yaml":
        return False
    return bool(block.language) or not all(map(not_run, block.lines))


@pytest.mark.parametrize("page", walked(), ids=lambda page: page.stem)
def test_a_page_runs_as_it_is_printed(page: Path, at_work: Path, tmp_path: Path) -> None:
    """Each command ends with 0, each server comes up; nothing but the machine is ours."""
    furnish(tmp_path)
    shutil.copytree(at_work / ".local", tmp_path / ".local", symlinks=True)
    with Place(tmp_path) as place:
        for block in filter(mine, blocks(page)):
            follow(place, block)


def follow(place: Place, block: Block) -> None:
    """Do what a block says."""
    if block.language == "toml":
        (place.folder / block.page.replace(".md", ".toml")).write_text(block.text, encoding="utf-8")
        if block.page == "prices.md":
            place.type("handspan prices check prices.toml")
        return
    lines = [line for line in block.lines if not not_run(line)]
    if block.language == "python":
        (place.folder / "block.py").write_text(block.text, encoding="utf-8")
        lines = ["python block.py"]
    for line in lines:
        if not (STAYS.search(line) or place.left_running or line.startswith("handspan token")):
            place.type("handspan serve --clickhouse-http 127.0.0.1:8123")
        if line.startswith("tar "):
            place.stop("handspan serve")  # as the page says
        place.type(line)


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose store has runs, as a reader who asks has some."""
    home = tmp_path_factory.mktemp("home")
    furnish(home)
    (home / "runs.py").write_text(RUNS, encoding="utf-8")
    over = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"
    with Place(home) as place:
        place.type("handspan serve")
        place.type("python examples/support_team.py --runs 2")
        place.type(f"{over} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf python runs.py")
        place.type(SEEN)
    return home


def furnish(home: Path) -> None:
    """Put into a home what a reader has."""
    (home / "bin").mkdir()
    (home / "bin" / "jaeger").symlink_to(tool(JAEGER))
    (home / "bin" / "otelcol").symlink_to(tool(COLLECTOR))
    for name in ("collector-config", "examples"):
        (home / name).symlink_to(ROOT / name)
    (home / "my_agents.py").write_text(AGENTS, encoding="utf-8")
    Authority(home, "authority").issue("serve", home / "cert.pem", home / "key.pem")


def test_every_block_is_run_somewhere_or_has_a_reason() -> None:
    """A block that is added to a page is run from then on, or somebody says why not."""
    of_pages = [block for page in PAGES for block in blocks(page)]
    assert len(of_pages) > 60
    languages = {block.language for block in of_pages}
    assert languages <= {"", "python", "yaml", "toml"}
    forgotten = [
        (block.page, block.language, block.number)
        for block in of_pages
        if block.language == "yaml" and not block.elsewhere and not block.why_not
    ]
    assert forgotten == []


def test_what_is_said_of_blocks_is_true_of_some() -> None:
    """A reason for a block that is gone, or a test that is gone, is a lie."""
    of_pages = [block for page in PAGES for block in blocks(page)]
    lines = [line for block in of_pages if not block.language for line in block.lines]
    assert [one for one in NOT_RUN if not any(re.match(one, line) for line in lines)] == []
    known = {(block.page, block.language, block.number) for block in of_pages}
    assert set(NOT_RUN_BLOCKS) <= known
    for page, tests in ELSEWHERE.items():
        for language, test in tests.items():
            assert (page, language) in {(block.page, block.language) for block in of_pages}
            assert (ROOT / test.split(":")[0]).is_file()
