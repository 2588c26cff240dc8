"""Quantiles, intervals and tests as the textbooks write them."""

from __future__ import annotations

import math
from decimal import Decimal
from statistics import NormalDist, mean, variance
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Z = NormalDist().inv_cdf(0.975)
Interval = tuple[float, float] | tuple[None, None]


def ratio(part: Any, whole: Any) -> Any:  # noqa: ANN401 - numbers of any kind
    """Return part / whole, None where the whole is nothing."""
    return part / whole if whole else None


def average(values: Iterable[Any]) -> Any:  # noqa: ANN401
    """Return the mean, None of nothing."""
    found = list(values)
    return sum(found) / len(found) if found else None


def deviation(values: Iterable[Any]) -> float | None:
    """Return the standard deviation of a sample, None of fewer than two values."""
    found = [float(value) for value in values]
    return math.sqrt(variance(found)) if len(found) > 1 else None


def added(values: Iterable[Any]) -> Any:  # noqa: ANN401
    """Return the sum of what is known, None where nothing is."""
    found = [value for value in values if value is not None]
    return sum(found[1:], found[0]) if found else None


def quantile(values: Iterable[Any], level: float) -> float | None:
    """Return the quantile with linear interpolation between order statistics, None of nothing."""
    found = sorted(float(value) for value in values)
    if not found:
        return None
    place = level * (len(found) - 1)
    below = math.floor(place)
    above = min(below + 1, len(found) - 1)
    return found[below] + (found[above] - found[below]) * (place - below)


def seconds(ns: float | None) -> float | None:
    """Return seconds of ns."""
    return None if ns is None else ns / 1e9


def wilson(k: int, n: int) -> Interval:
    """Return Wilson's 95 % interval of a share."""
    if n == 0:
        return None, None
    p = k / n
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def newcombe(k1: int, n1: int, k2: int, n2: int) -> Interval:
    """Return Newcombe's 95 % interval (his method 10) of the difference of two shares."""
    (low1, high1), (low2, high2) = wilson(k1, n1), wilson(k2, n2)
    if low1 is None or high1 is None or low2 is None or high2 is None:
        return None, None
    p1, p2 = k1 / n1, k2 / n2
    below = math.hypot(p1 - low1, high2 - p2)
    above = math.hypot(high1 - p1, p2 - low2)
    return p1 - p2 - below, p1 - p2 + above


def log_ratio(k1: int, n1: int, k2: int, n2: int) -> Interval:
    """Return the 95 % interval of a ratio of shares on the logarithm.

    0.5 is added to successes and to failures; a ratio of 0 is the lower end of its own interval.
    """
    middle = math.log((k1 + 0.5) / (n1 + 1)) - math.log((k2 + 0.5) / (n2 + 1))
    spread = 1 / (k1 + 0.5) - 1 / (n1 + 1) + 1 / (k2 + 0.5) - 1 / (n2 + 1)
    half = Z * math.sqrt(spread)
    return math.exp(middle - half) if k1 else 0.0, math.exp(middle + half)


def welch(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float] | None:
    """Return the difference of two means and its 95 % interval, None where it has none."""
    if len(one) < 2 or len(other) < 2:
        return None
    first, second = variance(one) / len(one), variance(other) / len(other)
    if first + second == 0:
        return None
    freedom = (first + second) ** 2 / (first**2 / (len(one) - 1) + second**2 / (len(other) - 1))
    half = student(0.975, freedom) * math.sqrt(first + second)
    middle = mean(one) - mean(other)
    return middle, middle - half, middle + half


def student(level: float, freedom: float) -> float:
    """Return the quantile of Student's t distribution, by bisection; `level` is above 0.5."""
    low, high = 0.0, 1.0
    while _student_below(high, freedom) < level:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if _student_below(middle, freedom) < level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _student_below(t: float, freedom: float) -> float:
    return 1 - _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function (its continued fraction, by Lentz)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    fraction, c, d = 1.0, 1.0, 0.0
    for step in range(500):
        m = step // 2
        if step == 0:
            term = 1.0
        elif step % 2 == 0:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        fraction *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return front * (fraction - 1) / a


def same(found: object, true: object) -> bool:
    """Say whether an answer is the true value: floats to 1e-9 of it, all else exactly."""
    if isinstance(true, float | Decimal) and isinstance(found, float | int | Decimal):
        money = isinstance(found, Decimal)
        return math.isclose(
            float(found), float(true), rel_tol=1e-9, abs_tol=2e-12 if money else 1e-12
        )
    if isinstance(found, float) and isinstance(true, int):
        return math.isclose(found, true, rel_tol=1e-9)
    return found == true
