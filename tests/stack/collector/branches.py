"""Texts that a pattern finds: one for each of its alternatives, read from the pattern itself."""

from __future__ import annotations

import re
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any


def texts(pattern: re.Pattern[str]) -> list[str]:
    """Return texts that the pattern matches, which together take each alternative once."""
    found = _sequence(list(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)))
    return [one for one in dict.fromkeys(found) if pattern.search(one)]


def _sequence(parts: list[Any]) -> list[str]:
    """Return the first text of all parts, and for each other text of a part one with that."""
    choices = [_part(operation, argument) for operation, argument in parts]
    first = [one[0] for one in choices]
    made = ["".join(first)]
    for place, others in enumerate(choices):
        made += ["".join([*first[:place], one, *first[place + 1 :]]) for one in others[1:]]
    return made


def _part(operation: Any, argument: Any) -> list[str]:  # noqa: ANN401 - the parser has no types
    if operation is code.LITERAL:
        return [chr(argument)]
    if operation is code.IN:
        return [_letter(argument)]
    if operation in (code.MAX_REPEAT, code.MIN_REPEAT):
        least, _, inner = argument
        return [one * max(least, 1) for one in _sequence(list(inner))]
    if operation is code.SUBPATTERN:
        return _sequence(list(argument[-1]))
    if operation is code.BRANCH:
        return [one for branch in argument[1] for one in _sequence(list(branch))]
    # Others look around, and take nothing.
    return ["x" if operation in (code.ANY, code.NOT_LITERAL) else ""]


def _letter(allowed: list[Any]) -> str:
    """Return a letter of a set: a digit where it may be one."""
    for letter in "1A24x -":
        held = any(_holds(letter, operation, argument) for operation, argument in allowed)
        if held != (allowed[0][0] is code.NEGATE):
            return letter
    operation, argument = allowed[0]
    return chr(argument if operation is code.LITERAL else argument[0])


def _holds(letter: str, operation: Any, argument: Any) -> bool:  # noqa: ANN401 - see above
    if operation is code.LITERAL:
        return bool(ord(letter) == argument)
    if operation is code.RANGE:
        return bool(argument[0] <= ord(letter) <= argument[1])
    classes = {
        code.CATEGORY_WORD: r"\w",
        code.CATEGORY_DIGIT: r"\d",
        code.CATEGORY_SPACE: r"\s",
    }
    return operation is code.CATEGORY and bool(re.match(classes[argument], letter))
