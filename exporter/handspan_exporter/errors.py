"""Everything the service raises on purpose, sorted by what the caller must do.

HandspanError
├── Stop              stop: nothing will change until a person does something; the message says what
│   ├── UsageError        the command line or a setting is wrong (exit code 2)
│   ├── NotFound          no KPI or run has that name: answer 404
│   │   └── NoSuchKpi         the same on a command line (exit code 2)
│   ├── PortTaken         another program listens there
│   ├── NotAuthenticated  no token or a wrong one: answer UNAUTHENTICATED or 401
│   ├── NotPermitted      the token is not for this: answer PERMISSION_DENIED or 403
│   ├── StoreHeld         another process has the embedded store open
│   └── StoreUnsuitable   the store is too old, or not what the DSN says
├── Drop              drop and count: this input can never be stored
│   ├── MalformedRequest  answer INVALID_ARGUMENT (gRPC) or 400 (HTTP)
│   └── RowsRefused       ClickHouse will not take these rows; they go to rejected/
├── QueryFailed       tell the asker: the store refused or broke off this one query
└── TryAgain          retry later: nothing was stored
    ├── OverLimit         answer RESOURCE_EXHAUSTED with RetryInfo, or 429 with Retry-After
    ├── Busy              the same kind of work is under way: answer 409
    ├── JournalFull       answer UNAVAILABLE (gRPC) or 503 (HTTP)
    └── StoreDown         back off, then send the same rows with the same token
"""

from __future__ import annotations


class HandspanError(Exception):
    """Base of all that this package raises on purpose; its text is one line for a person."""

    exit_code = 1


class Stop(HandspanError):
    """Nothing will change until a person does something."""


class UsageError(Stop):
    """The command line, a question or a setting is wrong; the message names it."""

    exit_code = 2

    def __init__(self, text: str, *, parameter: str = "") -> None:
        """Say what is wrong; of a question, with which parameter: `since`, `min_cost_usd`."""
        option = f"--{parameter.replace('_', '-')}: " if parameter else ""
        super().__init__(option + text)
        self.parameter = parameter
        self.text = text


class NotFound(Stop):
    """No KPI or run has the name that was asked for."""


class NoSuchKpi(NotFound):
    """No KPI has the name: as wrong as any other word on the command line."""

    exit_code = 2


class PortTaken(Stop):
    """Another program listens on the address; the message says which setting moves ours."""


class NotAuthenticated(Stop):
    """A client showed no token where one is needed, or a wrong one."""


class NotPermitted(Stop):
    """A client's token is not for what it asked."""


class StoreHeld(Stop):
    """Another process has the embedded store open; the message names its pid."""


class StoreUnsuitable(Stop):
    """The store is too old, or not what the DSN says."""


class Drop(HandspanError):
    """The input can never be stored: sending it again would fail again."""


class MalformedRequest(Drop):
    """The body is not what its content type says."""


class RowsRefused(Drop):
    """ClickHouse will not take these rows for their content."""


class QueryFailed(HandspanError):
    """The store refused or broke off one query."""


class TryAgain(HandspanError):
    """Nothing was stored; the same request may succeed later."""


class OverLimit(TryAgain):
    """A token has reached one of its limits."""

    def __init__(self, limit: str, allowed: str, retry_s: float) -> None:
        """Say which limit, what it allows, and after how many seconds to come again."""
        super().__init__(
            f"this token's limit {limit} is reached ({allowed}): come again in {retry_s:.1f} s"
        )
        self.limit = limit
        self.retry_s = retry_s


class Busy(TryAgain):
    """Work of which there is one at a time is under way; the message says since when."""


class JournalFull(TryAgain):
    """The journal has reached its byte limit, or the disk is full."""


class StoreDown(TryAgain):
    """ClickHouse did not answer, or answered that it is overloaded."""
