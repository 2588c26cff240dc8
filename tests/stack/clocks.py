"""The clock of a real process, set back and forth while it runs; its engine's clock stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIBRARIES = ("libfaketimeMT.so.1", "libfaketime.so.1")
_FOLDERS = ("/usr/lib/*/faketime", "/usr/local/lib/faketime", "/usr/lib/faketime")


class Clock:
    """Seconds that a process believes to be ahead; it asks anew at each look at the clock."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "faketime"
        self.set(0)

    def set(self, ahead_s: int) -> None:
        """Jump; negative is back."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{ahead_s:+d}\n")
        fresh.replace(self._file)

    def environment(self) -> Mapping[str, str]:
        """Return what makes a process follow this clock; waiting is as long as ever."""
        found = [path for folder in _FOLDERS for path in Path("/").glob(folder[1:])]
        libraries = [path / name for name in _LIBRARIES for path in found if (path / name).exists()]
        if not libraries:
            pytest.fail("no libfaketime: `apt-get install faketime`")
        return {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
