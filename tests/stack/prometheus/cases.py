"""Series for each alert rule, and what it then says: for promtool, whose unit tests are YAML."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

RULES = Path(__file__).parents[3] / "deploy" / "prometheus" / "handspan.rules.yaml"
_RULE = re.compile(r'- alert: (?P<name>\w+)\n(?:.*\n)*?\s+description: "(?P<description>.+)"\n')


@dataclass(frozen=True)
class Alert:
    """What somebody is told."""

    summary: str
    labels: Mapping[str, str]
    description: str = ""
    """Written out where the rule's has something to fill in."""


@dataclass(frozen=True)
class Case:
    """A minute per value of each series; the rule is looked at in the minutes given here."""

    rule: str
    why: str
    series: Mapping[str, str]
    silent: tuple[int, ...] = ()
    fires: Mapping[int, Alert] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return its name among the tests."""
        return f"{self.rule}: {self.why}"


def rules() -> dict[str, str]:
    """Return the description of each rule by its name, as the file has them."""
    text = RULES.read_text(encoding="utf-8")
    found = {one["name"]: one["description"] for one in _RULE.finditer(text)}
    assert len(found) == text.count("- alert:")
    return found


def expressions() -> list[str]:
    """Return what the rules ask."""
    return re.findall(r"^\s+expr: (.+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)


def as_yaml(*cases: Case) -> str:
    """Return a file for `promtool test rules`; JSON is YAML."""
    tests = [_as_test(case) for case in cases]
    whole = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    return json.dumps(whole, indent=1)


def _as_test(case: Case) -> dict[str, Any]:
    expected: list[tuple[int, list[Alert]]] = [(minute, []) for minute in case.silent]
    expected += [(minute, [alert]) for minute, alert in case.fires.items()]
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    looks = [
        {
            "eval_time": f"{minute}m",
            "alertname": case.rule,
            "exp_alerts": [_said(case.rule, one) for one in alerts],
        }
        for minute, alerts in expected
    ]
    return {
        "name": str(case),
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": looks,
    }


def _said(rule: str, alert: Alert) -> dict[str, Any]:
    told = alert.description or rules()[rule]
    annotations = {"summary": alert.summary, "description": told}
    return {"exp_labels": dict(alert.labels), "exp_annotations": annotations}


def _labels(severity: str, **others: str) -> dict[str, str]:
    return {"severity": severity, "instance": "a"} | others


def _kpi(name: str, by: str = "total") -> str:
    return f'handspan_kpi_{name}{{instance="a",by="{by}"}}'


CASES = (
    Case(
        "HandspanDown",
        "two minutes without an answer",
        {'up{job="handspan",instance="a"}': "1 1 0 0 0 0 0"},
        silent=(1, 3),
        fires={
            4: Alert("Handspan at a does not answer", _labels("critical", job="handspan")),
        },
    ),
    Case(
        "HandspanDown",
        "it answers again in time, and what else is down is not ours",
        {'up{job="handspan",instance="a"}': "0 0 1x10", 'up{job="other",instance="a"}': "0x10"},
        silent=(1, 2, 10),
    ),
    Case(
        "HandspanJournalIsOld",
        "the store takes nothing",
        {'handspan_journal_age_seconds{instance="a"}': "0 90 150 210 270 330"},
        silent=(2,),
        fires={4: Alert("Acknowledged spans wait 4m 30s for the store", _labels("critical"))},
    ),
    Case(
        "HandspanJournalIsOld",
        "the store is slow for a minute, or always a little",
        {
            'handspan_journal_age_seconds{instance="a"}': "0 90 5x10",
            'handspan_journal_age_seconds{instance="b"}': "60x12",
        },
        silent=(1, 3, 11),
    ),
    Case(
        "HandspanRefusesRequests",
        "more than one in ten seconds, by reason",
        {
            'handspan_requests_failed_total{instance="a",reason="journal_full"}': "0+12x20",
            'handspan_requests_failed_total{instance="a",reason="malformed"}': "0+3x20",
        },
        silent=(7,),
        fires={
            20: Alert(
                "Requests are not taken: journal_full", _labels("warning", reason="journal_full")
            )
        },
    ),
    Case(
        "HandspanRefusesRequests",
        "a burst that ends is over",
        {'handspan_requests_failed_total{instance="a",reason="spans_per_s"}': "0 60 60x20"},
        silent=(2, 6, 12, 20),
    ),
    Case(
        "HandspanRefusesSpans",
        "a clock stays wrong",
        {'handspan_spans_refused_total{instance="a",reason="far_future"}': "0 0 1+1x40"},
        silent=(15,),
        fires={25: Alert("Spans are refused: far_future", _labels("warning", reason="far_future"))},
    ),
    Case(
        "HandspanRefusesSpans",
        "one program was wrong once",
        {'handspan_spans_refused_total{instance="a",reason="far_future"}': "0 5x60"},
        silent=(2, 14, 15, 30, 60),
    ),
    Case(
        "HandspanSetRowsAside",
        "rows; a counter that has a label is not there before it counts",
        {'handspan_rows_rejected_total{instance="a",table="otel_traces"}': "_ _ _ 5x100"},
        silent=(2, 70),
        fires={
            3: Alert(
                "The store did not take 5 rows or segments",
                _labels("critical", table="otel_traces"),
            ),
            60: Alert(
                "The store did not take 5 rows or segments",
                _labels("critical", table="otel_traces"),
            ),
        },
    ),
    Case(
        "HandspanSetRowsAside",
        "more rows, a day later",
        {
            'handspan_rows_rejected_total{instance="a",table="otel_traces"}': "_ 5x1440 8x20",
        },
        silent=(90, 1441),
        fires={
            1443: Alert(
                "The store did not take 3 rows or segments",
                _labels("critical", table="otel_traces"),
            )
        },
    ),
    Case(
        "HandspanSetRowsAside",
        "segments",
        {'handspan_segments_rejected_total{instance="a",reason="ValueError"}': "_ _ 1x9"},
        silent=(1,),
        fires={
            2: Alert(
                "The store did not take 1 rows or segments",
                _labels("critical", reason="ValueError"),
            )
        },
    ),
    Case(
        "HandspanSetRowsAside",
        "records of the journal that nobody can read, after a restart",
        {'handspan_records_unreadable_total{instance="a"}': "0x80 2x9"},
        silent=(80,),
        fires={82: Alert("The store did not take 2 rows or segments", _labels("critical"))},
    ),
    Case(
        "HandspanSetRowsAside",
        "all was taken",
        {
            'handspan_rows_rejected_total{instance="a",table="otel_traces"}': "0x90",
            'handspan_segments_rejected_total{instance="a",reason="ValueError"}': "0x90",
            'handspan_records_unreadable_total{instance="a"}': "0x90",
        },
        silent=(0, 1, 30, 90),
    ),
    Case(
        "HandspanFiguresAreBehind",
        "five minutes of it",
        {'handspan_processor_lag_seconds{instance="a"}': "90x10"},
        silent=(4,),
        fires={
            5: Alert(
                "Figures are 1m 30s behind",
                _labels("warning"),
                "a computes facts slower than spans come, or cannot: "
                "see handspan_facts_failed_total.",
            )
        },
    ),
    Case(
        "HandspanFiguresAreBehind",
        "a little always, and much for a moment",
        {
            'handspan_processor_lag_seconds{instance="a"}': "30x20",
            'handspan_processor_lag_seconds{instance="b"}': "0 600x3 5x15",
        },
        silent=(5, 7, 19),
    ),
    Case(
        "HandspanFactsFail",
        "again and again",
        {'handspan_facts_failed_total{instance="a",reason="TryAgain"}': "_ 1+1x10"},
        silent=(3,),
        fires={
            7: Alert(
                "Facts could not be computed: TryAgain", _labels("critical", reason="TryAgain")
            )
        },
    ),
    Case(
        "HandspanFactsFail",
        "a store that was away for a moment",
        {'handspan_facts_failed_total{instance="a",reason="TryAgain"}': "0 1 2 3x60"},
        silent=(3, 10, 60),
    ),
    Case(
        "HandspanRunsFail",
        "half of twenty, not half of four",
        {
            _kpi("workflow_success_ratio"): "0.5x20",
            _kpi("workflow_success_ratio_n"): "4x8 20x12",
        },
        silent=(8, 13),
        fires={16: Alert("Only 50% of the runs succeed", _labels("warning", by="total"))},
    ),
    Case(
        "HandspanRunsFail",
        "most succeed, and one workflow is not the total",
        {
            _kpi("workflow_success_ratio"): "0.8x20",
            _kpi("workflow_success_ratio_n"): "50x20",
            _kpi("workflow_success_ratio", "workflow"): "0.1x20",
            _kpi("workflow_success_ratio_n", "workflow"): "50x20",
        },
        silent=(6, 19),
    ),
    Case(
        "HandspanBudgetExceeded",
        "at once",
        {_kpi("budget_use_exceeded"): "0 0 2x5"},
        silent=(1,),
        fires={2: Alert("2 budgets are exceeded", _labels("critical", by="total"))},
    ),
    Case(
        "HandspanBudgetExceeded",
        "none is, in total",
        {_kpi("budget_use_exceeded"): "0x20", _kpi("budget_use_exceeded", "scope"): "1x20"},
        silent=(0, 10, 20),
    ),
    Case(
        "HandspanCostIsPartlyUnknown",
        "half an hour of it",
        {
            _kpi("cost_coverage_ratio"): "0.5x40",
            _kpi("cost_coverage_ratio_n"): "25x40",
        },
        silent=(29,),
        fires={
            30: Alert("Only 50% of the calls have a price", _labels("warning", by="total")),
        },
    ),
    Case(
        "HandspanCostIsPartlyUnknown",
        "few calls, or most with a price",
        {
            _kpi("cost_coverage_ratio"): "0.5x40 0.9x40",
            _kpi("cost_coverage_ratio_n"): "19x40 99x40",
        },
        silent=(35, 79),
    ),
)

ABSENT = tuple(Case(rule, "nothing is scraped", {}, silent=(0, 5, 60, 90)) for rule in rules())
"""What nobody measures wakes nobody; that Prometheus scrapes at all is not ours to say."""
