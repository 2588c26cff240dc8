"""Alert rules for Grafana: a KPI over the last hour against a threshold, as provisioned YAML.

A rate of few cases is no reason to wake anyone: each rule names how many cases it wants, and below
that it has no data.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboards import kpi_query

SOURCE_UID = "handspan"
"""Of the provisioned data source."""
FOLDER = "Handspan"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `column` of the KPI is `beyond` the threshold."""

    name: str
    title: str
    kpi: str
    """Of `sql/kpi/`; or, with `own`, of `dashboards/sql/`."""
    column: str
    beyond: str
    """`lt` or `gt`."""
    threshold: float
    advice: str
    least_n: int = 1
    severity: str = "warning"
    wait: str = "5m"
    own: bool = False

    def sql(self) -> str:
        """Return the query: one number, NULL with too few cases."""
        if self.own:
            return f"SELECT {self.column} AS value FROM\n(\n{kpi_query.own(self.kpi)})\n"
        asked = kpi_query.unfiltered(kpi_query.table(self.kpi))
        return (
            f"SELECT if(n >= {self.least_n}, toFloat64({self.column}), NULL) AS value\n"
            f"FROM\n(\n{asked}\n)\n"
        )

    def to_json(self) -> dict[str, object]:
        """Return the rule as Grafana provisions it."""
        return {
            "uid": f"handspan-{self.name}",
            "title": self.title,
            "condition": "C",
            "data": [self._query(), _reduced(), self._compared()],
            "noDataState": "OK",
            "execErrState": "Error",
            "for": self.wait,
            "labels": {"severity": self.severity, "handspan_kpi": self.kpi},
            "annotations": {"summary": self.title, "description": self.advice},
            "isPaused": False,
        }

    def _query(self) -> dict[str, object]:
        model = {
            "refId": "A",
            "editorType": "sql",
            "queryType": "table",
            "format": 1,
            "rawSql": self.sql(),
        }
        return {
            "refId": "A",
            "relativeTimeRange": {"from": 3600, "to": 0},
            "datasourceUid": SOURCE_UID,
            "model": model,
        }

    def _compared(self) -> dict[str, object]:
        evaluator = {"type": self.beyond, "params": [self.threshold]}
        conditions = [{"evaluator": evaluator}]
        return _expression("C", {"type": "threshold", "expression": "B", "conditions": conditions})


RULES = (
    Rule(
        "success",
        "Runs fail",
        "workflow_success_ratio",
        "workflow_success_ratio",
        "lt",
        0.8,
        "Less than 80 % of the runs of the last hour succeeded. See Handspan / Workflows, then its runs.",
        least_n=10,
    ),
    Rule(
        "cost",
        "Agents spend much",
        "cost_usd",
        "cost_usd",
        "gt",
        50.0,
        "Priced calls of the last hour cost more than 50 USD. See Handspan / Cost by agent and model; set the limit to yours.",
    ),
    Rule(
        "coverage",
        "Cost is partly unknown",
        "cost_coverage_ratio",
        "cost_coverage_ratio",
        "lt",
        0.9,
        "More than 10 % of the calls of the last hour have no price. See Handspan / Cost, known prices by model.",
        least_n=20,
        wait="30m",
    ),
    Rule(
        "budget",
        "A budget is exceeded",
        "budget_use",
        "exceeded",
        "gt",
        0.0,
        "See Handspan / Cost, budgets.",
        severity="critical",
        wait="0s",
    ),
    Rule(
        "recovery",
        "Faults are not overcome",
        "fault_recovery_ratio",
        "fault_recovery_ratio",
        "lt",
        0.5,
        "Less than half of the faults of the last hour's runs were overcome. See Handspan / Resilience.",
        least_n=5,
    ),
    Rule(
        "handoffs",
        "Handoffs get lost",
        "handoff_loss_ratio",
        "handoff_loss_ratio",
        "gt",
        0.05,
        "More than 5 % of the handoffs of the last hour never reached their target. See Handspan / Handoffs.",
        least_n=10,
    ),
    Rule(
        "lag",
        "Figures are behind",
        "freshness",
        "waiting_s",
        "gt",
        60.0,
        "Spans have been stored for more than a minute and are not yet in the figures. Is `handspan serve` running?",
        severity="critical",
        own=True,
    ),
)


def provisioned() -> dict[str, object]:
    """Return the file that Grafana reads at start."""
    group = {
        "orgId": 1,
        "name": "handspan",
        "folder": FOLDER,
        "interval": "1m",
        "rules": [rule.to_json() for rule in RULES],
    }
    return {"apiVersion": 1, "groups": [group]}


def _reduced() -> dict[str, object]:
    return _expression("B", {"type": "reduce", "expression": "A", "reducer": "last"})


def _expression(ref_id: str, said: dict[str, object]) -> dict[str, object]:
    source = {"type": "__expr__", "uid": "__expr__"}
    model = {"refId": ref_id, "datasource": source, **said}
    return {"refId": ref_id, "datasourceUid": "__expr__", "model": model}
