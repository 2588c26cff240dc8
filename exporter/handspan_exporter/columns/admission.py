"""Which spans of a request are let in. One wrong clock must not cost a whole request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from handspan_exporter.columns.logs import moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

EARLY_S = 3600
"""A span may start so far in the future: clocks differ."""

_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Admission:
    """The verdict on the spans or log records of one request."""

    admitted: NDArray[np.bool_]
    reasons: dict[str, int]
    """Why how many were refused; each is counted under the first reason that holds."""


def admission(spans: pa.StructArray, *, now_ns: int, raw_days: int) -> Admission:
    """Judge every decoded span: it has ids, does not end before it starts, and starts in our time.

    ClickHouse would refuse a whole segment that spans too many days, and rows older than the
    retention would vanish at the next merge, silently.
    """
    start = np.asarray(spans.field("start_time_unix_nano"))
    end = np.asarray(spans.field("end_time_unix_nano"))
    oldest, newest = map(np.uint64, our_time(now_ns, raw_days))
    checks = {
        "no valid trace id": ~_valid(spans.field("trace_id"), 16),
        "no valid span id": ~_valid(spans.field("span_id"), 8),
        "ends before it starts": end < start,
        f"starts more than {raw_days} days ago": start < oldest,
        "starts in the future": start > newest,
    }
    return _verdict(len(spans), checks)


def log_admission(records: pa.StructArray, *, now_ns: int, raw_days: int) -> Admission:
    """Judge every decoded log record: it happened in our time, and an id that it has is one."""
    moment = np.asarray(moments(records))
    oldest, newest = map(np.uint64, our_time(now_ns, raw_days))
    checks = {
        "no valid trace id": ~_valid_or_none(records.field("trace_id"), 16),
        "no valid span id": ~_valid_or_none(records.field("span_id"), 8),
        "without a time": moment == 0,
        f"more than {raw_days} days old": moment < oldest,
        "from the future": moment > newest,
    }
    return _verdict(len(records), checks)


def our_time(now_ns: int, raw_days: int) -> tuple[int, int]:
    """Return the oldest and the newest moment that is taken, in Unix ns."""
    return max(now_ns - raw_days * _DAY_NS, 0), now_ns + EARLY_S * 10**9


def _verdict(items: int, checks: dict[str, NDArray[np.bool_]]) -> Admission:
    admitted = np.ones(items, np.bool_)
    reasons = {}
    for reason, refused in checks.items():
        found = int((refused & admitted).sum())
        admitted &= ~refused
        if found:
            reasons[reason] = found
    return Admission(admitted, reasons)


def _valid_or_none(ids: pa.BinaryArray, length: int) -> NDArray[np.bool_]:
    """Return for each id whether it is absent or has the length; zeros are none."""
    found = np.asarray(pa.compute.binary_length(ids))
    allowed: NDArray[np.bool_] = (found == length) | (found == 0)
    return allowed


def _valid(ids: pa.BinaryArray, length: int) -> NDArray[np.bool_]:
    """Return for each id whether it has the length and is not only zeros."""
    right = np.asarray(pa.compute.binary_length(ids)) == length
    zeros = np.asarray(pa.compute.equal(ids, pa.scalar(bytes(length))))
    valid: NDArray[np.bool_] = right & ~zeros
    return valid
