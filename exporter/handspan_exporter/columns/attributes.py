"""The attributes of a batch of spans, flattened once, to be asked by name without a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    Positions = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


class Attributes:
    """Finds values by name for all spans at once; of a name given twice the first value counts.

    Empty values are as good as absent ones here. Texts are handled as bytes throughout: what is
    not UTF-8 passes unchanged.
    """

    def __init__(self, maps: pa.Array, names: Sequence[str]) -> None:
        """Flatten a map column; `names` are the only keys that can be asked for later."""
        keys, self._values, spans = _flat(maps)
        known = pc.index_in(keys, value_set=pa.array(names, pa.binary()))
        # 16 bits: numpy sorts them by radix, eight times as fast.
        ids = np.asarray(known.fill_null(-1)).astype(np.int16)
        empty = np.asarray(pc.binary_length(self._values).fill_null(0)) == 0
        kept = np.flatnonzero((ids >= 0) & ~empty & (spans >= 0))
        # Backwards, so that the first of two equal names is written last and stays.
        order = kept[::-1][np.argsort(ids[kept][::-1], kind="stable")]
        bounds = np.searchsorted(ids[order], np.arange(len(names) + 1))
        self._positions: dict[str, Positions] = {
            name: order[bounds[n] : bounds[n + 1]]
            for n, name in enumerate(names)
            if bounds[n] < bounds[n + 1]
        }
        self._span_of = spans
        self.spans = len(maps)

    def of(self, spans: Positions) -> Self:
        """Return the attributes of some of the spans, numbered anew from 0."""
        if len(spans) == self.spans:
            return self
        number = np.full(self.spans + 1, -1, np.int64)  # the last one is for items of no span
        number[spans] = np.arange(len(spans))
        some = object.__new__(type(self))
        some.spans = len(spans)
        some._values = self._values
        some._span_of = number[self._span_of]
        some._positions = {
            name: kept
            for name, positions in self._positions.items()
            if len(kept := positions[some._span_of[positions] >= 0])
        }
        return some

    def knows(self, name: str) -> bool:
        """Tell whether any span has the name."""
        return name in self._positions

    def has(self, names: Iterable[str]) -> Mask:
        """Return which spans have one of the names."""
        found = np.zeros(self.spans, np.bool_)
        for name in names:
            if name in self._positions:
                found[self._span_of[self._positions[name]]] = True
        return found

    def first(self, sources: Sequence[tuple[str, Mask | None]]) -> Positions | None:
        """Return where each span's value is: the first source that it has; -1 where none.

        A source is a name and the spans on which it counts (None: all). None stands for no
        value on any span.
        """
        found: Positions | None = None
        for name, counts in reversed(sources):
            positions = self._positions.get(name)
            if positions is None:
                continue
            if counts is not None:
                positions = positions[counts[self._span_of[positions]]]
            found = np.full(self.spans, -1, np.int64) if found is None else found
            found[self._span_of[positions]] = positions
        return found if found is not None and (found >= 0).any() else None

    def take(self, positions: Positions | None) -> pa.Array:
        """Return the values as bytes, one per span, null where there is none."""
        if positions is None:
            return pa.nulls(self.spans, pa.binary())
        if (positions >= 0).all():
            return self._values.take(pa.array(positions))
        return self._values.take(pa.array(positions, mask=positions < 0))

    def text(self, name: str) -> pa.Array:
        """Return the values of one name as bytes, null where there is none."""
        return self.take(self.first([(name, None)]))


def as_bytes(column: pa.Array) -> pa.Array:
    """Return a text column of any Arrow type as bytes, unchecked and mostly uncopied."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type):
        column = column.cast(pa.large_binary())
    return column.cast(pa.binary())


def as_strings(values: pa.Array) -> pa.Array:
    """Return bytes as strings without looking at them: ClickHouse keeps any bytes."""
    return values.view(pa.string())


def _flat(maps: pa.Array) -> tuple[pa.Array, pa.Array, Any]:
    """Return all keys, all values and the span of each, -1 for those of a null map."""
    offsets = np.asarray(maps.offsets).astype(np.int64)
    first, items = int(offsets[0]), int(offsets[-1] - offsets[0])
    spans = np.repeat(np.arange(len(maps), dtype=np.int64), np.diff(offsets))
    if maps.null_count:
        spans[~np.asarray(maps.is_valid())[spans]] = -1
    keys = _bytes_by_dictionary(maps.keys.slice(first, items))
    return keys, as_bytes(maps.items.slice(first, items)), spans


def _bytes_by_dictionary(keys: pa.Array) -> pa.Array:
    """Return keys as bytes, staying dictionary-encoded: looking up few distinct ones is cheap."""
    if not pa.types.is_dictionary(keys.type):
        return as_bytes(keys)
    return pa.DictionaryArray.from_arrays(
        keys.indices, as_bytes(keys.dictionary)
    ).dictionary_decode()
