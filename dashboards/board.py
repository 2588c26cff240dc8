"""A dashboard: rows of panels under the same variables, time range and links as all the others."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards import kpi_query
from dashboards.panels import SOURCE

if TYPE_CHECKING:
    from grafana_foundation_sdk.cog.builder import Builder

    from dashboards.panels import Panel

TAG = "handspan"
JAEGER = ("jaeger", "Jaeger", "http://localhost:16686")
"""The text box with Jaeger's address: shown where a link leads there, handed on by all."""
INTERVALS = "1m,5m,15m,1h,6h,1d"


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; its address ends in `handspan-<name>`."""

    name: str
    title: str
    description: str
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]
    since: str = "now-24h"
    filters: tuple[str, ...] = kpi_query.VARIABLES
    texts: tuple[tuple[str, str, str], ...] = ()
    """Text boxes: name, label, what stands in it at first."""
    sources: tuple[tuple[str, str, str], ...] = field(
        default=(("datasource", "Data source", "grafana-clickhouse-datasource"),)
    )
    """Data sources to choose: name, label, kind."""
    interval: bool = True

    def to_json(self) -> str:
        """Return the JSON that Grafana imports and provisions, with a line break at its end."""
        built = json.loads(json.dumps(self._built(), cls=JSONEncoder))
        for number, panel in enumerate(built["panels"], start=1):
            panel["id"] = number
        return json.dumps(built, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    def _built(self) -> model.Dashboard:
        board = build.Dashboard(f"Handspan / {self.title}").uid(f"handspan-{self.name}")
        board.description(self.description).tags([TAG]).timezone("browser").refresh("30s")
        board.time(self.since, "now").tooltip(model.DashboardCursorSync.CROSSHAIR).editable()
        board.annotations([])
        for variable in self._variables():
            board.with_variable(variable)
        board.link(_menu())
        for title, panels in self.rows:
            board.with_row(build.Row(title))
            for panel in panels:
                board.with_panel(panel)
        return board.build()

    def _variables(self) -> list[Builder[model.VariableModel]]:
        found: list[Builder[model.VariableModel]] = [
            build.DatasourceVariable(name).label(label).type(kind)
            for name, label, kind in self.sources
        ]
        found += [_filter(name) for name in self.filters]
        found += [
            build.TextBoxVariable(name).label(label).default_value(value)
            for name, label, value in self.texts
        ]
        if JAEGER not in self.texts:
            # Nothing here leads to Jaeger, but what does gets its address from here.
            name, label, value = JAEGER
            asked = build.TextBoxVariable(name).label(label).default_value(value)
            found.append(asked.hide(model.VariableHide.HIDE_VARIABLE))
        if self.interval:
            first = model.VariableOption(text="1m", value="1m", selected=True)
            at_least = build.IntervalVariable("interval").label("Interval, at least")
            found.append(at_least.values(INTERVALS).current(first))
        return found


def _filter(name: str) -> build.QueryVariable:
    everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    asked = build.QueryVariable(name).label(name.capitalize()).datasource(SOURCE)
    asked.query(kpi_query.own(f"variable_{name}")).include_all(True).multi(True)
    asked.all_value(f"'{kpi_query.ALL}'").refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return asked.current(everything)


def _menu() -> build.DashboardLink:
    menu = build.DashboardLink("Handspan").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    return menu.as_dropdown(True).include_vars(True).keep_time(True)
