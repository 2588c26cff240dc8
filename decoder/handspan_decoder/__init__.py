"""Trace requests of OTLP to the rows of `otel_traces`, by a library in Rust beside this file.

Every function takes and returns what its namesake in `src/lib.rs` does. They run without the GIL.
Only `handspan_exporter/otlp/native.py` uses them.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES: Final = {"darwin": "libhandspan_decoder.dylib", "win32": "handspan_decoder.dll"}
LIBRARY: Final = _NAMES.get(sys.platform, "libhandspan_decoder.so")
"""As cargo calls it here."""

UNSURE: Final = -1
"""Nothing is said about the request: protobuf has to judge."""
PANICKED: Final = -2
"""As `UNSURE`, and a defect."""

ARROW_ARRAY_BYTES: Final = 80
"""Size of the structure of Arrow's C data interface."""

# ImportError, so that a library which does not load here, or lacks something, is as good as none.
try:
    _library = ctypes.CDLL(str(Path(__file__).parent / LIBRARY))
    _library.handspan_copied.restype = ctypes.c_int64
except (OSError, AttributeError) as error:
    raise ImportError(f"handspan_decoder does not load: {error}") from error

_library.handspan_layout.restype = ctypes.c_uint32
_library.handspan_judge.restype = ctypes.c_int64
_library.handspan_judge.argtypes = (
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.c_uint64,
    ctypes.c_uint64,
)
_library.handspan_copied.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
_library.handspan_rows.restype = ctypes.c_int64
_library.handspan_rows.argtypes = (
    ctypes.POINTER(ctypes.c_char_p),
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_void_p,
)

LAYOUT: Final[int] = _library.handspan_layout()
"""What the functions take and return; another number, another library."""


def judge(body: bytes, oldest_ns: int, newest_ns: int) -> int:
    """Return how many spans a request has that is sound, all let in; else below 0.

    Args:
        body: One request.
        oldest_ns: The earliest start of a span, Unix time.
        newest_ns: The latest one.
    """
    found: int = _library.handspan_judge(body, len(body), oldest_ns, newest_ns)
    return found


def copied(body: bytes) -> int:
    """Return how many bytes of resources and scopes its rows have, each its own; else below 0.

    Args:
        body: A request that `judge` has taken.
    """
    found: int = _library.handspan_copied(body, len(body))
    return found


def rows(bodies: Sequence[bytes], rows_at: int, resources_at: int) -> int:
    """Write the rows of requests that `judge` has taken, and the attributes of all resources.

    Args:
        bodies: The requests, one at least.
        rows_at: Address of `ARROW_ARRAY_BYTES` bytes, which become an ArrowArray.
        resources_at: Another.

    Returns:
        How many requests that were, or below 0 with nothing written.
    """
    count = len(bodies)
    starts, lengths = (
        (ctypes.c_char_p * count)(*bodies),
        (ctypes.c_size_t * count)(*map(len, bodies)),
    )
    found: int = _library.handspan_rows(starts, lengths, count, rows_at, resources_at)
    return found
