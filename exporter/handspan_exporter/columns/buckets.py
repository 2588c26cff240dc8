"""Usage and cost as Langfuse and LangSmith tell them, within JSON texts: the mapping on a batch."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns import mapping, parse

if TYPE_CHECKING:
    from handspan_exporter.columns.attributes import Attributes


def usage(attributes: Attributes) -> dict[str, pa.Array]:
    """Return the columns of tokens, null where nothing is said; nothing where no span says any."""
    found = _buckets(attributes)
    for name, counts in _details(attributes).items():
        found[name] = pc.coalesce(found[name], counts) if name in found else counts
    return found


def _details(attributes: Attributes) -> dict[str, pa.Array]:
    """Return what LangSmith tells beside input and output, see `mapping.USAGE`."""
    if not attributes.has([mapping.USAGE_KEY]).any():
        return {}
    texts = attributes.text(mapping.USAGE_KEY)
    found = {name: _matched(texts, mapping.detail(one)) for name, one in mapping.USAGE.items()}
    for name, added in mapping.USAGE_ADDED.items():
        for one in added:
            found[name] = _plus(found[name], _matched(texts, mapping.detail(one)))
    return found


def _buckets(attributes: Attributes) -> dict[str, pa.Array]:
    """Return what Langfuse tells, see `mapping.BUCKETS`."""
    if not attributes.has([mapping.BUCKETS_KEY]).any():
        return {}
    texts = attributes.text(mapping.BUCKETS_KEY)
    said = {name: _count(texts, *names) for name, names in mapping.BUCKETS.items()}
    for name, added in mapping.BUCKETS_ADDED.items():
        for bucket in added:
            said[name] = _plus(said[name], _count(texts, bucket))
    whole = pc.equal(
        _count(texts, mapping.BUCKETS_WHOLE), pc.add(said["input_tokens"], said["output_tokens"])
    )
    found = dict(said)
    for name, beside in mapping.BUCKETS_BESIDE.items():
        for other in beside:
            part = pc.if_else(whole.fill_null(False), pa.scalar(0, pa.uint64()), said[other])
            found[name] = pc.add(found[name], part.fill_null(0))
    for name, inclusive in mapping.BUCKETS_INCLUSIVE.items():
        found[name] = pc.coalesce(found[name], _count(texts, inclusive))
    return found


def cost_usd(attributes: Attributes, failed: pa.Array) -> pa.Array | None:
    """Return the cost that each span tells, None where none does; 0 of a failed call is none."""
    if not attributes.has([mapping.COST_KEY]).any():
        return None
    found = pc.extract_regex(attributes.text(mapping.COST_KEY), mapping.COST_TOTAL)
    usd = parse.usd(pc.struct_field(found, [0]))
    nothing = pc.and_(failed, pc.equal(usd, pa.scalar(Decimal(0), parse.USD)))
    return pc.if_else(nothing.fill_null(False), pa.scalar(None, parse.USD), usd)


def called(columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Return the columns in which a Langfuse span has its name, see `mapping.CALLED`."""
    own = pc.equal(columns["convention"], mapping.LANGFUSE)
    if not pc.any(own).as_py():
        return {}
    found = {}
    for kind, name in mapping.CALLED.items():
        nameless = pc.and_(pc.equal(columns["kind"], kind), pc.equal(columns[name], ""))
        found[name] = pc.if_else(pc.and_(own, nameless), columns["name"], columns[name])
    return found


def _count(texts: pa.Array, *names: str) -> pa.Array:
    """Return the number in the first of these buckets that is there, null where none is."""
    counts = [_matched(texts, mapping.bucket(name)) for name in names]
    return pc.coalesce(*counts) if len(counts) > 1 else counts[0]


def _matched(texts: pa.Array, pattern: str) -> pa.Array:
    return parse.counts(pc.struct_field(pc.extract_regex(texts, pattern), [0]))


def _plus(counts: pa.Array, more: pa.Array) -> pa.Array:
    """Return the sums, of one where the other is null."""
    return pc.coalesce(pc.add(counts, more), counts, more)
