"""Answers on a terminal, or in a file: tables, trees, JSON, CSV."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from handspan_exporter.cli import figures, tree
from handspan_exporter.query import wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import JustifyMethod

    from handspan_exporter.query.answers import Row

_WIDE = 160
"""Columns when nobody says how wide the output is: a file or a pipe."""
_STYLES = {
    "success": "green",
    "accepted": "green",
    "failure": "red",
    "refused": "red",
    "lost": "red",
    "running": "yellow",
    "pending": "yellow",
    "cancelled": "yellow",
}


def terminal() -> Console:
    """Return the console for standard output: colours and lines on a terminal, ASCII elsewhere."""
    told = "COLUMNS" in os.environ or sys.stdout.isatty()
    return Console(
        file=sys.stdout, width=None if told else _WIDE, markup=False, highlight=False, emoji=False
    )


def print_json(answer: Row) -> None:
    """Print an answer as the API gives it."""
    sys.stdout.write(wire.to_json(answer, indent=2) + "\n")


def print_csv(rows: Sequence[Row]) -> None:
    """Print rows with their names; lists and maps as JSON, what is unknown as nothing."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)


def print_overview(answer: Row) -> None:
    """Print every KPI in one line."""
    console = terminal()
    headings = ("KPI", "measure", "value", "95 % interval", "n")
    table = _table(console, *headings, right=("value", "n"), whole=("KPI",))
    for one in answer["kpis"]:
        row, headline = one["row"], one["headline"]
        table.add_row(
            one["name"],
            figures.heading(headline),
            _headline(headline, row, one["unit"]),
            figures.interval(row["low"], row["high"]),
            f"{row['n']:,}",
        )
    console.print(_span_of(answer))
    console.print(table)
    console.print("`handspan kpi NAME` shows all of one; --help lists what it can be grouped by.")


def print_kpi(answer: Row) -> None:
    """Print one KPI: a row per group, or a column per group where rows would be too wide."""
    console, kpi = terminal(), answer["kpi"]
    by = "" if answer["by"] == "total" else f" by {answer['by']}"
    console.print(Text(f"{kpi['name']}{by}", style="bold"), _span_of(answer))
    console.print(Text(kpi["meaning"], style="dim"))
    if not answer["rows"]:
        console.print(f"{figures.UNKNOWN} (undefined when {kpi['undefined_when']})")
        return
    lines = [_line(row, answer["by"], kpi["unit"]) for row in answer["rows"]]
    upright = _upright(console, lines)
    if _width(console, upright) <= console.width:
        console.print(upright)
    else:
        _print_turned(console, lines)


def print_runs(answer: Row) -> None:
    """Print runs, one a line."""
    console = terminal()
    console.print(_span_of(answer))
    if not answer["runs"]:
        console.print("no run in the window; --since 30d looks further back")
        return
    right = ("duration", "cost")
    headings = ("run", "workflow", "status", "started (UTC)", *right, "agents")
    table = _table(console, *headings, right=right, whole=("run",))
    shown = _shown_characters([run["run_id"] for run in answer["runs"]])
    for run in answer["runs"]:
        table.add_row(
            Text(figures.clean(run["run_id"][:shown])),
            figures.clean(run["workflow"]),
            status(run["outcome"], run["error_type"]),
            run["started"][:19].replace("T", " "),
            "" if run["duration_ns"] is None else figures.seconds(run["duration_ns"] / 1e9),
            cost(run),
            figures.clean(run["path"]) or figures.figure("agents", run["agents"]),
        )
    console.print(table)


def _shown_characters(ids: Sequence[str]) -> int:
    """Return how much of each id tells them apart; `runs show` takes the beginning of one."""
    shown = 12
    while len({one[:shown] for one in ids}) < len(set(ids)):
        shown += 2
    return shown


def print_run(answer: Row) -> None:
    """Print one run: what is known of it, then its spans as a tree."""
    console, run = terminal(), answer["run"]
    for name, value in _facts(run):
        console.print(Text(f"{name:<9}"), value)
    right = ("duration", "tokens in/out", "cost")
    table = _table(console, "span", "duration", "tokens in/out", "cost", "status", right=right)
    for column in table.columns:
        column.no_wrap = True
    for label, span in tree.labelled(answer, ascii_only=_ascii(console)):
        table.add_row(
            Text(label, overflow="ellipsis", no_wrap=True),
            "" if span["duration_ns"] is None else figures.seconds(span["duration_ns"] / 1e9),
            figures.tokens(span["input_tokens"], span["output_tokens"], brief=True),
            _span_cost(span),
            status(tree.outcome(span), span["error_type"]),
        )
    console.print(table)
    for reason in _unknown_costs(answer["spans"]):
        console.print(reason)
    if answer["spans_left_out"]:
        console.print(f"{answer['spans_left_out']:,} more spans are not shown")


def status(outcome: str, error_type: str = "") -> Text:
    """Return an outcome as a word in its colour, with the error's type behind it."""
    behind = f" ({figures.clean(error_type)})" if error_type else ""
    return Text(f"{figures.clean(outcome)}{behind}", style=_STYLES.get(outcome, ""))


def cost(run: Row) -> str:
    """Return a run's cost, and how many calls it does not know the price of."""
    unpriced = run["unpriced_calls"]
    if run["cost_usd"] is None:
        return f"{figures.UNKNOWN} ({unpriced} unpriced)" if unpriced else figures.UNKNOWN
    return figures.money(run["cost_usd"]) + (f" + {unpriced} unpriced" if unpriced else "")


