"""Connections to the store: the one place where ClickHouse's errors become ours."""

from __future__ import annotations

import importlib.util
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import clickhouse_connect
from clickhouse_connect.driver.binding import format_query_value, quote_identifier
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from handspan_exporter import sql
from handspan_exporter.errors import (
    NotFound,
    QueryFailed,
    RowsRefused,
    StoreDown,
    StoreUnsuitable,
    UsageError,
)
from handspan_exporter.store.arrow_file import ArrowFile
from handspan_exporter.store.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

    from handspan_exporter.store.dsn import Dsn

# The driver prints what it also raises; whoever configures logging still gets it.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

OLDEST = (24, 8)
"""The oldest ClickHouse that all SQL here is written for."""

_TRANSIENT = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        164,  # READONLY
        173,  # CANNOT_ALLOCATE_MEMORY
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        999,  # KEEPER_EXCEPTION
    }
)
"""Error codes that say nothing about the rows: the same insert may succeed later."""

_ABOUT_ROWS = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        7,  # INCORRECT_NUMBER_OF_COLUMNS
        8,  # THERE_IS_NO_COLUMN
        16,  # NO_SUCH_COLUMN_IN_TABLE
        19,  # SIZE_OF_FIXED_STRING_DOESNT_MATCH
        20,  # NUMBER_OF_COLUMNS_DOESNT_MATCH
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        36,  # BAD_ARGUMENTS
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        43,  # ILLEGAL_TYPE_OF_ARGUMENT
        44,  # ILLEGAL_COLUMN
        50,  # UNKNOWN_TYPE
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        128,  # TOO_LARGE_ARRAY_SIZE
        131,  # TOO_LARGE_STRING_SIZE
        190,  # SIZES_OF_ARRAYS_DONT_MATCH
        248,  # INVALID_PARTITION_VALUE
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        366,  # SIZES_OF_NESTED_COLUMNS_ARE_INCONSISTENT
        376,  # CANNOT_PARSE_UUID
        395,  # FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
        407,  # DECIMAL_OVERFLOW
        469,  # VIOLATED_CONSTRAINT
        565,  # TOO_MANY_PARTITIONS
        632,  # UNEXPECTED_DATA_AFTER_PARSED_VALUE
        691,  # UNKNOWN_ELEMENT_OF_ENUM
        728,  # UNEXPECTED_DATA_TYPE
    }
)
"""Codes with which an insert will fail for ever, for what the rows hold. All others are the store's
own trouble, from a sick disk (1001, 76) to a part that another process moved: rows are waited with,
not given up."""

_INSERT = {
    # Default 0 on 24.8: without it a replayed token doubles the rows of a view.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "insert_deduplicate": 1,
    "max_insert_threads": 1,
    # Every reader of a replacing table says FINAL; merging each block before it is written, too,
    # costs a third of an insert.
    "optimize_on_insert": 0,
    # Spans of a long retention may touch more than the default 100 days in one flush.
    "max_partitions_per_insert_block": 0,
}

_NEWER_INSERT = {
    # The first merge builds them anyway, seconds later: until then a reader looks through a small
    # part. A quarter of what an insert of spans costs.
    "materialize_skip_indexes_on_insert": 0,
}
"""Sent to those servers that know them."""


