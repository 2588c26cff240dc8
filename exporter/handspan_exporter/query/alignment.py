"""Two runs side by side: which span of one is which span of the other, and where they part.

Children are aligned under aligned parents, in order, by what they are (kind and name): the longest
common part first (difflib), so that an extra retry or a skipped tool shifts nothing behind it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]

_MOST_COMPARED = 4_000_000
"""Pairs of siblings that are looked at for the best alignment; beyond, they are taken in order."""


@dataclass(frozen=True, slots=True)
class Node:
    """A span and what is below it."""

    span: Row
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """One line of the alignment; a side that has no such span is None."""

    a: Row | None
    b: Row | None
    depth: int


def label(span: Row) -> str:
    """Return what a span is, the same in every run: its kind and whom or what it is about."""
    about = span.get("model" if span["kind"] == "llm" else span["kind"]) or span["name"]
    return about if span["kind"] in about.split(" ") else f"{span['kind']} {about}"


def aligned(a: Sequence[Row], b: Sequence[Row]) -> Iterator[Pair]:
    """Yield the alignment depth first; `a` and `b` are spans of `runs.show`, in its order."""
    waiting = [_Step(pair, 0) for pair in reversed(_siblings(_forest(a), _forest(b)))]
    while waiting:
        step = waiting.pop()
        one, other = step.nodes
        yield Pair(one.span if one else None, other.span if other else None, step.depth)
        below = _siblings(one.children if one else (), other.children if other else ())
        waiting.extend(_Step(pair, step.depth + 1) for pair in reversed(below))


_Nodes = tuple[Node | None, Node | None]


@dataclass(frozen=True, slots=True)
class _Step:
    nodes: _Nodes
    depth: int


def _forest(spans: Sequence[Row]) -> tuple[Node, ...]:
    """Return the trees of spans in depth-first order; from the last on: its children are known."""
    above: dict[int, list[Node]] = defaultdict(list)
    for span in reversed(spans):
        below = above.pop(span["depth"] + 1, [])
        above[span["depth"]].append(Node(span, tuple(reversed(below))))
    return tuple(reversed(above[0]))


def _siblings(a: Sequence[Node], b: Sequence[Node]) -> list[_Nodes]:
    """Return children of one parent, aligned: pairs, and spans that one side lacks."""
    left, right = [label(one.span) for one in a], [label(one.span) for one in b]
    head = _alike(left, right)
    tail = _alike(left[head:][::-1], right[head:][::-1])
    middle_a, middle_b = a[head : len(a) - tail], b[head : len(b) - tail]
    found: list[_Nodes] = list(zip(a[:head], b[:head], strict=True))
    if len(middle_a) * len(middle_b) <= _MOST_COMPARED:
        found += _best(middle_a, middle_b)
    else:
        found += _in_order(middle_a, middle_b)
    found += zip(a[len(a) - tail :], b[len(b) - tail :], strict=True)
    return found


def _alike(left: Sequence[str], right: Sequence[str]) -> int:
    """Return how many labels are equal from the start on."""
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return at
    return min(len(left), len(right))


def _best(a: Sequence[Node], b: Sequence[Node]) -> Iterator[_Nodes]:
    left, right = [label(one.span) for one in a], [label(one.span) for one in b]
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for kind, from_a, to_a, from_b, to_b in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(a[from_a:to_a], b[from_b:to_b], strict=True)
        else:
            yield from ((one, None) for one in a[from_a:to_a])
            yield from ((None, one) for one in b[from_b:to_b])


def _in_order(a: Sequence[Node], b: Sequence[Node]) -> Iterator[_Nodes]:
    """Pair each label's first with its first, its second with its second."""
    unmatched: dict[str, list[Node]] = defaultdict(list)
    for one in reversed(b):
        unmatched[label(one.span)].append(one)
    for one in a:
        same = unmatched[label(one.span)]
        yield one, same.pop() if same else None
    left = {id(one) for rest in unmatched.values() for one in rest}
    yield from ((None, one) for one in b if id(one) in left)
