"""One run on a terminal: its tree, its timeline, and what happened in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from handspan_exporter.cli import figures, tree
from handspan_exporter.cli.output import cost, status, terminal
from handspan_exporter.cli.table import is_ascii, new_table, print_table, wanted_width
from handspan_exporter.query.runs import outcome
from handspan_exporter.query.window import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console

    from handspan_exporter.query.answers import Row

    _Cell = Callable[[Row], str | Text]

_ROOMY = 110
"""Columns from which the tree has room for bars."""
_NARROW = 72
"""Columns below which what a span is called needs the room of its tokens; agents have theirs."""
_STATUS_WIDTH = 90
"""Columns below which it needs that of its status: below it stands what did not end well."""
_LEAST_LABEL = 28
"""Columns that labels should have before the status, with its type of error, has any to spare."""
_LEAST_STATUS = 16
_LEAST_WIDTH = 50
"""Columns below which there is no room for costs."""
_WELL = ("", "success", "accepted")
_LEAST_TREE = 16
_BAR = 24
_LEAST_BAR = 10


def print_run(answer: Row) -> None:
    """Print one run: what is known of it, its spans as a tree, and what happened."""
    console = terminal()
    _print_facts(console, answer["run"])
    bars = _Bars(answer, _BAR, ascii_only=is_ascii(console))
    every: tuple[tuple[int, str, _Cell], ...] = (
        (_ROOMY, "timeline", bars.of),
        (0, "duration", _span_duration),
        (_NARROW, "tokens in/out", _span_tokens),
        (_LEAST_WIDTH, "cost", _span_cost),
        (_STATUS_WIDTH, "status", _span_status),
    )
    columns = {name: cell for width, name, cell in every if console.width >= width}
    below = _nothing if "status" in columns else _unsuccessful
    _print_tree(console, answer, columns, below=below)
    for reason in _unknown_costs(answer["spans"]):
        console.print(reason)
    _print_left_out(console, answer)
    _print_agents(console, answer["agents"])
    _print_faults(console, answer["faults"])
    _print_waits(console, answer["waits"])
    _print_messages(console, answer["messages"])
    _print_budgets(console, answer["budgets"])


def print_timeline(answer: Row) -> None:
    """Print when each span was, as bars on one scale."""
    console = terminal()
    _print_facts(console, answer["run"])
    room = max(_LEAST_BAR, console.width // 2 - 12)
    bars = _Bars(answer, room, ascii_only=is_ascii(console))
    _print_tree(console, answer, {"timeline": bars.of, "duration": _span_duration})
    _print_left_out(console, answer)


def _nothing(_span: Row) -> Sequence[Text]:
    return ()


def _unsuccessful(span: Row) -> Sequence[Text]:
    """Return how a span ended, unless well: on a narrow terminal there is no column for it."""
    ended = outcome(span)
    return () if ended in _WELL else (_span_status(span),)


def _print_tree(
    console: Console,
    answer: Row,
    columns: Mapping[str, _Cell],
    *,
    below: Callable[[Row], Sequence[Text]] = _nothing,
) -> None:
    """Print the spans, each with its cells; a label that is too wide goes on below itself."""
    labelled = list(tree.labelled(answer, ascii_only=is_ascii(console)))
    cells = [[cell(span) for cell in columns.values()] for _, span in labelled]
    wide = max(
        (
            max(cell_len(label.guide + text) for text in (label.text, *map(str, below(span))))
            for label, span in labelled
        ),
        default=0,
    )
    headings = ("span", *columns)
    room, last_room = _rooms(console, headings, cells, wide)
    table = new_table(console, *headings, right=("duration", "tokens in/out", "cost"))
    for column in table.columns[:-1]:
        column.no_wrap = True
    table.columns[-1].max_width = last_room
    for (label, span), told in zip(labelled, cells, strict=True):
        table.add_row(label.lines(console, room, *below(span)), *told)
    console.print(table)


def _rooms(
    console: Console, headings: Sequence[str], rows: Sequence[Sequence[str | Text]], wide: int
) -> tuple[int, int]:
    """Return how wide the first column may be, which would like `wide`, and the last one."""
    others = new_table(console, *headings)
    for told in rows:
        others.add_row("", *told)
    room = console.width - (wanted_width(console, others) - cell_len(headings[0]))
    last_room = max(map(cell_len, [headings[-1], *(str(told[-1]) for told in rows)]))
    missing = min(wide, _LEAST_LABEL) - room
    if missing > 0 and headings[-1] == "status":
        narrowed = max(last_room - missing, min(last_room, _LEAST_STATUS))
        room, last_room = room + last_room - narrowed, narrowed
    return min(max(wide, _LEAST_TREE), max(room, _LEAST_TREE)), last_room


class _Bars:
    """Draws spans of one run on a scale of `room` characters."""

    def __init__(self, answer: Row, room: int, *, ascii_only: bool) -> None:
        spans = answer["spans"]
        self._begins = {id(span): moment("", span["started"], 0) for span in spans}
        self._room = room
        self._full = "=" if ascii_only else "\u2501"
        self._first_ns = min(self._begins.values(), default=0)
        ends = (self._begins[id(span)] + (span["duration_ns"] or 0) for span in spans)
        self._length_ns = max(1, max(ends, default=1) - self._first_ns)

    def of(self, span: Row) -> Text:
        """Return a span's bar: never shorter than one character, so that none is invisible."""
        begin_ns = self._begins[id(span)] - self._first_ns
        left = min(self._room - 1, begin_ns * self._room // self._length_ns)
        # What has not ended goes on to the end of the scale.
        duration_ns = self._length_ns if span["duration_ns"] is None else span["duration_ns"]
        long = -(-duration_ns * self._room // self._length_ns)
        full = min(self._room - left, max(1, long))
        text = " " * left + self._full * full + " " * (self._room - left - full)
        return Text(text, style=status(outcome(span)).style, no_wrap=True, overflow="crop")


def _print_facts(console: Console, run: Row) -> None:
    for name, value in _facts(run):
        console.print(Text(f"{name:<9}"), value)


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


def _span_duration(span: Row) -> str:
    return figures.lasted(span["duration_ns"])


def _span_tokens(span: Row) -> str:
    return figures.tokens(span["input_tokens"], span["output_tokens"], brief=True)


def _span_status(span: Row) -> Text:
    return status(outcome(span), span["error_type"])


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


def _print_left_out(console: Console, answer: Row) -> None:
    if answer["spans_left_out"]:
        console.print(f"{answer['spans_left_out']:,} more spans are not shown")


def _print_agents(console: Console, agents: Sequence[Row]) -> None:
    if not agents:
        return
    right = ("runs", "failed", "own time", "tokens in/out", "cost")
    table = new_table(console, "agent", *right, right=right)
    for one in agents:
        table.add_row(
            figures.clean(one["agent"]) or "(none)",
            f"{one['agent_runs']:,}",
            f"{one['failed']:,}",
            figures.figure("agent_time_ns", one["agent_time_ns"]),
            figures.tokens(one["input_tokens"], one["output_tokens"], brief=True),
            cost(one),
        )
    print_table(console, table)


def _print_faults(console: Console, faults: Sequence[Row]) -> None:
    if not faults:
        return
    table = new_table(console, "fault", "target", "by", "became", "after", right=("after",))
    for one in faults:
        how = f" by {one['recovered_by']}" if one["recovered_by"] else ""
        strategy = f" ({figures.clean(one['strategy'])})" if one["strategy"] else ""
        late = ", too late" if one["within_deadline"] is False and one["recovery_ns"] else ""
        recovery_ns = one["recovery_ns"]
        table.add_row(
            figures.clean(one["fault_type"]) + (" (injected)" if one["injected"] else ""),
            figures.clean(one["target"]),
            figures.clean(one["agent"]),
            f"{one['outcome']}{how}{strategy}{late}",
            "" if recovery_ns is None else figures.seconds(recovery_ns / 1e9),
        )
    print_table(console, table)


def _print_waits(console: Console, waits: Sequence[Row]) -> None:
    if not waits:
        return
    table = new_table(console, "wait for a person", "asked by", "decision", "for", right=("for",))
    for one in waits:
        urgent = f" ({one['priority']})" if one["priority"] else ""
        table.add_row(
            figures.clean(one["reason"] or "(no reason)") + urgent,
            figures.clean(one["agent"]),
            _decided(one),
            figures.lasted(one["duration_ns"]),
        )
    print_table(console, table)


def _print_messages(console: Console, messages: Sequence[Row]) -> None:
    if not messages:
        return
    table = new_table(console, "message", "from", "to", "bytes", right=("bytes",))
    for one in messages:
        size = one["payload_bytes"]
        table.add_row(
            figures.clean(one["message_type"]) or "(no type)",
            figures.clean(one["source"]) or figures.UNKNOWN,
            figures.clean(one["target"]) or "all",
            figures.UNKNOWN if size is None else f"{size:,}",
        )
    print_table(console, table)


def _decided(wait: Row) -> str | Text:
    """Return how a person decided, or that nobody has yet."""
    if wait["state"] != "ended":
        return status({"waiting": "pending"}.get(wait["state"], "lost"))
    return wait["decision"] or figures.UNKNOWN


def _print_budgets(console: Console, budgets: Sequence[Row]) -> None:
    if not budgets:
        return
    right = ("used", "limit", "share")
    table = new_table(console, "budget", "scope", *right, "state", right=right)
    for one in budgets:
        used, limit = one["used_usd"], one["limit_usd"]
        known = used is not None and limit
        table.add_row(
            figures.clean(one["budget"]),
            one["scope"],
            figures.figure("used_usd", used),
            figures.figure("limit_usd", limit),
            figures.share(float(used / limit)) if known else figures.UNKNOWN,
            one["state"] or figures.UNKNOWN,
        )
    print_table(console, table)
