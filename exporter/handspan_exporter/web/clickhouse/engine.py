"""Statements of readers, run in the embedded engine: one session each, locked before it is used."""

from __future__ import annotations

import os
import re
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from handspan_exporter import sql
from handspan_exporter.web.clickhouse import judgement
from handspan_exporter.web.clickhouse.native import GREETING, greeting
from handspan_exporter.web.clickhouse.refused import (
    ACCESS_DENIED,
    BAD_ARGUMENTS,
    READONLY,
    TIMEOUT_EXCEEDED,
    TOO_MUCH,
    UNKNOWN_FORMAT,
    Refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handspan_exporter.settings import Settings
    from handspan_exporter.store.dsn import Dsn
    from handspan_exporter.web.clickhouse.judgement import Verdict

MOST_ROWS: Final = 1_000_000
"""Of one answer: more is an export, not a dashboard."""
_THREADS: Final = 1
_NICE: Final = 10
"""Of readers' threads, so that they stand behind the ingest's."""
_FORMAT: Final = re.compile(r"(?!(?i:dataframe|arrowtable|debug)$)[A-Za-z]\w*")
"""Without those that chdb adds: they end in objects of this process."""
_DATABASE: Final = re.compile(r"[A-Za-z_]\w*")

HARMLESS: Final = frozenset(
    {
        *("extremes", "session_timezone", "date_time_output_format", "join_use_nulls"),
        *("max_block_size", "limit", "offset", "cast_keep_nullable", "group_by_use_nulls"),
        *("do_not_merge_across_partitions_select_final", "optimize_skip_unused_shards"),
        *("empty_result_for_aggregation_by_constant_keys_on_empty_set", "use_skip_indexes"),
        *("prefer_column_name_to_alias", "enable_analyzer", "final", "optimize_read_in_order"),
    }
)
"""Settings that are applied, of a request or of a SETTINGS clause; so are `output_format_*`,
and limits where they are stricter than ours. Others are ignored in a request and refused in a
clause, as a server does with a reader's."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one request asks."""

    text: str
    database: str = ""
    """For names without one; empty: the store's."""
    form: str = "TabSeparated"
    """Of the answer, where the statement names none."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """As they came: ClickHouse undoes their escapes."""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine made of it."""

    data: bytes
    form: str


class Engine:
    """Runs statements on the embedded store of this process; safe from any thread."""

    def __init__(self, dsn: Dsn, settings: Settings) -> None:
        """Open nothing yet but the engine; the store is migrated and held by this process."""
        import chdb  # noqa: PLC0415 - the embedded store alone has it

        assert dsn.folder is not None  # noqa: S101 - the store is embedded
        self._folder = str(dsn.folder / "engine")
        self._connect = chdb.connect
        self._database = dsn.database
        self._limits: dict[str, float] = {
            "max_execution_time": settings.clickhouse_http_s,
            "max_memory_usage": settings.clickhouse_http_memory_bytes,
            "max_result_bytes": settings.clickhouse_http_result_bytes,
            "max_result_rows": MOST_ROWS,
        }
        with self._session() as session:
            self.version: str = _text(session.query(sql.load("clickhouse_http/version")))

    def run(self, statement: Statement) -> Answer:
        """Return the rows; blocks until they are there or a limit is reached.

        Raises:
            Refused: it is not for reading, ClickHouse refused it, or it went over a limit.
        """
        text = statement.text.strip().rstrip(";").rstrip()
        if not _FORMAT.fullmatch(statement.form):
            raise Refused(UNKNOWN_FORMAT, f"Unknown format {statement.form[:60]}")
        if text == GREETING and statement.form == "Native":
            return Answer(greeting(self.version), "Native")
        with self._session() as session:
            verdict = self._judged(session, text, statement.parameters)
            self._check_clause(verdict.settings)
            self._lock(session, statement.database, {**statement.settings, **verdict.settings})
            with _errors():
                result = session.query(text, statement.form, params=dict(statement.parameters))
            self._check_size(result.size())
            return Answer(result.bytes(), verdict.form or statement.form)

    def _check_clause(self, asked: Mapping[str, str]) -> None:
        """Refuse a SETTINGS clause that widens a limit: the engine lets a subquery have its own."""
        for name, value in asked.items():
            most = self._limits.get(name)
            stricter = most is not None and 0 < _number(name, value) <= most
            if not stricter and not _harmless(name):
                raise Refused(READONLY, f"Cannot modify '{name}' setting in readonly mode")

    def _check_size(self, size: int) -> None:
        """Refuse what the engine's own limit does not see: a constant in every row counts once."""
        most = int(self._limits["max_result_bytes"])
        if size > most:
            text = f"Limit for result exceeded, max bytes: {most}, current bytes: {size}"
            raise Refused(TOO_MUCH, text)

    def _judged(self, session: Any, text: str, parameters: Mapping[str, str]) -> Verdict:  # noqa: ANN401
        """Let a statement through once it is known to be for reading."""
        escaped = {"statement": _escaped(text)}
        try:
            with _errors():
                tree = _text(session.query(sql.load("clickhouse_http/tree"), params=escaped))
        except Refused as refused:
            if "supported by parseQueryToJSON" not in str(refused):
                raise _without_scope(refused) from None
        else:
            return judgement.judge(tree, parameters)
        with _errors():
            formatted = _text(session.query(sql.load("clickhouse_http/formatted"), params=escaped))
        if (inner := judgement.described(formatted)) is not None:
            self._judged(session, inner[0], parameters)
            return inner[1]
        verdict = judgement.about_table(formatted)
        if verdict is None:
            kind = " ".join(formatted.split()[:2])[:60]
            raise Refused(
                ACCESS_DENIED if kind.startswith("SHOW") else READONLY,
                f"{kind} is not offered here: this address is for reading",
            )
        return verdict

    def _lock(self, session: Any, database: str, asked: Mapping[str, str]) -> None:  # noqa: ANN401
        """Choose the database, set the limits, and let the engine refuse any change from here.

        A clause that says what is set already is no change to the engine.
        """
        database = database or self._database
        if not _DATABASE.fullmatch(database) or database.lower() == "system":
            raise Refused(ACCESS_DENIED, f"the database {database[:60]} is not offered here")
        with _errors():
            session.query(sql.render("clickhouse_http/database", {"database": database}))
            session.query(self._limits_of(asked))

    def _limits_of(self, asked: Mapping[str, str]) -> str:
        """Return the statement that sets the limits, tightened by what a request asks."""
        limits = {
            name: _stricter(name, asked.get(name), most) for name, most in self._limits.items()
        }
        harmless = "".join(
            f"{name} = {_quoted(value)}, " for name, value in asked.items() if _harmless(name)
        )
        holes = {
            "seconds": limits["max_execution_time"],
            "memory_bytes": int(limits["max_memory_usage"]),
            "result_bytes": int(limits["max_result_bytes"]),
            "result_rows": int(limits["max_result_rows"]),
            "threads": _THREADS,
            "nice": _nice(),
            "asked": harmless,
        }
        return sql.render("clickhouse_http/limits", holes)

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """Open a session of the engine: 0.1 ms. Locked as it is, no request could use it again."""
        with closing(self._connect(self._folder)) as session:
            yield session


def _harmless(name: str) -> bool:
    return name in HARMLESS or re.fullmatch(r"output_format_\w+", name) is not None


@cache
def _nice() -> int:
    """Return the nice value of readers' threads; 0 where a thread may not come back from it.

    Root of a user namespace (a rootless container) has CAP_SYS_NICE, which the engine looks for,
    and may not lower a nice value all the same: the engine would end the whole process.
    """
    allowed: list[int] = []

    def there_and_back() -> None:
        thread = threading.get_native_id()
        try:
            os.setpriority(os.PRIO_PROCESS, thread, _NICE)
            os.setpriority(os.PRIO_PROCESS, thread, 0)
        except OSError:
            return
        allowed.append(_NICE)

    probe = threading.Thread(target=there_and_back)
    probe.start()
    probe.join()
    return allowed[0] if allowed else 0


def _stricter(name: str, asked: str | None, most: float) -> float:
    """Return the smaller of two limits; 0 asks for none, which is ours."""
    wanted = 0 if asked is None else _number(name, asked)
    return min(wanted, most) if wanted > 0 else most


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise Refused(BAD_ARGUMENTS, f"the setting {name} must be a number") from None


def _text(result: Any) -> str:  # noqa: ANN401 - chdb's results have no type
    text: str = result.bytes().decode("utf-8", "replace")
    return text


def _escaped(text: str) -> str:
    """Return a text as a parameter must have it."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _without_scope(refused: Refused) -> Refused:
    """Take away where the engine met a syntax error: inside our own question about it."""
    text = re.sub(
        r": In scope SELECT parseQueryToJSON\(.*\)\.?$", "", str(refused), flags=re.DOTALL
    )
    return Refused((refused.code, refused.name), text)


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what the engine raises into a refusal in ClickHouse's words."""
    try:
        yield
    except RuntimeError as error:
        raise Refused.by_engine(error) from error
    except MemoryError as error:
        raise Refused(TIMEOUT_EXCEEDED, "this machine is out of memory: ask again") from error
