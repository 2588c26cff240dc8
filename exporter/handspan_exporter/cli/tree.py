"""A run's spans as lines of a tree, whole on a terminal of any width."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.text import Text

from handspan_exporter.cli.figures import clean, seconds
from handspan_exporter.cli.table import is_ascii

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from handspan_exporter.query.answers import Row

_GUIDES = {False: ("\u2502  ", "\u251c\u2500 ", "\u2514\u2500 "), True: ("|  ", "|- ", "`- ")}
_ELLIPSES = {False: "\u2026", True: "..."}
_ARROWS = {False: ("\u2192", "\u2190"), True: ("->", "<-")}


_LEAST_ROOM = 12
"""Characters that a label has on each of its lines, however deep it is."""


class Label(NamedTuple):
    """What one span is called, and the guides left of it."""

    guide: str
    below: str
    """The guides of a second line, which go on to the span's children."""
    text: str

    def __str__(self) -> str:
        """Return both in one line."""
        return self.guide + self.text

    def lines(self, console: Console, room: int, *more: Text) -> Text:
        """Return it in lines of `room` characters, and `more` below: words stay whole if they fit.

        Of guides that leave no room the outer ones go, behind an ellipsis.
        """
        guide, below = self._guides(console, room)
        if not more and cell_len(guide + self.text) <= room:
            return Text(guide + self.text, no_wrap=True)
        words = [
            line
            for text in (Text(self.text), *more)
            for line in text.wrap(console, room - max(len(guide), len(below)))
        ]
        guides = [guide, *[below] * (len(words) - 1)]
        lines = [Text(left).append_text(line) for left, line in zip(guides, words, strict=True)]
        return Text("\n", no_wrap=True).join(lines)

    def _guides(self, console: Console, room: int) -> tuple[str, str]:
        """Return both guides, narrow enough that a word fits behind them."""
        most = room - _LEAST_ROOM
        if len(self.below) <= most:
            return self.guide, self.below
        below = self.below[: len(self.guide)]
        if len(self.guide) <= most:
            return self.guide, below
        ellipsis = _ELLIPSES[is_ascii(console)]
        kept = max(most - len(ellipsis), 0)
        return tuple(ellipsis + one[len(one) - kept :] for one in (self.guide, below))  # type: ignore[return-value]


def labelled(answer: Row, *, ascii_only: bool) -> Iterator[tuple[Label, Row]]:
    """Yield every span of an answer of `Answers.run` with its guides and its label."""
    spans = answer["spans"]
    handoffs = answer["handoffs"]
    made = {(one["trace_id"], one["span_id"]): one for one in handoffs}
    started = {(one["target_trace_id"], one["target_span_id"]): one for one in handoffs}
    forward, back = _ARROWS[ascii_only]
    guides = _guides(spans, ascii_only=ascii_only)
    for (guide, below), span in zip(guides, spans, strict=True):
        key = (span["trace_id"], span["span_id"])
        text = _label(span)
        if handoff := made.get(key):
            text = f"{forward} {clean(handoff['target'])}{_after(handoff)}"
        elif handoff := started.get(key):
            text = f"{text} {back} {clean(handoff['source'])}"
        yield Label(guide, below, text), span


def _label(span: Row) -> str:
    column = "model" if span["kind"] == "llm" else span["kind"]
    name = span.get(column) or span["name"]
    return clean(name if span["kind"] in name.split(" ") else f"{span['kind']} {name}")


def _after(handoff: Row) -> str:
    latency_ns = handoff["latency_ns"]
    return "" if latency_ns is None else f" (after {seconds(latency_ns / 1e9)})"


def _guides(spans: Sequence[Row], *, ascii_only: bool) -> list[tuple[str, str]]:
    """Return what stands left of each span, and left of a second line of it.

    Built from the last, which knows what follows.
    """
    through, branch, last = _GUIDES[ascii_only]
    guides: list[tuple[str, str]] = []
    open_depths: set[int] = set()
    for span in reversed(spans):
        depth = span["depth"]
        above = "".join(through if at in open_depths else "   " for at in range(1, depth))
        own = "" if depth == 0 else branch if depth in open_depths else last
        own_below = "" if depth == 0 else through if depth in open_depths else "   "
        child_below = through if depth + 1 in open_depths else "   "
        guides.append((above + own, above + own_below + child_below))
        open_depths = {at for at in open_depths if at <= depth} | {depth}
    return guides[::-1]
