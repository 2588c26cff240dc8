"""`handspan kpi`: one KPI, or all of them at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from handspan_exporter.cli import question
from handspan_exporter.query import kpi as kpis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.query.answers import Answers, Row

_EXAMPLES = """\b
Examples:
  handspan kpi
  handspan kpi workflow_success_ratio --since 7d --by workflow
  handspan kpi cost_usd --by model --filter project=billing
  handspan kpi agent_performance --agent writer --agent critic --format json
"""


def _epilog() -> str:
    """Return the examples and every KPI with its groupings, from the headers of the files."""
    lines = [_EXAMPLES, "\b\nKPIs, and what each can be grouped by besides service, project, ..."]
    for found in kpis.catalog():
        own = [by for by in found.groupings if by not in (kpis.TOTAL, *kpis.filters())]
        lines.append(f"  {found.name}" + (f" ({', '.join(own)})" if own else ""))
    return lines[0] + "\n" + "\n".join(lines[1:])


@click.command(epilog=_epilog())
@click.argument("name", required=False)
@question.window_options
@click.option("--by", metavar="GROUPING", help="Group by it; `total` is one row.")
@question.filter_options
@question.format_option
@question.store_option
def kpi(
    *,
    name: str | None,
    since: str,
    until: str,
    by: str | None,
    pairs: Sequence[str],
    form: str,
    store: str | None,
    **given: Sequence[str],
) -> None:
    """Answer the KPI called NAME over a window, or give an overview of all.

    Every share comes with its n and 95 % interval. A number that cannot be known is shown as
    unknown, with the reason, never as 0.
    """
    if name is not None:
        kpis.grouping(kpis.find(name), by or "")
    elif by is not None:
        raise click.UsageError("--by needs the NAME of a KPI")
    between, filters = question.read_window(since, until), question.read_filters(pairs, given)
    with question.open_answers(store) as answers:
        if name is None:
            answer = answers.overview(between, filters=filters)
        else:
            answer = answers.kpi(name, between, by=by, filters=filters)
        _refuse_without_any_data(answers, answer, store)
    _print(answer, form)


def _refuse_without_any_data(answers: Answers, answer: Row, store: str | None) -> None:
    """An empty window is an answer; a store without data is a person who waits for something."""
    rows = [one["row"] for one in answer["kpis"]] if "kpis" in answer else answer["rows"]
    if not any(row["n"] for row in rows):
        question.refuse_without_data(answers, store)


def _print(answer: Row, form: str) -> None:
    from handspan_exporter.cli import output  # noqa: PLC0415 - rich, only when there is an answer

    if form == "json":
        output.print_json(answer)
    elif form == "csv":
        output.print_csv(_flat(answer))
    elif "kpis" in answer:
        output.print_overview(answer)
    else:
        output.print_kpi(answer)


def _flat(answer: Row) -> list[Row]:
    """Return an answer as rows of one shape; an overview as one row per KPI."""
    if "rows" in answer:
        rows: list[Row] = answer["rows"]
        return rows
    beside = ("n", "low", "high", "reason")
    return [
        {
            "kpi": one["name"],
            "value": one["row"][one["headline"]],
            "unit": one["unit"],
            **{name: one["row"][name] for name in beside},
        }
        for one in answer["kpis"]
    ]
