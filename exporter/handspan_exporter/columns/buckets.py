"""Usage and cost as Langfuse tells them, JSON texts by bucket: `mapping.BUCKETS` on a batch."""

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
    if not attributes.has([mapping.BUCKETS_KEY]).any():
        return {}
    texts = attributes.text(mapping.BUCKETS_KEY)
    said = {name: _count(texts, *names) for name, names in mapping.BUCKETS.items()}
    for name, added in mapping.BUCKETS_ADDED.items():
        for bucket in added:
            more = _count(texts, bucket)
            said[name] = pc.coalesce(pc.add(said[name], more), said[name], more)
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
    found = [pc.extract_regex(texts, mapping.bucket(name)) for name in names]
    counts = [parse.counts(pc.struct_field(one, [0])) for one in found]
    return pc.coalesce(*counts) if len(counts) > 1 else counts[0]
