"""`handspan runs`: runs as a list, one as a tree, or several compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from handspan_exporter.cli import question
from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi
from handspan_exporter.query.comparison import SPLITS, Group
from handspan_exporter.query.listing import MOST_RUNS, OUTCOMES, SORTS, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIST_EXAMPLES = """\b
Examples:
  handspan runs list
  handspan runs list --status failure --status lost --since 7d
  handspan runs list --status running --min-duration 10m
  handspan runs list --agent writer --min-cost 0.5 --sort cost
  handspan runs list --text timeout --limit 100 --format csv
"""
_SHOW_EXAMPLES = """\b
Examples:
  handspan runs show 4bf92f3577b34da6a3ce929d0e0e4736
  handspan runs show 4bf92f
  handspan runs show 4bf92f --timeline
  handspan runs show 4bf92f --format json
"""
_COMPARE_EXAMPLES = """\b
Examples:
  handspan runs compare 4bf92f 7a085f
  handspan runs compare 14d..7d 7d..now --workflow report
  handspan runs compare agent_version=1.0 agent_version=1.1 --agent writer
  handspan runs compare project=blue project=green --since 7d --format json
"""


@click.group()
def runs() -> None:
    """List runs, show one as a tree, or compare them."""


@runs.command("list", epilog=_LIST_EXAMPLES)
@question.window_options
@click.option(
    "--status",
    multiple=True,
    type=click.Choice(OUTCOMES),
    help="Only these; repeat for several. `running`: those that go on.",
)
@click.option(
    "--text",
    default="",
    help="Found in id, workflow, project, feature, path, error, message, session, conversation.",
)
@click.option("--min-cost", metavar="USD", help="Only runs that cost at least so much.")
@click.option(
    "--min-duration",
    metavar="TIME",
    help="Only runs at least so long: 500ms, 30s, 5m; so far, if going.",
)
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default="started",
    show_default=True,
    help="The newest, longest, dearest or largest first; what is unknown last.",
)
@question.filter_options
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_RUNS),
    default=20,
    show_default=True,
    help="How many.",
)
@click.option("--cursor", default="", help="The next page: what the page before has named.")
@question.format_option
@question.source_options
def list_runs(
    *,
    since: str,
    until: str,
    pairs: Sequence[str],
    form: str,
    store: str | None,
    min_cost: str | None,
    min_duration: str | None,
    **given: Any,  # noqa: ANN401 - options by their names
) -> None:
    """List runs that ended in a window, and those still running."""
    from handspan_exporter.cli import output  # noqa: PLC0415 - rich, only when there is an answer

    names = ("status", "text", "sort", "limit", "cursor")
    with question.named({"min_cost_usd": "min_cost", "min_duration_s": "min_duration"}):
        wanted = Wanted(
            min_cost_usd=question.read_cost_usd(min_cost),
            min_duration_s=question.read_duration_s(min_duration),
            **{name: given.pop(name) for name in names},
        )
    between, filters = question.read_window(since, until), question.read_filters(pairs, given)
    with question.open_answers(store) as answers:
        answer = answers.runs(between, wanted, filters=filters)
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
@click.option("--timeline", is_flag=True, help="Only when each span was: bars on one scale.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print; csv has the spans.",
)
@question.source_options
def show_run(*, run: str, timeline: bool, form: str, store: str | None) -> None:
    """Show RUN, an id or the beginning of one, as a tree.

    One line per span: who, how long, tokens, cost, status; on a narrow terminal names go on below,
    tokens are left out, and only what did not end well says so. An agent's tokens and cost are
    those of its own calls. An arrow marks a handoff. Below: what each agent cost, faults with what
    overcame them, waits for people, budgets.
    """
    from handspan_exporter.cli import one_run, output  # noqa: PLC0415 - rich, as above

    with question.open_answers(store) as answers:
        answer = answers.run(run)
    if form == "json":
        output.print_json(answer)
    elif form == "csv":
        output.print_csv(answer["spans"])
    elif timeline:
        one_run.print_timeline(answer)
    else:
        one_run.print_run(answer)


@runs.command("compare", epilog=_COMPARE_EXAMPLES)
@click.argument("sides", metavar="A B [C ...]", nargs=-1, required=True)
@click.option(
    "--of",
    type=click.Choice(["runs", "agent_runs"]),
    help="Groups of what; left out: of agent runs where an agent is named.",
)
@click.option("--since", metavar="TIME", default="30d", show_default=True, help="Of groups.")
@click.option("--until", metavar="TIME", default="now", show_default=True, help="Of groups.")
@question.filter_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print.",
)
@question.source_options
def compare_runs(
    *,
    sides: Sequence[str],
    of: str | None,
    since: str,
    until: str,
    pairs: Sequence[str],
    form: str,
    store: str | None,
    **given: Sequence[str],
) -> None:
    """Compare runs with the first, or group B with group A.

    Runs are ids or their beginnings: the answer is where their trees part first, and the difference
    in outcome, duration, cost and tokens, per agent too. Groups are windows (14d..7d) or values of
    a dimension (agent_version=1.1): the answer is the change of success, duration, cost and tokens
    with its 95 % interval.
    """
    from handspan_exporter.cli import compared, output  # noqa: PLC0415 - rich, as above

    groups = _groups(sides, since, until)
    filters = question.read_filters(pairs, given)
    with question.open_answers(store) as answers:
        if groups is None:
            answer = answers.compare_runs(sides)
        else:
            a, b, split = groups
            answer = answers.compare_groups(a, b, split=split, of=of or "", filters=filters)
    if form == "json":
        output.print_json(answer)
    elif groups is None:
        compared.print_runs(answer)
    else:
        compared.print_groups(answer)


def _groups(sides: Sequence[str], since: str, until: str) -> tuple[Group, Group, str] | None:
    """Return the groups that the sides name, with the dimension that splits them; None: runs."""
    if all(".." in side for side in sides):
        split = kpi.TOTAL
        found = [Group(question.read_window(*side.split("..", 1))) for side in sides]
    elif all(side.partition("=")[0] in SPLITS and "=" in side for side in sides):
        split = sides[0].partition("=")[0]
        between = question.read_window(since, until)
        found = [Group(between, (side.partition("=")[2],)) for side in sides]
        if any(side.partition("=")[0] != split for side in sides):
            raise UsageError(f"both groups must be values of {split}")
    else:
        return None
    if len(found) != 2:
        raise UsageError(f"two groups can be compared, not {len(found)}")
    return found[0], found[1], split
