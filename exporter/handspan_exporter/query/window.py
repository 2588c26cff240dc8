"""Windows of time as people write them: `24h`, `7d`, `2026-11-20T08:00Z`, `now`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from handspan_exporter.errors import UsageError

_UNIT_NS = {
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}
_AGO = re.compile(r"(\d{1,9})\s*([smhdw])", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?P<fraction>\.\d{1,9})?)?"
    r"(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE | re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_NS = 2**63 - 1
_EXAMPLES = "use 90m, 24h, 7d, 2026-11-20, 2026-11-20T08:00:00Z or now"


@dataclass(frozen=True, slots=True)
class Window:
    """The time [since, until), in ns since the epoch."""

    since_ns: int
    until_ns: int


def window(since: str, until: str, *, now_ns: int) -> Window:
    """Read both ends of a window; `now` as `until` takes in everything up to this moment.

    Raises:
        UsageError: an end cannot be read, or since is not before until.
    """
    # Half-open: what ended in this very nanosecond has to be inside.
    until_ns = now_ns + 1 if until.strip().lower() == "now" else moment("until", until, now_ns)
    since_ns = moment("since", since, now_ns)
    if since_ns >= until_ns == now_ns + 1:
        raise UsageError(f"{_shortened(since)} is in the future; {_EXAMPLES}", parameter="since")
    if since_ns >= until_ns:
        raise UsageError(f"{since} is not before until, {until}", parameter="since")
    return Window(since_ns, until_ns)


def moment(named: str, text: str, now_ns: int) -> int:
    """Return ns since the epoch of `text`: so long ago, an ISO date or time (UTC), or `now`.

    Raises:
        UsageError: it is none of them; the error names `named`.
    """
    said = text.strip()
    if said.lower() == "now":
        return now_ns
    ago = ago_ns(said)
    found = _iso_ns(said) if ago is None else now_ns - ago
    if found is not None and found > _LARGEST_NS:
        text = f"{_shortened(said)} is too far in the future; {_EXAMPLES}"
        raise UsageError(text, parameter=named)
    if found is None or not 0 <= found <= _LARGEST_NS:
        raise UsageError(f"{_shortened(text)!r} is not a time; {_EXAMPLES}", parameter=named)
    return found


def ago_ns(text: str) -> int | None:
    """Return the length of `90m`, `24h`, `7d`, `2w` in ns, or None when it is none."""
    ago = _AGO.fullmatch(text.strip().lower())
    return int(ago[1]) * _UNIT_NS[ago[2]] if ago else None


def iso(moment_ns: int) -> str:
    """Return ns since the epoch as ISO 8601 in UTC, with all nine digits."""
    seconds, rest_ns = divmod(moment_ns, _UNIT_NS["s"])
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}Z"


def parameter(moment_ns: int) -> str:
    """Return ns since the epoch as ClickHouse reads a DateTime64(9, 'UTC') parameter."""
    return iso(moment_ns).replace("T", " ").removesuffix("Z")


def _iso_ns(text: str) -> int | None:
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    fraction = match["fraction"] or ""
    try:
        read = datetime.fromisoformat(text.upper().replace(fraction, "", 1))
    except ValueError:
        return None
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    # datetime ends at microseconds; the fraction is added as the integer that it is.
    whole = (aware - _EPOCH) // timedelta(seconds=1) * _UNIT_NS["s"]
    return whole + int(fraction[1:].ljust(9, "0") or 0)


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "..."
