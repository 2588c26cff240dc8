"""Comparisons on a terminal: runs with a run, and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from handspan_exporter.cli import figures
from handspan_exporter.cli.output import cost, status, terminal
from handspan_exporter.cli.table import is_ascii, new_table, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from handspan_exporter.query.answers import Row

_AROUND = 3
"""Lines of the alignment shown around each difference."""
_MOST_LINES = 60
_NAMES = {
    "duration_ns": "duration",
    "cost_usd": "cost",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "agent_runs": "agent runs",
    "llm_calls": "model calls",
    "tool_calls": "tool calls",
}


def print_runs(answer: Row) -> None:
    """Print the runs, and for each further one where it parts from the first and by how much."""
    console = terminal()
    _print_summaries(console, answer["runs"])
    for at, one in enumerate(answer["comparisons"]):
        b = chr(ord("B") + at)
        console.print(Text(f"A and {b}", style="bold"))
        _print_divergence(console, one, b)
        _print_numbers(console, one, b)
        _print_alignment(console, one, b)


def print_groups(answer: Row) -> None:
    """Print what the groups are, and the change of each measure from A to B."""
    console = terminal()
    for side in ("a", "b"):
        console.print(Text(f"{side.upper()}: {_group(answer, side)}"))
    table = new_table(console, "", "A", "B", "change", "95 % interval", "n of A", "n of B")
    for column in list(table.columns)[1:]:
        column.justify = "right"
    for one in answer["measures"]:
        table.add_row(*_measure(one))
    print_table(console, table)
    for one in answer["measures"]:
        if one["reason"]:
            console.print(Text(f"{_said(one)}: {one['reason']}"))


def _print_summaries(console: Console, runs: Sequence[Row]) -> None:
    right = ("duration", "cost")
    table = new_table(console, "", "run", "workflow", "status", *right, "agents", right=right)
    for at, run in enumerate(runs):
        long = run["duration_ns"]
        table.add_row(
            chr(ord("A") + at),
            figures.clean(run["run_id"][:12]),
            figures.clean(run["workflow"]),
            status(run["outcome"], run["error_type"]),
            "" if long is None else figures.seconds(long / 1e9),
            cost(run),
            figures.clean(run["path"]),
        )
    print_table(console, table)


def _print_divergence(console: Console, one: Row, b: str) -> None:
    spans, first = one["spans"], one["divergence"]
    counted = f"{spans['both']:,} spans in both, {spans['only_a']:,} only in A, "
    console.print(Text(f"{counted}{spans['only_b']:,} only in {b}"))
    if spans["left_out"]:
        console.print(Text(f"{spans['left_out']:,} spans are too many and were not compared"))
    if first is None:
        console.print(Text("the same structure and outcomes"))
        return
    path = " > ".join(figures.clean(label) for label in first["path"])
    what = _lettered(first["what"], b)
    console.print(Text(f"first difference: {path}: {figures.clean(what)}"))


def _print_numbers(console: Console, one: Row, b: str) -> None:
    right = ("A", b, "change")
    table = new_table(console, "", *right, right=right)
    for name, value in one["numbers"]["change"].items():
        sides = [figures.figure(name, one["numbers"][side][name]) for side in ("a", "b")]
        reason = _lettered(one["numbers"]["reasons"].get(name, ""), b)
        table.add_row(_NAMES.get(name, name), *sides, _difference(name, value, reason))
    for agent in one["agents"]:
        for name in ("agent_time_ns", "cost_usd"):
            told = [(agent[side] or {}).get(name) for side in ("a", "b")]
            sides = ["" if agent[side] is None else "?" for side in ("a", "b")]
            shown = [sides[at] and figures.figure(name, value) for at, value in enumerate(told)]
            reason = _lettered(agent["reasons"].get(name, ""), b)
            label = f"{figures.clean(agent['agent']) or '(none)'} {_OF_AGENT[name]}"
            table.add_row(label, *shown, _difference(name, agent["change"][name], reason))
    print_table(console, table)


_OF_AGENT = {"agent_time_ns": "own time", "cost_usd": "cost"}


def _print_alignment(console: Console, one: Row, b: str) -> None:
    """Print the differing lines with a few around each."""
    lines = list(_near(one["alignment"]))
    table = new_table(console, "", "span", "A", b, right=("A", b))
    for column in table.columns:
        column.no_wrap = True
    for line in lines[:_MOST_LINES]:
        if line is None:
            table.add_row("", "..." if is_ascii(console) else "\u2026", "", "")
            continue
        sides = [line[side] for side in ("a", "b")]
        table.add_row(
            _mark(line),
            Text("  " * line["depth"] + figures.clean(line["label"]), overflow="ellipsis"),
            *(figures.lasted(side["duration_ns"]) if side else "" for side in sides),
        )
    if lines:
        console.print(table)
    rest = len(lines[_MOST_LINES:]) + one["alignment_left_out"]
    if rest:
        console.print(f"{rest:,} more lines: --format json has them")


def _near(lines: Sequence[Row]) -> Iterator[Row | None]:
    """Yield lines that differ and those around them; None stands for what is left out."""
    differing = [at for at, line in enumerate(lines) if _mark(line) != " "]
    kept = {at + step for at in differing for step in range(-_AROUND, _AROUND + 1)}
    last = -1
    for at in sorted(one for one in kept if 0 <= one < len(lines)):
        if at > last + 1:
            yield None
        yield lines[at]
        last = at


def _mark(line: Row) -> str:
    """Return - (only in A), + (only in B), ! (another outcome) or a space."""
    if line["a"] is None or line["b"] is None:
        return "-" if line["b"] is None else "+"
    same = ("outcome", "error_type")
    return " " if all(line["a"][name] == line["b"][name] for name in same) else "!"


def _difference(name: str, change: object, reason: str) -> str:
    if change is None:
        return f"{figures.UNKNOWN} ({reason})" if reason else ""
    return figures.signed(name, change)


def _lettered(text: str, b: str) -> str:
    """Name the further run by its own letter, not B."""
    return text if b == "B" else f"{text} ".replace("in B ", f"in {b} ").strip()


def _group(answer: Row, side: str) -> str:
    group = answer[side]
    since, until = (group[end][:19].replace("T", " ") for end in ("since", "until"))
    values = f"{answer['split']} {', '.join(map(figures.clean, group['values']))}, "
    named = values if group["values"] else ""
    what = "agent runs" if answer["of"] == "agent_runs" else "runs"
    return f"{named}{since} to {until} UTC, {group['runs']:,} {what}"


def _said(measure: Row) -> str:
    name = figures.heading(str(measure["measure"]).removesuffix("_geometric_mean"))
    return f"{name} (geometric mean)" if measure["change_is"] == "factor" else name


def _measure(one: Row) -> list[str]:
    name = str(one["measure"]).removesuffix("_geometric_mean")
    shown = [figures.figure(name, one[side]) for side in ("a", "b")]
    change, low, high = one["change"], one["low"], one["high"]
    if change is None:
        told, interval = figures.UNKNOWN, ""
    elif one["change_is"] == "difference":
        told, interval = figures.signed(name, change), figures.signed_interval(name, low, high)
    else:
        told = f"x {change:.3g}"
        interval = "" if low is None else f"x {low:.3g} to {high:.3g}"
    return [_said(one), *shown, told, interval, f"{one['a_n']:,}", f"{one['b_n']:,}"]
