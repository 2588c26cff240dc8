"""A run's spans as lines of a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handspan_exporter.cli.figures import clean, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handspan_exporter.query.answers import Row

_GUIDES = {False: ("\u2502  ", "\u251c\u2500 ", "\u2514\u2500 "), True: ("|  ", "|- ", "`- ")}
_ARROWS = {False: ("\u2192", "\u2190"), True: ("->", "<-")}


def labelled(answer: Row, *, ascii_only: bool) -> Iterator[tuple[str, Row]]:
    """Yield every span of an answer of `Answers.run` with its guides and its label."""
    spans = answer["spans"]
    handoffs = answer["handoffs"]
    made = {(one["trace_id"], one["span_id"]): one for one in handoffs}
    started = {(one["target_trace_id"], one["target_span_id"]): one for one in handoffs}
    forward, back = _ARROWS[ascii_only]
    for guide, span in zip(_guides(spans, ascii_only=ascii_only), spans, strict=True):
        key = (span["trace_id"], span["span_id"])
        text = _label(span)
        if handoff := made.get(key):
            text = f"{forward} {clean(handoff['target'])}{_after(handoff)}"
        elif handoff := started.get(key):
            text = f"{text} {back} {clean(handoff['source'])}"
        yield guide + text, span


def _label(span: Row) -> str:
    column = "model" if span["kind"] == "llm" else span["kind"]
    name = span.get(column) or span["name"]
    return clean(name if span["kind"] in name.split(" ") else f"{span['kind']} {name}")


def _after(handoff: Row) -> str:
    latency_ns = handoff["latency_ns"]
    return "" if latency_ns is None else f" (after {seconds(latency_ns / 1e9)})"


def _guides(spans: Sequence[Row], *, ascii_only: bool) -> list[str]:
    """Return what stands left of each span; built from the last, which knows what follows."""
    through, branch, last = _GUIDES[ascii_only]
    guides: list[str] = []
    open_depths: set[int] = set()
    for span in reversed(spans):
        depth = span["depth"]
        above = "".join(through if at in open_depths else "   " for at in range(1, depth))
        own = "" if depth == 0 else branch if depth in open_depths else last
        guides.append(above + own)
        open_depths = {at for at in open_depths if at <= depth} | {depth}
    return guides[::-1]
