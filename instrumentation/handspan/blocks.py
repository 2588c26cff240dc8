"""Leaving blocks: what is current afterwards, also when they are left out of turn.

Blocks need not be left in the order in which they were entered: two generators that are read in
turns, a block that another task leaves, a clean-up in the wrong order. A block that is left while
another one is current must not end that one; but when the other one is left in its turn, the
first must not become current again: whatever followed would be recorded inside a span that has
ended, for as long as the program runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach

if TYPE_CHECKING:
    from opentelemetry.context import Context

_LEFT = "_handspan_left"
"""On the Context of a block: (inside, outside) of those that were left while it was current."""
_MOST_LEFT = 8
"""Of them; a Context that stays current for ever must not collect them."""


def leave(here: Context, inside: Context, outside: Context, *, over: bool = False) -> None:
    """Make current what was around a block that is left, unless another one is current.

    Args:
        here: what is current.
        inside: Context of the block.
        outside: what was current when it was entered.
        over: whether what is current now ends with the block, although it is not its Context.
    """
    if over or here is inside:
        # Without a look at `__dict__`, which would be made for it.
        noted = getattr(here, _LEFT, ()) + (() if here is inside else getattr(inside, _LEFT, ()))
        attach(_around(noted, outside) if noted else outside)
    elif here:  # not the empty one, which is current wherever nothing is
        _note(here, (inside, outside))


def _around(left: tuple[tuple[Context, Context], ...], outside: Context) -> Context:
    """Return the innermost Context whose block is not left yet, from `outside` on."""
    # Pairs rather than a dict: a Context is itself a dict, and dicts have no hash.
    again = True
    while again:
        again = False
        for inside, further_out in left:
            if inside is outside:
                outside, again = further_out, True
                break
    if outside:
        _note(outside, *left)
    return outside


def _note(here: Context, *left: tuple[Context, Context]) -> None:
    noted: dict[str, Any] = here.__dict__
    noted[_LEFT] = (*noted.get(_LEFT, ()), *left)[-_MOST_LEFT:]
