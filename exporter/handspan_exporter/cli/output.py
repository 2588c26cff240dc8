"""Answers on a terminal, or in a file: tables, trees, JSON, CSV."""

from __future__ import annotations

import csv
import json
import os
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from handspan_exporter.cli import figures
from handspan_exporter.cli.table import new_table, print_table, wanted_width
from handspan_exporter.query import alerts, kpi, wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from handspan_exporter.query.answers import Row

_WIDE = 160
"""Columns when nobody says how wide the output is: a file or a pipe."""
_ASIDE = frozenset(
    ("group", "reason", "n", "low", "high", "before_n", "change", "change_low", "change_high")
) | {"change_of", "change_is", "change_reason"}
"""Columns that stand beside others, or are no measure."""
_STYLES = {
    "ok": "green",
    "alert": "red",
    "warning": "yellow",
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
    is_compared = "before" in answer
    headings = ("KPI", "measure", "value", "95 % interval", "n") + ("change",) * is_compared
    table = new_table(console, *headings, right=("value", "n", "change"), whole=("KPI", "n"))
    for one in answer["kpis"]:
        row, headline = one["row"], one["headline"]
        cells = [
            one["name"],
            _of(headline, row),
            _headline(headline, row, one["unit"]),
            figures.interval(row["low"], row["high"]),
            f"{row['n']:,}",
        ]
        if is_compared:
            cells.append(_change(headline, row, one["unit"])["change"])
        table.add_row(*cells)
    console.print(window_of(answer))
    print_table(console, table)
    console.print("`handspan kpi NAME` shows all of one; --help lists what it can be grouped by.")


def _of(headline: str, row: Row) -> str:
    """Return what a line of the overview measures, and of which group it does."""
    of = f" of {figures.clean(row['group'])}" if row["group"] else ""
    return figures.heading(headline) + of


def print_kpi(answer: Row) -> None:
    """Print one KPI: a row per group, or a column per group where rows would be too wide."""
    console, about = terminal(), answer["kpi"]
    by = "" if answer["by"] == "total" else f" by {answer['by']}"
    console.print(Text(f"{about['name']}{by}", style="bold"), window_of(answer))
    console.print(Text(about["meaning"], style="dim"))
    if not answer["rows"]:
        console.print(f"{figures.UNKNOWN} (undefined when {about['undefined_when']})")
        return
    lines = [_line(row, answer["by"], about["unit"]) for row in answer["rows"]]
    upright = _upright(console, lines)
    if wanted_width(console, upright) <= console.width:
        console.print(upright)
    else:
        _print_turned(console, lines)
    for reason in _without_interval(answer["rows"]):
        console.print(f"without an interval of the change: {reason}")


def print_history(answer: Row) -> None:
    """Print one measure over time: a line per bucket and group."""
    console, about = terminal(), answer["kpi"]
    title = f"{about['name']}: {figures.heading(answer['measure'])} per {answer['grain']}"
    console.print(Text(title, style="bold"), window_of(answer))
    is_grouped = answer["by"] != "total"
    name, unit = answer["measure"], about["unit"] if answer["measure"] == about["headline"] else ""
    headings = (answer["grain"], *([answer["by"]] if is_grouped else []), "value", "interval", "n")
    table = new_table(console, *headings, right=("value", "n"), whole=(answer["grain"],))
    for point in answer["points"]:
        known = point["value"] is not None
        shown = figures.figure(name, point["value"], unit=unit)
        table.add_row(
            point["bucket_at"][:16].replace("T", " ") + (" *" if point["is_open"] else ""),
            *([figures.clean(point["group"]) or "(none)"] if is_grouped else []),
            shown if known else f"{shown} ({figures.clean(point['reason'])})",
            figures.interval(point["low"], point["high"]),
            f"{point['n']:,}",
        )
    print_table(console, table)
    console.print("* not closed yet; an hour or day without any data has no line")


def print_alerts(answer: Row) -> None:
    """Print the state of each alert and group, the worst first."""
    console = terminal()
    right = ("value", "n")
    headings = ("state", "alert", "group", "value", "n", "why")
    table = new_table(console, *headings, right=right, whole=("state",))
    for one in sorted(answer["alerts"], key=lambda row: -alerts.STATES.index(row["state"])):
        unit = kpi.find(one["kpi"]).unit if one["measure"] == kpi.find(one["kpi"]).headline else ""
        table.add_row(
            status(one["state"]),
            figures.clean(one["alert"]),
            figures.clean(one["group"]),
            figures.figure(one["measure"], one["value"], unit=unit),
            f"{one['n']:,}",
            figures.clean(one["reason"] or one["description"]),
        )
    print_table(console, table)
    console.print(Text("worst: ").append_text(status(answer["state"])))


def print_best(answer: Row, *, everyone: bool) -> None:
    """Print the best agent, or all of them, the surest first."""
    console, matched = terminal(), answer["matched"]
    told = [f"task type {', '.join(matched['task_types'])}"] if matched["task_types"] else []
    told += [f"domain {matched['domain']}"] if matched["domain"] else []
    console.print(
        Text(f"compared by {', '.join(told) or 'all that agents did'}"), window_of(answer)
    )
    rows = answer["agents"] if everyone else [answer["best"]] if answer["best"] else []
    if rows:
        right = ("confidence", "success", "95 % interval", "n", "recent success", "mean duration")
        table = new_table(console, "agent", *right, right=right)
        for one in rows:
            table.add_row(
                figures.clean(one["agent"]),
                figures.figure("confidence_ratio", one["confidence"]),
                figures.figure("success_ratio", one["success_ratio"]),
                figures.interval(one["low"], one["high"]),
                f"{one['n']:,}",
                figures.figure("recent_success_ratio", one["recent_success_ratio"]),
                figures.seconds(one["duration_mean_s"]),
            )
        print_table(console, table)
    if answer["best"] is None:
        console.print(Text(f"no best agent: {figures.clean(answer['reason'])}"))


def print_runs(answer: Row) -> None:
    """Print runs, one a line."""
    console = terminal()
    console.print(window_of(answer))
    if not answer["runs"]:
        console.print("no such run in the window; --since 30d looks further back")
        return
    right = ("duration", "cost")
    headings = ("run", "workflow", "status", "started (UTC)", *right, "agents")
    table = new_table(
        console, *headings, right=right, whole=("run", "status", "started (UTC)", *right)
    )
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
    print_table(console, table)
    if answer["next"]:
        console.print(f"more: --cursor {answer['next']}", soft_wrap=True)


def _shown_characters(ids: Sequence[str]) -> int:
    """Return how much of each id tells them apart; `runs show` takes the beginning of one."""
    shown = 12
    while len({one[:shown] for one in ids}) < len(set(ids)):
        shown += 2
    return shown


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


def _line(row: Row, by: str, unit: str) -> dict[str, str]:
    """Return one group as heading: text; an interval is one column."""
    line = {} if by == "total" else {by: figures.clean(row["group"]) or "(none)"}
    names = [name for name in row if name not in _ASIDE]
    line[figures.heading(names[0])] = _headline(names[0], row, unit)
    if row["low"] is not None:
        line["95 % interval"] = figures.interval(row["low"], row["high"])
    line["n"] = f"{row['n']:,}"
    line |= _change(names[0], row, unit)
    for name in names[1:]:
        if name.startswith(("before_", "change_")) and name.endswith(names[0]):
            continue
        if name.endswith("_low"):
            stem = name.removesuffix("_low")
            line[f"{stem} interval"] = figures.interval(row[name], row[f"{stem}_high"])
        elif not name.endswith("_high"):
            line[figures.heading(name)] = figures.figure(name, row[name])
    return line


def _change(name: str, row: Row, unit: str) -> dict[str, str]:
    """Return what was before and the change since, of a compared answer."""
    if "before_n" not in row:
        return {}
    before, change = row[f"before_{name}"], row[f"change_{name}"]
    told = {"before": figures.figure(name, before, unit=unit), "before n": f"{row['before_n']:,}"}
    if change is None:
        return {**told, "change": f"{figures.UNKNOWN} ({figures.clean(row['change_reason'])})"}
    shown = figures.signed(name, change, unit=unit)
    return {**told, "change": f"{shown} {_judged(name, row, unit)}".strip()}


def _judged(name: str, row: Row, unit: str) -> str:
    """Return the interval of a change in brackets; of times it is that of a factor."""
    low, high = row["change_low"], row["change_high"]
    if row["change_is"] == "factor":
        told = f"geometric mean x {row['change']:.3g}"
        return f"({told}{f', {low:.3g} to {high:.3g}' if low is not None else ''})"
    told = figures.signed_interval(name, low, high, unit=unit)
    return f"({told})" if told else ""


def _without_interval(rows: Sequence[Row]) -> list[str]:
    """Return why changes that are known have no interval, each reason once."""
    known = (row for row in rows if row.get("change") is not None)
    return sorted({figures.clean(row["change_reason"]) for row in known} - {""})


def _headline(name: str, row: Row, unit: str) -> str:
    if row[name] is None:
        return f"{figures.UNKNOWN} ({figures.clean(row['reason'])})"
    # A sum of what is known says how much is not.
    unpriced = row.get("unpriced_calls") if name.endswith("_usd") else 0
    return figures.figure(name, row[name], unit=unit) + (f" + {unpriced} unpriced" * bool(unpriced))


def _upright(console: Console, lines: Sequence[dict[str, str]]) -> Table:
    names = _names(lines)
    table = new_table(console, *names, right=names[1:])
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
            if wanted_width(console, wider) > console.width:
                break
            table, stop = wider, stop + 1
        console.print(table)
        start = stop


def _turned(console: Console, lines: Sequence[dict[str, str]]) -> Table:
    first, *names = _names(lines)
    table = new_table(console, first)
    for line in lines:
        table.add_column(Text(line.get(first, "")), justify="right")
    for name in names:
        table.add_row(name, *(line.get(name, "") for line in lines))
    return table


def _names(lines: Sequence[dict[str, str]]) -> list[str]:
    """Return the headings of all lines in order; some lines lack an interval."""
    longest = max(lines, key=len)
    return list(longest)


def window_of(answer: Row) -> Text:
    """Return the window of an answer, and the one that it is compared with."""
    told = f"{_moments(answer)} UTC"
    if before := answer.get("before"):
        told += f", compared with {_moments(before)}"
    return Text(told, style="dim")


def _moments(window: Row) -> str:
    return " to ".join(window[end][:19].replace("T", " ") for end in ("since", "until"))


def _cell(value: Any) -> object:  # noqa: ANN401 - whatever an answer holds
    if isinstance(value, Decimal):
        return wire.plain(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
