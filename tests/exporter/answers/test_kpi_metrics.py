"""KPIs at /metrics, for whoever asks for them by setting."""

from __future__ import annotations

import http.client
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.exporter.answers import team

from handspan_exporter.errors import UsageError
from handspan_exporter.settings import Settings
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.kpi_metrics import KpiMetrics
from handspan_exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exporter.answers.facts import Facts

_SECOND_NS = 10**9


class Clock:
    """A clock that stands until it is moved."""

    now_ns = team.NOW_NS

    def __call__(self) -> int:
        """Return the moment at which it stands."""
        return self.now_ns


@contextmanager
def scraped(facts: Facts, clock: Clock, **settings: object) -> Iterator[Server]:
    """Serve the team's facts with these settings."""
    server = Server(
        facts.dsn,
        Settings(web="127.0.0.1:0", **settings),  # type: ignore[arg-type]
        Counters(),
        clock_ns=clock,
    )
    server.start()
    yield server
    server.stop()


def metrics(server: Server) -> list[str]:
    """Return the lines of /metrics that tell KPIs."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return [line for line in text.splitlines() if line.startswith("handspan_kpi_")]


def test_no_kpi_is_told_unless_asked_for(facts: Facts) -> None:
    """A scrape is cheap and small by default."""
    team.insert(facts)
    with scraped(facts, Clock()) as server:
        assert metrics(server) == []


def test_a_kpi_is_told_in_total_and_by_group(facts: Facts) -> None:
    """With the units that Prometheus writes, and n beside it."""
    team.insert(facts)
    with scraped(
        facts, Clock(), metrics_kpis="total, agent", metrics_kpi_window_s=7200.0
    ) as server:
        lines = metrics(server)
    assert 'handspan_kpi_workflow_success_ratio{by="total",group=""} 0.5' in lines
    assert 'handspan_kpi_workflow_success_ratio_n{by="total",group=""} 2.0' in lines
    assert 'handspan_kpi_workflow_duration_p50_seconds{by="total",group=""} 1.5' in lines
    assert any(
        line.startswith('handspan_kpi_cost_usd{by="agent",group="writer"} ') for line in lines
    )


def test_what_is_unknown_is_absent(facts: Facts) -> None:
    """Prometheus has no NULL: a 0 would be a guess, and n says why there is nothing."""
    with scraped(facts, Clock(), metrics_kpis="total") as server:
        lines = metrics(server)
    assert not [line for line in lines if line.startswith("handspan_kpi_workflow_success_ratio{")]
    assert 'handspan_kpi_workflow_success_ratio_n{by="total",group=""} 0.0' in lines


def test_the_store_is_asked_only_so_often(facts: Facts) -> None:
    """Who scrapes every second gets what was known some seconds ago."""
    clock = Clock()
    with scraped(facts, clock, metrics_kpis="total", metrics_kpi_window_s=7200.0) as server:
        before = metrics(server)
        team.insert(facts)
        clock.now_ns += 29 * _SECOND_NS
        assert metrics(server) == before
        clock.now_ns += _SECOND_NS
        assert metrics(server) != before


def test_groups_beyond_the_limit_are_counted(facts: Facts) -> None:
    """Labels with too many values bring a Prometheus down; a silent cut would be a lie."""
    team.insert(facts)
    with scraped(
        facts,
        Clock(),
        metrics_kpis="agent",
        metrics_kpi_window_s=7200.0,
        metrics_kpi_groups=1,
    ) as server:
        lines = metrics(server)
    assert len([one for one in lines if one.startswith("handspan_kpi_cost_usd{")]) <= 1
    [left_out] = [one for one in lines if one.startswith("handspan_kpi_groups_left_out")]
    assert int(left_out.split()[1]) > 0


def test_a_grouping_that_does_not_exist_is_refused_at_start() -> None:
    """A typing error is told when the service starts, not by an empty graph."""
    with pytest.raises(UsageError, match="--metrics-kpis: 'colour' is unknown; use total, service"):
        KpiMetrics(Settings(metrics_kpis="total,colour"))
