"""`handspan kpi`: one KPI, or all of them at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from handspan_exporter.cli import question
from handspan_exporter.query import kpi as kpis
from handspan_exporter.query.history import GRAINS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.query.answers import Answers, Row

_EXAMPLES = """\b
Examples:
  handspan kpi
  handspan kpi workflow_success_ratio --since 7d --by workflow
  handspan kpi cost_usd --by model --filter project=billing
  handspan kpi agent_performance --agent writer --agent critic --format json
  handspan kpi workflow_success_ratio --by workflow --compare previous
  handspan kpi cost_usd --history day --since 30d
  handspan kpi workflow_success_ratio --history hour --agent writer --since 2d
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
@click.option(
    "--compare",
    default="",
    metavar="BEFORE",
    help="Add what was before and the change: `previous`, the window before; 7d, one as long that "
    "began so much earlier.",
)
@click.option(
    "--history", type=click.Choice(list(GRAINS)), help="One value per hour or day instead."
)
@click.option("--measure", default="", help="Of the history; left out: the KPI's headline.")
@question.filter_options
@question.format_option
@question.source_options
def kpi(
    *,
    name: str | None,
    since: str,
    until: str,
    by: str | None,
    history: str | None,
    pairs: Sequence[str],
    form: str,
    store: str | None,
    **given: Any,  # noqa: ANN401 - options by their names
) -> None:
    """Answer the KPI called NAME over a window, or give an overview of all.

    Every share comes with its n and 95 % interval. A number that cannot be known is shown as
    unknown, with the reason, never as 0.
    """
    compare, measure = given.pop("compare"), given.pop("measure")
    _check(name, by=by, history=history, measure=measure)
    between, filters = question.read_window(since, until), question.read_filters(pairs, given)
    if history is not None and compare:
        raise click.UsageError("--history shows the change itself; leave --compare out")
    with question.open_answers(store) as answers:
        if name is None:
            answer = answers.overview(between, filters=filters, compare=compare)
        elif history is not None:
            answer = answers.history(
                name, between, grain=history, by=by or "", measure=measure, filters=filters
            )
        else:
            answer = answers.kpi(name, between, by=by, filters=filters, compare=compare)
        _refuse_without_any_data(answers, answer, store)
    _print(answer, form)


def _check(name: str | None, *, by: str | None, history: str | None, measure: str) -> None:
    """Refuse what can be told before anybody is asked."""
    needing = {"--by": by, "--history": history, "--measure": measure or None}
    if name is None and (given := [one for one, value in needing.items() if value is not None]):
        raise click.UsageError(f"{given[0]} needs the NAME of a KPI")
    if measure and history is None:
        raise click.UsageError("--measure is for --history; without it all measures are shown")
    if name is not None:
        kpis.grouping(kpis.find(name), by or "")


def _refuse_without_any_data(answers: Answers, answer: Row, store: str | None) -> None:
    """An empty window is an answer; a store without data is a person who waits for something."""
    if "kpis" in answer:
        rows = [one["row"] for one in answer["kpis"]]
    else:
        rows = answer["points"] if "points" in answer else answer["rows"]
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
    elif "points" in answer:
        output.print_history(answer)
    else:
        output.print_kpi(answer)


def _flat(answer: Row) -> list[Row]:
    """Return an answer as rows of one shape; an overview as one row per KPI."""
    if "kpis" not in answer:
        rows: list[Row] = answer["points"] if "points" in answer else answer["rows"]
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
