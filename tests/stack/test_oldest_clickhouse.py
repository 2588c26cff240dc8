"""The oldest ClickHouse that Handspan supports runs every statement that it must run.

The tests of the exporter once more, on a server of that version: schema and migrations, inserts
that are repeated after a crash, every fact, every KPI, its history and a rebuild.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from stack.tools import OLDEST_CLICKHOUSE, Missing
from tests.conftest import SERVER
from tests.end_to_end.processes import ROOT
from tests.stack.clickhouse_front.process import fronting

from handspan_exporter.store.connection import OLDEST, connect
from handspan_exporter.store.dsn import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.end_to_end

AREAS = {
    "schema": ("store/test_migrate.py",),
    "store": ("store/test_contract.py", "-k", "not server and not session"),
    "writer": ("writer/test_writer.py", "writer/test_logs.py"),
    "facts": ("test_facts.py", "test_faults.py", "test_coordination.py", "test_prices.py"),
    "processor": ("test_processor.py", "test_processor_rebuild.py", "test_history.py"),
    "kpis": ("answers/test_kpi_examples.py", "answers/test_kpi_files.py"),
    "runs": ("answers/test_runs.py", "answers/test_run_lists.py"),
}
"""What it is about -> what pytest is told. This engine has one session for all clients, so that
temporary tables of two cannot be told apart."""


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the DSN of a server of the oldest version."""
    try:
        python = OLDEST_CLICKHOUSE.require()
    except Missing as missing:
        pytest.fail(str(missing))
    with fronting(tmp_path_factory.mktemp("oldest") / "data", python=python) as port:
        yield f"clickhouse://127.0.0.1:{port}/handspan"


def test_it_is_the_version_that_the_documentation_names(oldest: str) -> None:
    """Otherwise these tests would prove something about another one."""
    connection = connect(parse(oldest))
    (row,) = connection.rows("SELECT version() AS version")
    connection.close()

    assert row["version"].split(".")[:2] == [str(number) for number in OLDEST]


@pytest.mark.parametrize("area", AREAS)
def test_the_oldest_version_does_what_the_newest_does(oldest: str, area: str) -> None:
    """A statement that only a newer version understands would stop somebody's service."""
    told = [f"tests/exporter/{one}" if ".py" in one else one for one in AREAS[area]]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *told],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {SERVER: oldest},
    )
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]
