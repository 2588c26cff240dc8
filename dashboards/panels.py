"""The panels that dashboards are put together from: a KPI as a figure, a line, a table or bars.

Each takes its title, description, unit and the words for "no value" from the KPI's own file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    stat,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog import builder as cog
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.text import TextMode

from dashboards import kpi_query
from dashboards.units import Column, column
from handspan_exporter.query import kpi as kpis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handspan_exporter.telemetry import Metric

Panel = cog.Builder[model.Panel]
Steps = tuple[tuple[float | None, str], ...]
"""Thresholds: from which value on which colour; the first has no value."""

Links = tuple[tuple[str, str], ...]
"""Where a value leads, on a click: address and title of each way."""

SOURCE = model.DataSourceRef(type_val="grafana-clickhouse-datasource", uid="${datasource}")
PROMETHEUS = model.DataSourceRef(type_val="prometheus", uid="${prometheus}")
NEUTRAL: Steps = ((None, "text"),)
GOOD_HIGH: Steps = ((None, "red"), (0.8, "orange"), (0.95, "green"))
GOOD_LOW: Steps = ((None, "green"), (0.05, "orange"), (0.2, "red"))
_ANY = "/.*/"
"""Whatever field: what a panel as a whole leads to."""
_NAME_WIDTH = 170
_LEAST_WIDTH = 80
"""Of a column of numbers: on a narrow screen a table is moved sideways, its figures stay whole."""
_LETTER_WIDTH = 7
_SENTENCE_WIDTH = 100
_MONEY_WIDTH = 64
"""Of an axis, in pixels: Grafana measures it too narrow for a fraction of a dollar."""
_PATH_WIDTHS = {"pattern": 460, "step": 260}
"""Of groups that have long names."""
_FORMATS = {"timeseries": 0, "table": 1, "traces": 3}
JAEGER = "${jaeger}/trace/"
TRACE_PANEL = "panel-8"
"""The trace panel of the dashboard Run, as Grafana names it in an address."""
_AGENT = "agent"
"""A run has several, and some of its calls none: it is asked for as what a run contains."""
_GOES_ALONG = "${__url_time_range}&${datasource:queryparam}&${jaeger:queryparam}"
_RUNS = f"/d/handspan-runs?{_GOES_ALONG}"
_RUN = f"/d/handspan-run?{_GOES_ALONG}&var-run="


class Query(variants.Dataquery, cog.Builder[variants.Dataquery]):
    """A query of Grafana's ClickHouse data source, in its SQL editor."""

    def __init__(self, sql: str, kind: str = "table", ref_id: str = "A") -> None:
        """Take the SQL, macros and variables in it; `kind` is timeseries, table or traces."""
        self._json = {
            "refId": ref_id,
            "datasource": SOURCE,
            "editorType": "sql",
            "queryType": kind,
            "format": _FORMATS[kind],
            "rawSql": sql,
        }

    def build(self) -> variants.Dataquery:
        """Return itself: it is its own builder."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return what Grafana stores."""
        return self._json


class PromQuery(variants.Dataquery, cog.Builder[variants.Dataquery]):
    """A query of Grafana's Prometheus data source."""

    def __init__(self, expression: str, legend: str) -> None:
        """Take PromQL and the legend's pattern."""
        self._json = {
            "refId": "A",
            "datasource": PROMETHEUS,
            "editorMode": "code",
            "expr": expression,
            "legendFormat": legend,
            "range": True,
        }

    def build(self) -> variants.Dataquery:
        """Return itself: it is its own builder."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return what Grafana stores."""
        return self._json


def figure(
    title: str,
    kpi: str,
    shown: Sequence[str],
    *,
    steps: Steps = NEUTRAL,
    width: int = 4,
    help_text: str = "",
) -> Panel:
    """Return a stat panel: the KPI in total, the columns `shown`, usually the headline and n."""
    found = kpis.find(kpi)
    sql = kpi_query.columns(kpi, tuple(shown))
    panel = _stat(title, sql, width, _described(found, help_text), "unknown")
    _overridden(panel, shown, found)
    first = shown[0]
    colours = [{"color": colour, "value": value} for value, colour in steps]
    panel.override_by_regexp(_ANY, [_links((_runs(), "The runs behind it"))])
    return panel.override_by_name(
        first, [model.DynamicConfigValue("thresholds", {"mode": "absolute", "steps": colours})]
    )


