"""`handspan export`: one run as data, a table or a report."""

from __future__ import annotations

import click

from handspan_exporter.cli import question

_EXAMPLES = """\b
Examples:
  handspan export 4bf92f > run.json
  handspan export 4bf92f --format csv > spans.csv
  handspan export 4bf92f --format markdown > report.md
"""


@click.command(epilog=_EXAMPLES)
@click.argument("run")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv", "markdown"]),
    default="json",
    show_default=True,
    help="All that is known, the spans as a table, or a report for people.",
)
@question.source_options
def export(*, run: str, form: str, store: str | None) -> None:
    """Write RUN, an id or the beginning of one, to standard output."""
    from handspan_exporter.cli import output, report  # noqa: PLC0415 - only for an answer

    with question.open_answers(store) as answers:
        answer = answers.run(run)
    if form == "json":
        output.print_json(answer)
    elif form == "csv":
        output.print_csv(answer["spans"])
    else:
        click.echo(report.markdown(answer), nl=False)
