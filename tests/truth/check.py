"""Checks histories against a store, and makes the first error small."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.truth import compare, smallest
from tests.truth.invent import invent
from tests.truth.store import fill, known

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.truth.compare import Wrong
    from tests.truth.history import History
    from tests.truth.store import Store


def histories(seeds: Iterable[object]) -> list[History]:
    """Return the histories of seeds, each with a project of its own."""
    return [invent(seed, project=f"project {seed}") for seed in seeds]


def first_error(store: Store, of: Sequence[History], kpi: str = "") -> Wrong | None:
    """Fill the empty store and return the first wrong column, of one KPI or of all.

    Which windows and filters are asked for is decided by the seeds.
    """
    fill(store, of)
    facts = known(of)
    dice = random.Random(str([one.seed for one in of]))  # noqa: S311 - a dice, not a secret
    asked = [one for one in compare.asked(facts, dice) if kpi in ("", one.kpi)]
    return compare.first(facts, asked, store.connection)


def report(store: Store, of: Sequence[History], wrong: Wrong) -> str:
    """Return the error and the smallest history that shows one in the same KPI."""

    def fails(some: Sequence[History]) -> bool:
        store.clear()
        return first_error(store, some, wrong.asked.kpi) is not None

    guilty = smallest.fewest(of, fails)
    if len(guilty) > 1:
        return f"{wrong}\nonly together: seeds {[one.seed for one in guilty]}"
    least = smallest.smallest(guilty[0], lambda history: fails([history]))
    store.clear()
    shown = first_error(store, [least], wrong.asked.kpi) or wrong
    return f"{shown}\nseed {least.seed}, as small as it gets:\n{smallest.described(least)}"
