"""What single instrumentors and frameworks say in their own way: mapping.CORRECTIONS on a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns import mapping
from handspan_exporter.columns.attributes import Attributes

if TYPE_CHECKING:
    import numpy.typing as npt

    Codes = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

KIND: Final = {kind: code for code, kind in enumerate(mapping.KINDS)}
"""Kind -> its index in `mapping.KINDS`."""

_EVENT_KEYS: Final = tuple({one.key for one in mapping.HANDOFF_TOOLS if one.in_event})


def correct(attributes: Attributes, names: pa.Array, scopes: pa.Array, kind: Codes) -> None:
    """Change the kinds of spans whose scope is known to claim what they are not."""
    present = set(pc.unique(scopes).to_pylist())
    for scope, corrections in mapping.CORRECTIONS.items():
        if scope.encode() not in present:
            continue
        here = _true(pc.equal(scopes, scope.encode()))
        for one in corrections:
            rows = np.flatnonzero(here & (kind == KIND[one.says]))
            if len(rows):
                texts, called = _of(attributes.text(one.key), rows), _of(names, rows)
                kind[rows[_holds(one, texts, called)]] = KIND[one.kind]


def _holds(one: mapping.Correction, texts: pa.Array, names: pa.Array) -> Mask:
    """Return on which of the spans of its scope and kind a correction counts."""
    if one.pattern is None:
        return np.asarray(texts.is_null())
    if one.is_name:
        return _true(pc.equal(pc.struct_field(pc.extract_regex(texts, one.pattern), [0]), names))
    found = _true(pc.match_substring_regex(texts, one.pattern))
    return np.asarray(texts.is_valid()) & (~found if one.but_not else found)


def handoff_tools(
    attributes: Attributes, events: pa.Array, kind: Codes
) -> tuple[pa.Array, pa.Array]:
    """Turn tools that hand over into handoffs; return their targets, as bytes, and modes."""
    rows = np.flatnonzero(kind == KIND["tool"])
    called = [attributes.text(one.key) for one in mapping.BY_NAME["tool"].sources]
    names = _of(pc.coalesce(*called), rows)
    target, mode = np.full(attributes.spans, None, object), np.full(attributes.spans, None, object)
    for one in reversed(mapping.HANDOFF_TOOLS):
        some = rows[_true(pc.match_substring_regex(names, f"(?i)^{one.tool}$"))]
        if not len(some):
            continue
        texts = _in_events(events, some) if one.in_event else _of(attributes.text(one.key), some)
        found = pc.struct_field(pc.extract_regex(texts, one.pattern), [0])
        hands = np.asarray(found.is_valid())
        target[some[hands]] = found.filter(pa.array(hands)).to_pylist()
        mode[some[hands]] = one.mode
        kind[some[hands]] = KIND["handoff"]
    return pa.array(target, pa.binary()), pa.array(mode, pa.string())


def _in_events(events: pa.Array, rows: Codes) -> pa.Array:
    """Return of each of the spans the first text that its events have under the known key."""
    chosen = events.take(pa.array(rows))
    span_of = np.asarray(pc.list_parent_indices(chosen)).astype(np.int64)
    texts = Attributes(chosen.flatten(), _EVENT_KEYS).text(_EVENT_KEYS[0])
    said = np.flatnonzero(np.asarray(texts.is_valid()))[::-1]
    first = np.full(len(rows), -1, np.int64)
    first[span_of[said]] = said
    return texts.take(pa.array(first, mask=first < 0))


def _of(texts: pa.Array, rows: Codes) -> pa.Array:
    return texts.take(pa.array(rows))


def _true(answers: pa.Array) -> Mask:
    marks: Mask = np.asarray(answers.fill_null(False))
    return marks