def _facts(run: Row) -> Iterable[tuple[str, Text]]:
    yield "run", Text(figures.clean(run["run_id"]), style="bold")
    yield "workflow", Text(figures.clean(run["workflow"]) or "(unnamed)")
    yield "status", status(run["outcome"], run["error_type"])
    if run["status_message"]:
        yield "message", Text(figures.clean(run["status_message"]))
    yield "started", Text(run["started"][:23].replace("T", " ") + " UTC")
    if run["duration_ns"] is not None:
        yield "duration", Text(figures.seconds(run["duration_ns"] / 1e9))
    yield "cost", Text(cost(run))
    yield "tokens", Text(figures.tokens(run["input_tokens"], run["output_tokens"]) or "unknown")
    yield "agents", Text(figures.clean(run["path"]) or figures.figure("agents", run["agents"]))


def _span_cost(span: Row) -> str:
    if span["cost_usd"] is not None:
        return figures.money(span["cost_usd"])
    return figures.UNKNOWN if span["cost_unknown_reason"] else ""


def _unknown_costs(spans: Sequence[Row]) -> Iterable[str]:
    """Yield why costs are unknown, each reason once; an agent's is that of its calls."""
    reasons = Counter(
        span["cost_unknown_reason"]
        for span in spans
        if span["cost_unknown_reason"] and span["kind"] != "agent"
    )
    for reason, count in reasons.items():
        yield f"cost {figures.UNKNOWN}: {figures.clean(reason)} ({count})"


def _line(row: Row, by: str, unit: str) -> dict[str, str]:
    """Return one group as heading: text; an interval is one column."""
    line = {} if by == "total" else {by: figures.clean(row["group"]) or "(none)"}
    names = [name for name in row if name not in ("group", "reason", "n", "low", "high")]
    line[figures.heading(names[0])] = _headline(names[0], row, unit)
    if row["low"] is not None:
        line["95 % interval"] = figures.interval(row["low"], row["high"])
    line["n"] = f"{row['n']:,}"
    for name in names[1:]:
        if name.endswith("_low"):
            stem = name.removesuffix("_low")
            line[f"{stem} interval"] = figures.interval(row[name], row[f"{stem}_high"])
        elif not name.endswith("_high"):
            line[figures.heading(name)] = figures.figure(name, row[name])
    return line


def _headline(name: str, row: Row, unit: str) -> str:
    if row[name] is None:
        return f"{figures.UNKNOWN} ({figures.clean(row['reason'])})"
    # A sum of what is known says how much is not.
    unpriced = row.get("unpriced_calls") if name.endswith("_usd") else 0
    return figures.figure(name, row[name], unit=unit) + (f" + {unpriced} unpriced" * bool(unpriced))


def _upright(console: Console, lines: Sequence[dict[str, str]]) -> Table:
    names = _names(lines)
    table = _table(console, *names, right=names[1:])
    for line in lines:
        table.add_row(*(line.get(name, "") for name in names))
    return table


def _print_turned(console: Console, lines: Sequence[dict[str, str]]) -> None:
    """Print one column per group, as many groups side by side as fit."""
    start = 0
    while start < len(lines):
        stop = start + 1
        table = _turned(console, lines[start:stop])
        while stop < len(lines):
            wider = _turned(console, lines[start : stop + 1])
            if _width(console, wider) > console.width:
                break
            table, stop = wider, stop + 1
        console.print(table)
        start = stop


def _turned(console: Console, lines: Sequence[dict[str, str]]) -> Table:
    first, *names = _names(lines)
    table = _table(console, first)
    for line in lines:
        table.add_column(Text(line.get(first, "")), justify="right")
    for name in names:
        table.add_row(name, *(line.get(name, "") for line in lines))
    return table


def _names(lines: Sequence[dict[str, str]]) -> list[str]:
    """Return the headings of all lines in order; some lines lack an interval."""
    longest = max(lines, key=len)
    return list(longest)


def _table(
    console: Console, *headings: str, right: Sequence[str] = (), whole: Sequence[str] = ()
) -> Table:
    """Return a table without rows; columns in `whole` are never broken: people copy from them."""
    lines = box.ASCII2 if _ascii(console) else box.SIMPLE_HEAD
    table = Table(box=lines, header_style="bold", pad_edge=_ascii(console))
    for heading in headings:
        side: JustifyMethod = "right" if heading in right else "left"
        if heading in whole:
            table.add_column(Text(heading), justify=side, overflow="ignore", no_wrap=True)
        else:
            table.add_column(Text(heading), justify=side)
    return table


def _width(console: Console, table: Table) -> int:
    """Return how wide a table would like to be; asked with the console's own width, it gives in."""
    return Measurement.get(console, console.options.update(max_width=100_000), table).maximum


def _ascii(console: Console) -> bool:
    return not console.is_terminal or console.options.ascii_only


def _span_of(answer: Row) -> Text:
    since, until = (answer[end][:19].replace("T", " ") for end in ("since", "until"))
    return Text(f"{since} to {until} UTC", style="dim")


def _cell(value: Any) -> object:  # noqa: ANN401 - whatever an answer holds
    if isinstance(value, Decimal):
        return wire.plain(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
