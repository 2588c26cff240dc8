"""`handspan best-agent`: who should do a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from handspan_exporter.cli import question

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLES = """\b
Examples:
  handspan best-agent --task "review this pull request"
  handspan best-agent --domain billing --min-confidence 0.7
  handspan best-agent --task "write a report" --all --format json
"""


@click.command("best-agent", epilog=_EXAMPLES)
@click.option("--task", default="", metavar="TEXT", help="What is to be done, in your words.")
@click.option("--domain", default="", metavar="NAME", help="Only this domain of tasks.")
@click.option(
    "--task-type", default="", metavar="NAME", help="Only this type, instead of what --task names."
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="What the best one must reach: the lower end of its success ratio's 95 % interval.",
)
@click.option("--all", "everyone", is_flag=True, help="Show every agent, the surest first.")
@click.option("--since", metavar="TIME", default="30d", show_default=True, help="Of their work.")
@click.option("--until", metavar="TIME", default="now", show_default=True, help="Of their work.")
@question.filter_options
@question.format_option
@question.source_options
def best_agent(
    *,
    everyone: bool,
    since: str,
    until: str,
    pairs: Sequence[str],
    form: str,
    store: str | None,
    min_confidence: float,
    **given: Sequence[str],
) -> None:
    """Tell which agent should do a task: the one whose success is surest.

    Types of task that --task names are compared, where it names any that were recorded
    (handspan.task.type); else all that the agents did.
    """
    from handspan_exporter.cli import output  # noqa: PLC0415 - rich, only when there is an answer

    own = {name: str(given.pop(name)) for name in ("task", "domain", "task_type")}
    between, filters = question.read_window(since, until), question.read_filters(pairs, given)
    with question.open_answers(store) as answers:
        answer = answers.best_agents(between, **own, min_confidence=min_confidence, filters=filters)
        if not answer["agents"]:
            question.refuse_without_data(answers, store)
    if form == "json":
        output.print_json(answer)
    elif form == "csv":
        output.print_csv(answer["agents"])
    else:
        output.print_best(answer, everyone=everyone)