def own_figure(
    title: str,
    sql: str,
    units: Mapping[str, Column],
    *,
    help_text: str,
    missing: str,
    width: int = 4,
) -> Panel:
    """Return a stat panel of a query that is no KPI; `units` says how each column is shown."""
    panel = _stat(title, kpi_query.own(sql), width, help_text, missing)
    for name, shown in units.items():
        panel.override_by_name(name, _properties(shown))
    return panel


def over_time(
    title: str,
    kpi: str,
    measures: Sequence[str],
    *,
    by: str = kpis.TOTAL,
    bars: bool = False,
    width: int = 12,
) -> Panel:
    """Return a graph of the KPI per interval, one line per measure and group."""
    found = kpis.find(kpi)
    panel = _graph(title, kpi_query.series(kpi, tuple(measures), by), width, bars=bars)
    panel.description(_described(found)).no_value(f"unknown: {found.undefined_when}")
    panel.unit(column(measures[0], share=_is_share(found)).unit)
    if by == kpis.TOTAL:
        _overridden(panel, measures, found, title_only=True)
    if _is_share(found):
        panel.axis_soft_max(1)
    if measures[0].endswith("_usd"):
        panel.axis_width(_MONEY_WIDTH)
    group = f'${{__field.labels["{by.replace("_", " ")}"]:percentencode}}'
    return panel.override_by_regexp(_ANY, [_links((_runs(by, group), "The runs behind it"))])


def own_over_time(
    title: str, sql: str, unit: str, *, help_text: str, bars: bool = False, width: int = 12
) -> Panel:
    """Return a graph of a query that is no KPI."""
    panel = _graph(title, kpi_query.own(sql), width, bars=bars)
    return panel.description(help_text).unit(unit).no_value("nothing in this time range")


def grouped(
    title: str,
    kpi: str,
    by: str,
    shown: Sequence[str],
    *,
    titles: Mapping[str, str] | None = None,
    width: int = 12,
    height: int = 9,
) -> Panel:
    """Return a table of the KPI by group, each group a link to its runs.

    `titles`: columns that the table's own title makes shorter to name.
    """
    found = kpis.find(kpi)
    panel = _table(title, kpi_query.columns(kpi, tuple(shown), by), width, height)
    panel.description(_described(found)).no_value(f"Nothing here: {found.undefined_when}.")
    _overridden(panel, shown, found, titles=titles)
    group = [
        _links(*to_runs(by, "${__value.raw:percentencode}")),
        model.DynamicConfigValue("custom.width", _PATH_WIDTHS.get(by, _NAME_WIDTH)),
    ]
    return panel.override_by_name(by.replace("_", " "), group)


def own_table(
    title: str,
    sql: str,
    units: Mapping[str, Column],
    *,
    help_text: str,
    links: Mapping[str, Links] | None = None,
    width: int = 24,
    height: int = 10,
) -> Panel:
    """Return a table of a query that is no KPI; `links` says where a column's values lead."""
    panel = _table(title, kpi_query.own(sql), width, height).description(help_text)
    panel.no_value("Nothing here.")
    for name, shown in units.items():
        panel.override_by_name(name, _properties(shown) + _cell(shown))
    for name, leads_to in (links or {}).items():
        panel.override_by_name(name, [_links(*leads_to)])
    return panel


def ranked(title: str, kpi: str, by: str, shown: str, *, width: int = 12, height: int = 9) -> Panel:
    """Return bars of one column of the KPI, one per group."""
    found = kpis.find(kpi)
    sql = kpi_query.columns(kpi, (shown,), by)
    reduced = common.ReduceDataOptions().values(True).calcs(["lastNotNull"]).limit(25)
    panel = bargauge.Panel().title(title).datasource(SOURCE).with_target(Query(sql))
    panel.description(_described(found)).no_value("unknown").span(width).height(height)
    panel.orientation(options.VizOrientation.HORIZONTAL).reduce_options(
        reduced.fields(f"/^{shown}$/")
    )
    panel.display_mode(options.BarGaugeDisplayMode.BASIC)
    panel.text(common.VizTextDisplayOptions().title_size(13).value_size(16))
    unit = column(shown, share=_is_share(found)).unit
    panel.unit(unit).min(0)
    if unit == "percentunit":
        panel.decimals(2)
    group = f"${{__data.fields.{by}:percentencode}}"
    panel.override_by_regexp(_ANY, [_links(*to_runs(by, group))])
    return panel.color_scheme(
        dashboard.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
    )


