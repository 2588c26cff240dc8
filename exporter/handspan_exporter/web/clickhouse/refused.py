"""A refusal as a ClickHouse server words it: clients look for the number, people read the text."""

from __future__ import annotations

import re
from typing import Final, Self

BAD_ARGUMENTS: Final = (36, "BAD_ARGUMENTS")
NOT_IMPLEMENTED: Final = (48, "NOT_IMPLEMENTED")
UNKNOWN_FORMAT: Final = (73, "UNKNOWN_FORMAT")
TIMEOUT_EXCEEDED: Final = (159, "TIMEOUT_EXCEEDED")
READONLY: Final = (164, "READONLY")
REQUIRED_PASSWORD: Final = (194, "REQUIRED_PASSWORD")
TOO_MANY_QUERIES: Final = (202, "TOO_MANY_SIMULTANEOUS_QUERIES")
TOO_LARGE: Final = (223, "QUERY_IS_TOO_LARGE")
TOO_MUCH: Final = (396, "TOO_MANY_ROWS_OR_BYTES")
ACCESS_DENIED: Final = (497, "ACCESS_DENIED")
AUTHENTICATION_FAILED: Final = (516, "AUTHENTICATION_FAILED")

_STATUSES: Final = {
    194: 401,
    **dict.fromkeys((192, 193, 497, 516), 403),
    **dict.fromkeys((36, 62, 6, 26, 27, 38, 41, 69, 117, 53, 44, 15, 321, 427, 376), 400),
    **dict.fromkeys((60, 46, 47, 50, 56, 81, 115, 63, 73, 77, 78), 404),
    159: 408,
    223: 413,
    202: 429,
    48: 501,
}
"""Code -> HTTP status, as ClickHouse has it; others are 500. Only 202 differs: it is 500 there, and
429 tells proxies and clients to come again."""

_TOLD = re.compile(r"Code: (\d+)\. DB::Exception: ")
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")
_VERSION = re.compile(r" \(version [^)]*\)")
_REPEATED = re.compile(r"( \([A-Z][A-Z0-9_]+\))\.?(?: \([A-Z][A-Z0-9_]+\))+$")


class Refused(Exception):
    """A request that is not answered with rows."""

    def __init__(self, kind: tuple[int, str], text: str) -> None:
        """Remember ClickHouse's number and name of the error, and what a person reads."""
        super().__init__(text)
        self.code, self.name = kind

    @classmethod
    def by_engine(cls, error: BaseException) -> Self:
        """Return what the engine said; it may say its head and its version twice."""
        text = str(error)
        codes = _TOLD.findall(text)
        text = _REPEATED.sub(r"\1", _VERSION.sub("", _TOLD.sub("", text)).strip())
        names = _NAME.findall(text)
        name = names[-1] if names else "UNKNOWN_EXCEPTION"
        return cls((int(codes[0]) if codes else 1002, name), text.removesuffix(f" ({name})"))

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUSES.get(self.code, 500)

    def body(self, version: str) -> bytes:
        """Return the text as a server sends it, its version at the end."""
        said = str(self).rstrip(".")
        line = f"Code: {self.code}. DB::Exception: {said}. ({self.name}) (version {version})\n"
        return line.encode()
