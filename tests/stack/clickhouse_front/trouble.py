"""Trouble on demand: what the front does to every statement, as a file says at that moment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Trouble:
    """Nothing by default. The engine itself refuses: only its limits are set from outside."""

    slow_s: float = 0.0
    """Before each statement."""
    settings: dict[str, str] = field(default_factory=dict)
    """Of each statement: no memory, nothing may be written."""
    lose_answers: bool = False
    """Of inserts: they are done, and the connection ends without an answer."""

    @classmethod
    def of(cls, path: Path | None) -> Self:
        """Read what the file says now; where there is none, there is no trouble."""
        if path is None or not path.exists():
            return cls()
        return cls(**json.loads(path.read_text()))
