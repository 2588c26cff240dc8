"""Writer, processor, facts and KPIs on a ClickHouse server of the newest version.

The tests of the exporter once more, a few of each stage, over HTTP. tests/stack has nearly all of
them on the oldest version; the embedded engine has all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.conftest import SERVER
from tests.end_to_end.processes import ROOT
from tests.stack.clickhouse_front.process import fronting

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

STAGES = {
    "writer/test_writer.py": (
        "test_a_request_becomes_rows_of_three_tables",
        "test_an_end_between_two_inserts_doubles_nothing",
        "test_rows_whose_token_is_known_but_that_are_not_there_are_inserted_again",
        "test_spans_of_many_days_are_stored_at_once",
    ),
    "writer/test_logs.py": ("test_what_a_killed_process_left_is_stored_once",),
    "test_facts.py": (
        "test_each_handoff_takes_the_next_unmatched_run_of_its_target",
        "test_a_late_span_changes_its_run",
    ),
    "test_processor.py": (
        "test_a_run_is_there_one_tick_after_its_root",
        "test_what_waits_at_a_kill_is_computed_by_the_next_process",
    ),
    "answers/test_kpi_examples.py": ("test_a_worked_example_is_what_the_file_answers",),
}
"""What it is about -> tests that touch what differs between the dialects: how rows, times,
decimals and parameters travel, temporary tables of a session, tokens."""


def test_a_server_of_the_newest_version_does_what_the_embedded_engine_does(tmp_path: Path) -> None:
    """A statement or a type that only one of the two understands would stop somebody's service."""
    told = [f"tests/exporter/{file}::{test}" for file, tests in STAGES.items() for test in tests]
    with fronting(tmp_path / "data") as port:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *told],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=os.environ | {SERVER: f"clickhouse://127.0.0.1:{port}/handspan"},
        )
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]
