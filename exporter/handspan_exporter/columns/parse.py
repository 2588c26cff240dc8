"""Texts of attribute values to typed columns. Total: what does not fit is null, nothing raises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns.attributes import as_strings

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

USD: Final = pa.decimal128(18, 12)
INSTANT: Final = pa.timestamp("ns", "UTC")

_DIGITS: Final = r"^[0-9]{1,19}$"  # always fits 64 bits
_REAL: Final = r"^[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?$"
_EXACT_INTEGERS: Final = 2.0**53
"""Below it a float64 holds every whole number."""


def counts(texts: pa.Array) -> pa.Array:
    """Return whole numbers >= 0 as uint64; `12.0` and `1e3` are whole, too."""
    plain = _matches(texts, _DIGITS)
    whole = _kept(texts, plain).cast(pa.uint64())
    if plain.sum() == len(texts) - texts.null_count:
        return whole
    floats = np.asarray(reals(_kept(texts, ~plain)).fill_null(-1.0))
    fits = (floats >= 0) & (floats < _EXACT_INTEGERS) & (floats == np.floor(floats))
    converted = pa.array(np.where(fits, floats, 0).astype(np.uint64), mask=~fits)
    return pc.coalesce(whole, converted)


def numbers(texts: pa.Array) -> pa.Array:
    """Return whole numbers as uint32, 0 where there is none or it is too large."""
    found = np.asarray(counts(texts).fill_null(0))
    return pa.array(np.where(found < 2**32, found, 0).astype(np.uint32))


def reals(texts: pa.Array) -> pa.Array:
    """Return finite numbers as float64."""
    return as_strings(_kept(texts, _matches(texts, _REAL))).cast(pa.float64())


def usd(texts: pa.Array) -> pa.Array:
    """Return amounts in [0, 1e6) as Decimal(18, 12), rounded to 1e-12."""
    amounts = np.asarray(reals(texts).fill_null(-1.0))
    # Dollars apart: 1e6 with 12 decimals is more than a float64 holds exactly.
    dollars = np.floor(np.where((amounts >= 0) & (amounts < 1e6), amounts, 0.0))
    rest = np.rint((np.where(dollars >= 0, amounts, 0.0) - dollars) * 1e12)
    fits = (amounts >= 0) & (amounts < 1e6) & (dollars * 1e12 + rest < 1e18)
    pico = np.where(fits, dollars, 0).astype(np.int64) * 10**12 + np.where(fits, rest, 0).astype(
        np.int64
    )
    wide = np.zeros((len(pico), 2), np.int64)
    wide[:, 0] = pico
    validity = pa.py_buffer(np.packbits(fits, bitorder="little"))
    return pa.Array.from_buffers(USD, len(pico), [validity, pa.py_buffer(wide)])


def instants(texts: pa.Array) -> pa.Array:
    """Return nanoseconds since the epoch, > 0, as instants."""
    found = np.asarray(counts(texts).fill_null(0))
    fits = (found > 0) & (found < 2**63)
    return pa.array(np.where(fits, found, 0).astype(np.int64), mask=~fits).view(INSTANT)


def flags(texts: pa.Array) -> pa.Array:
    """Return whether the value is true or 1."""
    return pc.is_in(texts, value_set=pa.array([b"true", b"True", b"1"]))


def answers(texts: pa.Array) -> pa.Array:
    """Return true for true or 1, false for false or 0, null for any other text."""
    no = pc.is_in(texts, value_set=pa.array([b"false", b"False", b"0"]))
    return pc.if_else(pc.or_(flags(texts), no), flags(texts), pa.scalar(None, pa.bool_()))


def lists(texts: pa.Array) -> pa.Array:
    """Return lists of strings out of JSON arrays; another text is a list of itself, null is empty.

    The one loop: over the distinct texts, which few spans have.
    """
    distinct = texts.dictionary_encode()
    items = [*map(_items, distinct.dictionary.to_pylist()), []]
    parsed = pa.array(items, pa.list_(pa.binary()))
    strings = pa.ListArray.from_arrays(parsed.offsets, as_strings(parsed.values))
    return strings.take(distinct.indices.fill_null(len(items) - 1))


def words(texts: pa.Array, known: tuple[str, ...]) -> pa.Array:
    """Return the texts that are known words, null for others."""
    return _kept(texts, np.asarray(pc.is_in(texts, value_set=pa.array(known, pa.binary()))))


def _items(text: bytes) -> list[bytes]:
    if not text.lstrip().startswith(b"["):
        return [text]
    try:
        return [_item(one) for one in json.loads(text)]
    except (ValueError, RecursionError):
        return []


def _item(one: Any) -> bytes:  # noqa: ANN401 - whatever JSON holds
    text = one if isinstance(one, str) else json.dumps(one)
    return text.encode("utf-8", "replace")  # JSON can spell half a surrogate pair


def _matches(texts: pa.Array, pattern: str) -> Mask:
    matched: Mask = np.asarray(pc.match_substring_regex(texts, pattern).fill_null(False))
    return matched


def _kept(texts: pa.Array, keep: Mask) -> pa.Array:
    """Return the texts where `keep`, else null."""
    if keep.sum() == len(texts) - texts.null_count:
        return texts
    return pc.if_else(pa.array(keep), texts, pa.scalar(None, texts.type))
