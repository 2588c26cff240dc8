"""`handspan runs`: the newest runs, or one as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from handspan_exporter.cli import question
from handspan_exporter.query.runs import MOST_RUNS, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIST_EXAMPLES = """\b
Examples:
  handspan runs list
  handspan runs list --status failure --status lost --since 7d
  handspan runs list --agent writer --limit 100 --format csv
"""
_SHOW_EXAMPLES = """\b
Examples:
  handspan runs show 4bf92f3577b34da6a3ce929d0e0e4736
  handspan runs show 4bf92f
  handspan runs show 4bf92f --format json
"""


@click.group()
def runs() -> None:
    """List runs, or show one as a tree."""


@runs.command("list", epilog=_LIST_EXAMPLES)
@question.window_options
@click.option(
    "--status", multiple=True, type=click.Choice(OUTCOMES), help="Only these; repeat for several."
)
@question.filter_options
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_RUNS),
    default=20,
    show_default=True,
    help="How many, newest first.",
)
@question.format_option
@question.store_option
def list_runs(
    *,
    since: str,
    until: str,
    status: Sequence[str],
    pairs: Sequence[str],
    limit: int,
    form: str,
    store: str | None,
    **given: Sequence[str],
) -> None:
    """List the newest runs that ended in a window, and those still running."""
    from handspan_exporter.cli import output  # noqa: PLC0415 - rich, only when there is an answer

    between, filters = question.read_window(since, until), question.read_filters(pairs, given)
    with question.open_answers(store) as answers:
        answer = answers.runs(between, status=status, filters=filters, limit=limit)
        if not answer["runs"]:
            question.refuse_without_data(answers, store)
    if form == "json":
        output.print_json(answer)
    elif form == "csv":
        output.print_csv(answer["runs"])
    else:
        output.print_runs(answer)


@runs.command("show", epilog=_SHOW_EXAMPLES)
@click.argument("run")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print; csv has the spans.",
)
@question.store_option
def show_run(*, run: str, form: str, store: str | None) -> None:
    """Show RUN, an id or the beginning of one, as a tree.

    One line per span: who, how long, tokens, cost, status. An agent's tokens and cost are those of
    its own calls. An arrow marks a handoff.
    """
    from handspan_exporter.cli import output  # noqa: PLC0415 - rich, only when there is an answer

    with question.open_answers(store) as answers:
        answer = answers.run(run)
    if form == "json":
        output.print_json(answer)
    elif form == "csv":
        output.print_csv(answer["spans"])
    else:
        output.print_run(answer)
