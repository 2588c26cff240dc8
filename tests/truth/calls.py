"""What counts as a call of a model, and what hands work over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.truth.history import Node

CALLS = ("llm", "embedding")


def has_usage(node: Node) -> bool:
    """Say whether it reports tokens or cost."""
    words = ("input_tokens", "output_tokens", "cost")
    return any(node.says.get(word) is not None for word in words)


def known_call(node: Node) -> bool:
    """Say whether a price could be expected: it has usage or a model."""
    return has_usage(node) or bool(node.says.get("model"))


def counts(node: Node) -> bool:
    """Say whether it is a call, or stands for calls that nobody recorded: nothing counts twice."""
    below = list(node.below())
    if node.kind not in CALLS:
        return has_usage(node) and not any(has_usage(one) for one in below)
    calls = [one for one in below if one.kind in CALLS]
    if has_usage(node):
        return not any(has_usage(one) for one in calls)
    outer = next((n for n in node.above() if n.kind in CALLS and has_usage(n)), None)
    return not calls and (outer is None or not counts(outer))


def delegates(node: Node) -> bool:
    """Say whether it is a tool with an agent below it."""
    return node.kind == "tool" and any(one.kind == "agent" for one in node.below())


def in_coordination(node: Node) -> bool:
    """Say whether it lies in a plan or a handoff, with no agent in between."""
    nearest = next((n for n in node.above() if n.kind in ("agent", "plan", "handoff")), None)
    return nearest is not None and nearest.kind != "agent"
