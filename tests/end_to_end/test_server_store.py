"""`handspan serve` on a ClickHouse server: over HTTP, as most users of one run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.end_to_end.processes import Service, handspan, wait_for
from tests.end_to_end.test_serve import grpc, record, total
from tests.stack.clickhouse_front.process import fronting

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.end_to_end


def test_spans_become_kpis_on_a_server_and_outlive_a_killed_service(tmp_path: Path) -> None:
    """Ingest, facts, KPIs, kill, restart, rebuild: the whole way, in the other dialect."""
    with fronting(tmp_path / "data", "--password", "secret") as port:
        store = f"clickhouse://someone:secret@127.0.0.1:{port}/handspan"
        journal = ("--journal", str(tmp_path / "journal"))
        service = Service(tmp_path, journal, server=store)
        service.start()
        first = record(grpc(service), runs=3)
        wait_for(lambda: total(service, "workflow_success_ratio")["n"] == 3, "three runs")
        second = record(grpc(service), runs=2)
        service.kill()

        service.start()
        before = wait_for(
            lambda: (row := total(service, "workflow_success_ratio"))["n"] == 5 and row, "all"
        )
        assert {run["run_id"] for run in service.ask("runs")["runs"]} == {*first, *second}
        code, said = service.stop()
        assert code == 0, said
        assert "secret" not in said

        ended = handspan("rebuild", "--store", store)
        assert "10 spans read again" in ended.stdout, ended.stderr
        doctor = handspan("doctor", "--store", store)
        assert "is this version's" in doctor.stdout
        service.start()
        assert total(service, "workflow_success_ratio") == before
        code, said = service.stop()
        assert code == 0, said


def test_a_cluster_does_what_one_server_does(tmp_path: Path) -> None:
    """Every statement goes through Distributed tables; the cluster has but one shard."""
    with fronting(tmp_path / "data", "--cluster", "main") as port:
        store = f"clickhouse://127.0.0.1:{port}/handspan?cluster=main"
        service = Service(tmp_path, ("--journal", str(tmp_path / "journal")), server=store)
        service.start()
        traces = record(grpc(service), runs=4)
        before = wait_for(
            lambda: (row := total(service, "workflow_success_ratio"))["n"] == 4 and row, "four"
        )
        assert {run["run_id"] for run in service.ask("runs")["runs"]} == set(traces)
        code, said = service.stop()
        assert code == 0, said
        ended = handspan("rebuild", "--store", store)
        assert "8 spans read again" in ended.stdout, ended.stderr
        service.start()
        assert total(service, "workflow_success_ratio") == before
        code, said = service.stop()
        assert (code, "late" in said) == (0, False), said


def test_nothing_is_made_on_a_server_by_a_question(tmp_path: Path) -> None:
    """A wrong database in a DSN is told, and stays absent."""
    with fronting(tmp_path / "data") as port:
        store = f"clickhouse://127.0.0.1:{port}/mistyped"
        for command in ("rebuild", "runs list", "kpi", "doctor"):
            ended = handspan(*command.split(), "--store", store)
            assert ended.returncode == 1, command
            assert "mistyped" in ended.stdout + ended.stderr, command
            assert "Traceback" not in ended.stderr
        ended = handspan("serve", "--store", f"{store}?tls_on=1")
        assert (ended.returncode, "tls_on" in ended.stderr) == (2, True)