def said(title: str, words: str, *, width: int = 24, height: int = 5) -> Panel:
    """Return a panel of text, in Markdown."""
    return (
        text.Panel().title(title).mode(TextMode.MARKDOWN).content(words).span(width).height(height)
    )


def plugin(
    title: str,
    kind: str,
    queries: Sequence[Query],
    *,
    help_text: str,
    links: Mapping[str, Links] | None = None,
    height: int = 14,
) -> Panel:
    """Return a panel of one of Grafana's other plugins: nodeGraph, traces, state-timeline."""
    panel = dashboard.Panel().type(kind).title(title).datasource(SOURCE).description(help_text)
    panel.targets(list(queries)).span(24).height(height)
    panel.field_config(model.FieldConfigSource())
    for name, leads_to in (links or {}).items():
        panel.override_by_name(name, [_links(*leads_to)])
    return panel


def timeline(title: str, sql: str, *, help_text: str, height: int = 8) -> Panel:
    """Return a state timeline, one line per label; 1 is working, 2 will fail, 0 is nothing."""
    shown = {
        "1": {"text": "working", "color": "green", "index": 0},
        "2": {"text": "failed", "color": "red", "index": 1},
        "0": {"text": " ", "color": "transparent", "index": 2},
    }
    mapped = {"mappings": [{"type": "value", "options": shown}], "custom": {"spanNulls": True}}
    panel = dashboard.Panel().type("state-timeline").title(title).datasource(SOURCE)
    panel.description(help_text).span(24).height(height).with_target(Query(sql, "timeseries"))
    panel.options({"mergeValues": True, "showValue": "never", "rowHeight": 0.8})
    return panel.field_config(
        model.FieldConfigSource.from_json({"defaults": mapped, "overrides": []})
    )


def to_run(column_name: str) -> Links:
    """Return the way to the run whose id the column `column_name` of the same row holds."""
    return ((f"{_RUN}${{__data.fields.{column_name}:percentencode}}", "The run"),)


def to_trace(column_name: str) -> Links:
    """Return the ways to a run's trace, its run being in `column_name`, the trace in the value."""
    run = f"{_RUN}${{__data.fields.{column_name}:percentencode}}"
    return (
        (f"{run}&viewPanel={TRACE_PANEL}", "The trace in Grafana"),
        (f"{JAEGER}${{__value.raw}}", "The trace in Jaeger"),
    )


def to_runs(by: str, value: str) -> Links:
    """Return the way to the runs of a group; `value` is what Grafana puts the group's name for."""
    return ((_runs(by, value), "Its runs"),)


def metric(title: str, shown: Metric, unit: str, *, width: int = 8) -> Panel:
    """Return a graph of a metric of the service: a counter's rate, a gauge, a histogram's 95 %."""
    labels = ", ".join(filter(None, ("instance", shown.label)))
    rate = f"rate({shown.name}%s[$__rate_interval])"
    expressions = {
        "counter": f"sum by ({labels}) ({rate % ''})",
        "gauge": shown.name,
        "histogram": f"histogram_quantile(0.95, sum by (le, {labels}) ({rate % '_bucket'}))",
    }
    legend = f"{{{{{shown.label}}}}}" if shown.label else "{{instance}}"
    panel = _graph(title, PromQuery(expressions[shown.kind], legend), width, bars=False)
    panel.datasource(PROMETHEUS).description(shown.help).unit(unit)
    return panel.no_value("nothing yet, or Prometheus does not scrape Handspan")


def _stat(title: str, sql: str, width: int, description: str, missing: str) -> stat.Panel:
    reduced = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/").values(False)
    panel = stat.Panel().title(title).datasource(SOURCE).with_target(Query(sql))
    panel.description(description).no_value(missing).span(width).height(4).reduce_options(reduced)
    panel.graph_mode(options.BigValueGraphMode.NONE).text_mode(
        options.BigValueTextMode.VALUE_AND_NAME
    )
    panel.color_mode(options.BigValueColorMode.VALUE).orientation(options.VizOrientation.VERTICAL)
    panel.text(common.VizTextDisplayOptions().title_size(13).value_size(24))
    neutral = dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE)
    return panel.thresholds(neutral.steps([model.Threshold(color="text")]))