class Connection:
    """One session with the store: statements run one after another, so keep one per purpose."""

    def __init__(
        self, client: Client, file: ArrowFile | None = None, cluster: Cluster | None = None
    ) -> None:
        self._client = client
        self._file = file
        known = {name: v for name, v in _NEWER_INSERT.items() if name in client.server_settings}
        self._insert_settings = _INSERT | known
        self.cluster = cluster or Cluster("")
        """How statements of the schema are said to this store."""
        self.embedded = file is not None
        """Whether the engine lives in this process."""
        self.answered: Callable[[], None] = _nothing
        """Called when `rows` has its answer, or none: what was refused took memory, too."""

    def command(self, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers nothing; blocks until it is done.

        Raises:
            QueryFailed: ClickHouse refused it.
            StoreDown: ClickHouse cannot be reached or is overloaded.
        """
        with _our_errors(QueryFailed):
            self._client.command(statement, parameters=dict(parameters or {}))

    def rows(
        self, statement: str, parameters: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return the answer as dictionaries; DateTime64 comes cut to microseconds.

        Raises:
            QueryFailed: ClickHouse refused it.
            StoreDown: ClickHouse cannot be reached or is overloaded.
        """
        try:
            with _our_errors(QueryFailed):
                answer = self._client.query(statement, parameters=dict(parameters or {}))
                return list(answer.named_results())
        finally:
            self.answered()

    def arrow(self, statement: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Return the answer as an Arrow table, times exact to the nanosecond.

        Raises:
            QueryFailed: ClickHouse refused it.
            StoreDown: ClickHouse cannot be reached or is overloaded.
        """
        with _our_errors(QueryFailed):
            return self._client.query_arrow(
                statement, parameters=dict(parameters or {}), use_strings=True
            )

    def insert(self, table: str, rows: pa.Table, *, token: str) -> None:
        """Insert all rows at once; a second call with the same token and rows changes nothing.

        Raises:
            RowsRefused: ClickHouse will never take these rows.
            StoreDown: nothing, or not everything, was stored; send the same rows and token again.
        """
        settings: dict[str, str | int] = {
            **self._insert_settings,
            "insert_deduplication_token": token,
        }
        with _our_errors(RowsRefused, _is_about_rows):
            if self._file is None:
                self._client.insert_arrow(table, rows, settings=settings)
            else:
                self._insert_file(self._file, table, rows, settings)

    def _insert_file(
        self, file: ArrowFile, table: str, rows: pa.Table, settings: Mapping[str, str | int]
    ) -> None:
        holes = {
            "table": quote_identifier(table),
            "columns": ", ".join(map(quote_identifier, rows.schema.names)),
            "file": format_query_value(file.path),
            "settings": ", ".join(
                f"{key} = {format_query_value(settings[key])}" for key in settings
            ),
        }
        try:
            file.write(rows)
            self._client.command(sql.render("ingest/insert_file", holes))
        finally:
            file.trim()

    def close(self) -> None:
        """End the session."""
        self._client.close()
        if self._file is not None:
            self._file.close()


def connect(
    dsn: Dsn, *, settings: Mapping[str, Any] | None = None, create: bool = True
) -> Connection:
    """Open one session, in the DSN's database, which is created when absent unless told not to.

    The embedded engine takes any number of sessions of one process, and no other process:
    take `store.lock` first.

    Raises:
        UsageError: chdb is not installed.
        NotFound: there is no such database, and `create` is False.
        StoreDown: the server cannot be reached.
        StoreUnsuitable: it is older than `OLDEST`, or refuses user or password.
    """
    cluster = Cluster(dsn.cluster)
    try:
        with _our_errors(QueryFailed):
            client = _client(dsn, {**cluster.settings, **(settings or {})})
    except StoreDown as error:
        raise StoreDown(f"{dsn} does not answer: {_cause(error)}") from error
    except QueryFailed as error:
        raise StoreUnsuitable(f"{dsn} lets nobody in: {error}") from error
    try:
        _check_version(client.server_version or "0.0")
    except StoreUnsuitable:
        client.close()
        raise
    with _our_errors(QueryFailed):
        # Who may use a database need not be allowed to make one.
        if not client.command(f"EXISTS DATABASE `{dsn.database}`"):
            if not create:
                client.close()
                raise NotFound(f"there is no database {dsn.database} in {dsn}")
            client.command(cluster.database(dsn.database))
        client.database = dsn.database
    return Connection(client, ArrowFile(dsn.folder) if dsn.folder else None, cluster)


def _client(dsn: Dsn, settings: dict[str, Any]) -> Client:
    if not dsn.embedded:
        return clickhouse_connect.get_client(
            host=dsn.host,
            port=dsn.port,
            username=dsn.user,
            password=dsn.password,
            secure=dsn.secure,
            verify=dsn.verify,
            ca_cert=dsn.ca_cert or None,
            settings=settings,
        )
    if importlib.util.find_spec("chdb") is None:
        raise UsageError(
            "the embedded store needs chdb: pip install 'handspan[embedded]', "
            "or --store clickhouse://..."
        )
    assert dsn.folder is not None  # noqa: S101 - an embedded DSN always has one
    engine = dsn.folder / "engine"
    engine.mkdir(parents=True, exist_ok=True)
    return clickhouse_connect.get_client(interface="chdb", path=str(engine), settings=settings)


def _nothing() -> None:
    """What most sessions do after an answer."""


def _check_version(version: str) -> None:
    found = tuple(int(part) for part in version.split(".")[:2])
    if found < OLDEST:
        raise StoreUnsuitable(
            f"ClickHouse {version} is older than {OLDEST[0]}.{OLDEST[1]}, the oldest that "
            "Handspan supports: upgrade it"
        )


def _is_final(code: int | None) -> bool:
    return code not in _TRANSIENT


def _is_about_rows(code: int | None) -> bool:
    return code in _ABOUT_ROWS


@contextmanager
def _our_errors(
    refused: type[QueryFailed | RowsRefused], final: Callable[[int | None], bool] = _is_final
) -> Iterator[None]:
    """Turn whatever the driver raises into one of ours."""
    try:
        yield
    except OperationalError as error:
        raise StoreDown(_one_line(error)) from error
    except ClickHouseError as error:
        code = getattr(error, "code", None)
        raise (refused if final(code) else StoreDown)(_one_line(error)) from error
    except (OSError, MemoryError) as error:
        raise StoreDown(_one_line(error)) from error


def _cause(error: BaseException) -> str:
    """Return what the innermost error says: the driver wraps a plain "refused" in three others."""
    while error.__cause__ is not None:
        error = error.__cause__
    return _one_line(error).rpartition(": ")[2]


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) < 500 else text[:500] + " ..."
