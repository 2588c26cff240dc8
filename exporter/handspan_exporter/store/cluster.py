"""The schema of a cluster, from the files of one server.

A table that is keyed by a trace or a run becomes two: `<name>_local` on every shard, replicated,
and `<name>`, a Distributed table over it, so that every other statement stays as it is. The small
tables of the processor are one replicated table on all nodes.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from handspan_exporter import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS: Final[Mapping[str, Any]] = {
    # Temporary tables are on one node only, and so are the facts that a subquery selects.
    "prefer_global_in_and_join": 1,
    "distributed_product_mode": "global",
    # An insert is stored when it returns, not queued on the node that took it.
    "distributed_foreground_insert": 1,
    # Who reads what was just written asks the replica that took it, as long as it lives.
    "load_balancing": "in_order",
    # Half an answer would be a wrong KPI.
    "skip_unavailable_shards": 0,
}
"""Of every session with a cluster."""

SHARDED_BY: Final = {
    "otel_traces": "cityHash64(TraceId)",
    "otel_traces_trace_id_ts": "cityHash64(TraceId)",
    # Records outside any trace are many: by their time they spread, and a replay finds its shard.
    "otel_logs": "cityHash64(if(TraceId = '', toString(Timestamp), TraceId))",
}
"""What tells a row's shard, where that is not the first column of its key. What replaces a row
must come to its shard: so the key of a replacing table decides (D1), and not a fact's run, which
may change."""

_KEYS: Final = ("trace_id", "run_id")
_COMMENT = r"(?:--[^\n]*\n|\s)*"
_TABLE = re.compile(
    rf"(?s)^(?P<head>{_COMMENT})CREATE TABLE IF NOT EXISTS (?P<name>\w+)(?P<columns>.*?)\n"
    r"ENGINE = (?P<engine>\w+)(?:\((?P<arguments>[^)]*)\))?(?P<rest>.*)$"
)
_VIEW = re.compile(
    rf"(?s)^(?P<head>{_COMMENT})CREATE MATERIALIZED VIEW IF NOT EXISTS (?P<name>\w+) "
    r"TO (?P<target>\w+) AS(?P<select>.*?)\nFROM (?P<source>\w+)(?P<rest>.*)$"
)
_ALTER = re.compile(rf"(?s)^(?P<head>{_COMMENT})ALTER TABLE (?P<name>\w+) (?P<change>.*)$")
_ORDER = re.compile(r"ORDER BY \(?(\w+)")
_ONLY_LOCAL = re.compile(r"MODIFY (TTL|SETTING|COLUMN \w+ CODEC)|(ADD|DROP) INDEX")


class Cluster:
    """Turns the statements of a schema file into those of a cluster."""

    def __init__(self, name: str) -> None:
        """Take the name that `remote_servers` has for it; "" is one server."""
        self._name = name

    @property
    def is_one_server(self) -> bool:
        """Whether one server has every row."""
        return not self._name

    def statements(self, statement: str) -> list[str]:
        """Return what makes of a cluster what `statement` makes of one server, in order.

        Raises:
            ValueError: a kind of statement that no schema file has.
        """
        if not self._name:
            return [statement]
        if found := _TABLE.match(statement):
            return self._table(found)
        if found := _VIEW.match(statement):
            return [self._view(found)]
        if found := _ALTER.match(statement):
            return self._altered(found)
        raise ValueError(f"not a statement of a schema: {statement[:80]}")

    def _table(self, found: re.Match[str]) -> list[str]:
        name, key = found["name"], _sharding_key(found)
        arguments = found["arguments"] or ""
        if key is None:
            # One path without a shard: every node of the cluster is a replica of the same table.
            place = "'/clickhouse/tables/{uuid}/all', '{shard}-{replica}'"
            arguments = f"{place}, {arguments}" if arguments else place
            return [self._create(found, name, arguments)]
        local = f"{name}_local"
        over = (
            f"-- All shards of {local}.\n"
            f"CREATE TABLE IF NOT EXISTS {name} {self._on} AS {local}\n"
            f"ENGINE = Distributed('{self._name}', currentDatabase(), {local}, {key})"
        )
        return [self._create(found, local, arguments), over]

    def _create(self, found: re.Match[str], name: str, arguments: str) -> str:
        given = f"({arguments})" if arguments else ""
        return (
            f"{found['head']}CREATE TABLE IF NOT EXISTS {name} {self._on}{found['columns']}\n"
            f"ENGINE = Replicated{found['engine']}{given}{found['rest']}"
        )

    def _view(self, found: re.Match[str]) -> str:
        """Return a view of each shard: it sees what is inserted there."""
        return (
            f"{found['head']}CREATE MATERIALIZED VIEW IF NOT EXISTS {found['name']} {self._on} "
            f"TO {found['target']}_local AS{found['select']}\n"
            f"FROM {found['source']}_local{found['rest']}"
        )

    def _altered(self, found: re.Match[str]) -> list[str]:
        name, change = found["name"], found["change"]
        names = [name]
        if name in sharded_tables():
            local = f"{name}_local"
            names = [local] if _ONLY_LOCAL.match(change) else [local, name]
        return [f"{found['head']}ALTER TABLE {one} {self._on} {change}" for one in names]

    def database(self, name: str) -> str:
        """Return the statement that makes the database."""
        return f"CREATE DATABASE IF NOT EXISTS `{name}` {self._on if self._name else ''}".strip()

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that every session needs."""
        return SETTINGS if self._name else {}

    def everywhere(self, table: str) -> str:
        """Return a system table as all nodes have it, as a part of a statement."""
        return f"clusterAllReplicas('{self._name}', {table})" if self._name else table

    @property
    def margin_ns(self) -> int:
        """How far the clocks of nodes, and their copies of small tables, may be apart."""
        return 5 * 10**9 if self._name else 0

    @property
    def _on(self) -> str:
        return f"ON CLUSTER `{self._name}`"


@cache
def sharded_tables() -> frozenset[str]:
    """Return the tables of which each shard has a part."""
    texts = (_TABLE.match(sql.load(f"schema/{name}")) for name in sql.names("schema"))
    return frozenset(found["name"] for found in texts if found and _sharding_key(found))


def _sharding_key(found: re.Match[str]) -> str | None:
    """Return what tells a row's shard; None: the table is the same on all nodes."""
    if found["name"] in SHARDED_BY:
        return SHARDED_BY[found["name"]]
    order = _ORDER.search(found["rest"])
    first = order[1] if order else ""
    return f"cityHash64({first})" if first in _KEYS else None