def _graph(title: str, asked: str | PromQuery, width: int, *, bars: bool) -> timeseries.Panel:
    query = Query(asked, "timeseries") if isinstance(asked, str) else asked
    panel = timeseries.Panel().title(title).datasource(SOURCE).with_target(query)
    panel.span(width).height(8).interval("$interval").show_points(options.VisibilityMode.AUTO)
    panel.min(0)  # a bar that does not begin at nothing lies
    style = options.GraphDrawStyle.BARS if bars else options.GraphDrawStyle.LINE
    panel.draw_style(style).fill_opacity(60 if bars else 8).line_width(1 if bars else 2)
    if bars:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    legend = common.VizLegendOptions().show_legend(True)
    legend.display_mode(options.LegendDisplayMode.LIST).placement(options.LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI)
    return panel.legend(legend).tooltip(tooltip)


def _table(title: str, sql: str, width: int, height: int) -> table.Panel:
    panel = table.Panel().title(title).datasource(SOURCE).with_target(Query(sql))
    panel.override_by_field_type("string", [model.DynamicConfigValue("noValue", "")])
    return panel.span(width).height(height).show_header(True).min_width(_LEAST_WIDTH)


def _overridden(
    panel: stat.Panel | table.Panel | timeseries.Panel,
    shown: Sequence[str],
    kpi: kpis.Kpi,
    *,
    title_only: bool = False,
    titles: Mapping[str, str] | None = None,
) -> None:
    for name in shown:
        said_of = column(name, share=_is_share(kpi), headline=kpi.name)
        said_of = said_of._replace(title=(titles or {}).get(name, said_of.title))
        properties = _properties(Column(said_of.title, "") if title_only else said_of)
        if isinstance(panel, table.Panel):
            properties += _cell(said_of)
        panel.override_by_name(name, properties)


def _properties(shown: Column) -> list[model.DynamicConfigValue]:
    found = [model.DynamicConfigValue("displayName", shown.title)] if shown.title else []
    if shown.unit:
        found.append(model.DynamicConfigValue("unit", shown.unit))
    # An empty text is nothing to say, not an unknown number.
    found.append(model.DynamicConfigValue("noValue", shown.unknown if shown.unit else ""))
    if shown.width:
        found.append(model.DynamicConfigValue("custom.width", shown.width))
    if shown.unit in {"percentunit", "s"}:
        found.append(model.DynamicConfigValue("decimals", 1))
    return found


def _cell(shown: Column) -> list[model.DynamicConfigValue]:
    """Return how wide the column of a table is at least: its title and its numbers stay whole."""
    least = max(_LEAST_WIDTH, (len(shown.title) + 2) * _LETTER_WIDTH)
    found = []
    if not shown.unit:  # a reason or an advice is a sentence
        wrapped = {"type": "auto", "wrapText": True}
        found = [model.DynamicConfigValue("custom.cellOptions", wrapped)]
        least = max(least, _SENTENCE_WIDTH)
    if not shown.width:
        found.append(model.DynamicConfigValue("custom.minWidth", least))
    return found


def _links(*addresses: tuple[str, str]) -> model.DynamicConfigValue:
    made = [{"title": title, "url": url, "targetBlank": False} for url, title in addresses]
    return model.DynamicConfigValue("links", made)


def _runs(by: str = kpis.TOTAL, value: str = "") -> str:
    """Return the address of the runs of a group, narrowed as this dashboard is."""
    own = by in kpi_query.VARIABLES and by != _AGENT
    others = [name for name in kpi_query.VARIABLES if not (own and name == by)]
    kept = "".join(f"&${{{name}:queryparam}}" for name in others)
    if by == kpis.TOTAL:
        return f"{_RUNS}{kept}"
    if own:
        return f"{_RUNS}{kept}&var-{by}={value}"
    return f"{_RUNS}{kept}&var-with={by}%3D{value}"


def _described(kpi: kpis.Kpi, more: str = "") -> str:
    words = f"{kpi.meaning}. Unknown when {kpi.undefined_when}."
    return f"{words[0].upper()}{words[1:]} {more}".strip()


def _is_share(kpi: kpis.Kpi) -> bool:
    return kpi.unit.startswith("ratio")
