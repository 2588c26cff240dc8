"""95 % intervals of shares and means, and of how they change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Z = 1.959963984540054
"""The normal distribution's quantile at 0.975."""

_LEVEL = 0.975
_NORMAL = 1e7
"""Degrees of freedom above which Student's quantile is the normal one to seven digits."""


class Sample(NamedTuple):
    """What a mean was made of."""

    mean: float
    sd: float
    """Standard deviation of the values, not of their mean; with n - 1."""
    n: int


def wilson(k: int, n: int) -> tuple[float | None, float | None]:
    """Return Wilson's 95 % interval of k / n, as sql/kpi/fragments/wilson.sql has it."""
    if n == 0:
        return None, None
    center = (k + Z * Z / 2) / (n + Z * Z)
    half = Z / (n + Z * Z) * math.sqrt(k * (n - k) / n + Z * Z / 4)
    return max(0.0, center - half), min(1.0, center + half)


def newcombe(
    now: Mapping[str, float], before: Mapping[str, float], name: str
) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two shares, from their own (Newcombe 1998).

    Args:
        now: A share under `name`, and its Wilson interval as `low` and `high`.
        before: The same of what is compared with.
        name: Where the shares are.
    """
    p, was = float(now[name]), float(before[name])
    low = math.hypot(p - now["low"], before["high"] - was)
    high = math.hypot(now["high"] - p, was - before["low"])
    return p - was - low, p - was + high


def welch(now: Sample, before: Sample) -> tuple[float, float] | None:
    """Return the 95 % interval of the difference of two means (Welch 1947).

    None where there is none: a side has fewer than two values, or no value differs.
    """
    if min(now.n, before.n) < 2 or now.sd == before.sd == 0:
        return None
    ours, theirs = now.sd**2 / now.n, before.sd**2 / before.n
    freedom = (ours + theirs) ** 2 / (ours**2 / (now.n - 1) + theirs**2 / (before.n - 1))
    half = student(freedom) * math.sqrt(ours + theirs)
    change = now.mean - before.mean
    return change - half, change + half


def student(freedom: float) -> float:
    """Return the 0.975 quantile of Student's t distribution; `freedom` is at least 1."""
    low, high = Z, 13.0
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        if _below(middle, min(freedom, _NORMAL)) < _LEVEL:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _below(t: float, freedom: float) -> float:
    """Return the probability of a value below t > 0, by the regularised incomplete beta function.

    Of its two power series the one that converges: all terms are positive, nothing cancels.
    """
    a, b, rest = freedom / 2, 0.5, freedom + t * t
    x, y = freedom / rest, t * t / rest
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log(y))
    if x < y:
        return 1 - front / a * _series(a + b, a + 1, x) / 2
    return (1 + front / b * _series(a + b, b + 1, y)) / 2


def _series(p: float, q: float, x: float) -> float:
    """Return 1 + (p/q) x + (p (p+1)) / (q (q+1)) x^2 + ..., for x up to a half."""
    total, term, step = 1.0, 1.0, 0
    while term > 1e-17 * total:
        term *= (p + step) / (q + step) * x
        total += term
        step += 1
    return total
