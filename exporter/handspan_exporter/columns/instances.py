"""The columns of `service_instances`: who sent something."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from handspan import semconv
from handspan_exporter.columns.fields import resources_of
from handspan_exporter.columns.prepared import Prepared


def instances_of(batch: pa.RecordBatch | Prepared) -> list[tuple[str, str]]:
    """Return service and instance of each resource of what `prepared.joined` returns, once each.

    '' where a resource does not say. Reads resources only: there are few of them.
    """
    attributes = batch.resources if isinstance(batch, Prepared) else resources_of(batch)
    said = [
        pc.map_lookup(attributes, pa.scalar(name), "first").fill_null("").to_pylist()
        for name in (semconv.SERVICE_NAME, semconv.SERVICE_INSTANCE_ID)
    ]
    return list(dict.fromkeys(zip(*said, strict=True)))


def instances_table(instances: list[tuple[str, str]], seen_at_ns: int) -> pa.Table:
    """Return a row for each (service, instance) that was heard of at a moment (Unix time)."""
    return pa.table(
        {
            "service": pa.array([service for service, _ in instances], pa.string()),
            "instance": pa.array([instance for _, instance in instances], pa.string()),
            "seen_at": pa.repeat(pa.scalar(seen_at_ns, pa.timestamp("ns", "UTC")), len(instances)),
        }
    )
