"""`handspan alerts`: the state of each alert, with an exit code for CI."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from handspan_exporter.cli import question
from handspan_exporter.query import alerts as defined
from handspan_exporter.query.answers import states

if TYPE_CHECKING:
    from handspan_exporter.query.answers import Row

RAISED = 3
"""Exit code when a state is as bad as --fail-on: neither a mistake (2) nor a failure (1)."""

_EXAMPLES = """\b
Examples:
  handspan alerts
  handspan alerts --file alerts.toml
  handspan alerts --file alerts.toml --fail-on warning --format json
\b
A file (docs/alerts.md has every key):
  [[alert]]
  name = "runs fail"
  kpi = "workflow_success_ratio"
  window = "24h"
  alert_below = 0.9
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--file",
    "path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="TOML file of alerts [HANDSPAN_ALERTS]; left out: those of the service.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["warning", "alert", "no data", "never"]),
    default="alert",
    show_default=True,
    help=f"End with {RAISED} when a state is as bad: no data is less than a warning.",
)
@question.format_option
@question.source_options
@click.pass_context
def alerts(
    context: click.Context, *, path: Path | None, fail_on: str, form: str, store: str | None
) -> None:
    """Tell the state of each alert: ok, no data, warning or alert.

    A share of fewer than 10, or what cannot be known, is no data, with the reason.
    """
    path = path or question.alerts_file()
    wanted = defined.read(path) if path else None
    with question.open_answers(store) as answers:
        answer = states(answers, wanted, time.time_ns()) if wanted else answers.alerts()
    _print(answer, form)
    if fail_on != "never" and _rank(answer["state"]) >= _rank(fail_on):
        context.exit(RAISED)


def _rank(state: str) -> int:
    return defined.STATES.index(state)


def _print(answer: Row, form: str) -> None:
    from handspan_exporter.cli import output  # noqa: PLC0415 - rich, only when there is an answer

    if form == "json":
        output.print_json(answer)
    elif form == "csv":
        output.print_csv(answer["alerts"])
    else:
        output.print_alerts(answer)
