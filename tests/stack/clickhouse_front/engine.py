"""The engine behind the front: chdb sessions, so that no client waits for another.

A front with a single session makes clients time out and retry, and rows double. A client that names
a session has one of its own, with its temporary tables, as with a ClickHouse server.

Runs on the newest chdb, and on 3.0, whose engine is 24.8: that one has one session for everybody.
"""

from __future__ import annotations

import queue
import re
import tempfile
import threading
from collections import OrderedDict
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import chdb
from tests.stack.clickhouse_front import native

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_INSERT = re.compile(
    rb"(?is)^\s*(?P<into>insert\s+into\s.*?)\s+(?:settings\s+(?P<settings>.*?)\s+)?"
    rb"format\s+(?P<format>\w+)\s*?(?:;|\n|$)"
)
_MOST_NAMED = 64
"""Named sessions kept; beyond, the one that was idle for longest is closed."""
_READONLY = "readonly"
_READONLY_SAYS = "Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)"
"""What the engine would say: set in a session that all clients share, it could not be unset."""
_SET = re.compile(rb"(?i)\s*set\s+(\w+)\s*=\s*(\w+)\s*")
_CONFIGURATION = """<clickhouse>
  <tcp_port>9000</tcp_port>
  <remote_servers><{cluster}><shard>
    <internal_replication>true</internal_replication>
    <replica><host>127.0.0.1</host><port>9000</port></replica>
  </shard></{cluster}></remote_servers>
  <macros><shard>01</shard><replica>01</replica></macros>
</clickhouse>
"""
"""A replica at the server's own address and port is itself: nothing has to listen there."""
_NEEDS_KEEPER = re.compile(r"\b(ON CLUSTER|Replicated\w*MergeTree)\b")
_ON_CLUSTER = re.compile(r"\s+ON CLUSTER `\w+`\s*")
_REPLICATED = re.compile(
    r"\bReplicated(\w*MergeTree)(\(?)(?:'/[^']*', '\{shard\}-\{replica\}'(?:, )?)?"
)
_TEMPORARY = re.compile(
    rb"(?i)(?:\s|--[^\n]*\n)*create\s+temporary\s+table\s+(?:if\s+not\s+exists\s+)?(\w+)"
)
_SETTING = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Statement:
    """One request, its compressions undone."""

    sql: bytes
    data: bytes = b""
    """Rows of an insert, in the format that the statement names."""
    database: str = "default"
    format: str = "TabSeparated"
    """Of an answer whose statement names none."""
    settings: Mapping[str, str] | None = None
    parameters: Mapping[str, str] | None = None
    session: str = ""
    """Name of the session; empty: any."""


class _Named:
    """The session of one client."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401
        self.connection = connection
        self.lock = threading.Lock()


class Engine:
    """Executes statements on one folder; safe from any thread."""

    def __init__(
        self,
        folder: Path,
        *,
        sessions: int,
        says_version: str = "",
        cluster: str = "",
        config: Path | None = None,
    ) -> None:
        """Open the folder, which one process at a time may have.

        `says_version` is what it answers when asked for its version; empty: the truth. `cluster`
        names a cluster of one shard, this engine. It has no Keeper: what needs one is parsed,
        and then done without. `config` is a server's own configuration.
        """
        self._says_version = says_version
        self._folder = str(folder)
        if cluster:
            self._folder = _with_cluster(folder, cluster)
        self._asks_for_grants = config is not None
        """Then `USE default` is refused, which no client has asked for."""
        if config:
            self._folder = f"{folder}?config-file={config}"
        self._one_for_all = _is_old()
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(1 if self._one_for_all else sessions):
            self._idle.put(chdb.connect(self._folder))
        self._named: OrderedDict[str, _Named] = OrderedDict()
        self._said: dict[str, dict[str, str]] = {}
        """What clients have set in their sessions, where all of them are one."""
        self._owners: dict[str, str] = {}
        """Temporary table -> the session that made it."""
        self._lock = threading.Lock()
        with self._session(Statement(b"")) as session:
            self._version = session.query("SELECT version()", "TabSeparated").bytes().decode()

    def execute(self, statement: Statement) -> bytes:
        """Return the answer; blocks until a session is free and the statement is done.

        Raises:
            RuntimeError: ClickHouse refused it; the text begins with its code.
        """
        if native.GREETING.encode() in statement.sql:
            return native.greeting(self._version.strip())
        if self._one_for_all and statement.session:
            said = self._said.setdefault(statement.session, {})
            if found := _SET.fullmatch(statement.sql + statement.data):
                said[found[1].decode()] = found[2].decode()
                return b""
            settings = said | dict(statement.settings or {})
            if settings.pop(_READONLY, "0") != "0" and _INSERT.match(statement.sql):
                raise RuntimeError(_READONLY_SAYS)
            statement = replace(statement, settings=settings)
        with self._session(statement) as session:
            self._use(session, statement.database)
            if found := _TEMPORARY.match(statement.sql + statement.data):
                self._make_room(session, found[1].decode(), statement.session)
            with _applied(session, statement.settings or {}, ends=self._ends_with(statement)):
                found = _INSERT.match(statement.sql)
                if found and statement.data:
                    return _insert(session, found, statement.data)
                text = (statement.sql + statement.data).decode()
                if _NEEDS_KEEPER.search(text):
                    session.query(f"EXPLAIN AST {text}")
                    text = _ON_CLUSTER.sub(" ", _REPLICATED.sub(r"\1\2", text))
                if self._says_version:
                    text = text.replace("version()", f"'{self._says_version}'")
                for name, value in (statement.parameters or {}).items():
                    session.query(f"SET param_{name} = {_quoted(value)}")
                answer = session.query(text, statement.format)
                return answer.bytes() if hasattr(answer, "bytes") else b""

    def _ends_with(self, statement: Statement) -> bool:
        return self._asks_for_grants and not statement.session

    def _use(self, session: Any, database: str) -> None:  # noqa: ANN401
        if not (self._asks_for_grants and database == "default"):
            session.query(f"USE `{database}`")

    def _make_room(self, session: Any, table: str, name: str) -> None:  # noqa: ANN401
        """Drop another client's temporary table of that name, where all clients share them."""
        if self._one_for_all and self._owners.get(table, name) != name:
            session.query(f"DROP TEMPORARY TABLE IF EXISTS {table}")
        self._owners[table] = name

    @contextmanager
    def _session(self, statement: Statement) -> Iterator[Any]:
        """Take the session of the statement's name, or any that is idle."""
        bound = self._ends_with(statement) and statement.settings
        if bound or (_READONLY in (statement.settings or {}) and not self._one_for_all):
            # None can be made writable again, nor every setting what it was: it ends here.
            with closing(chdb.connect(self._folder)) as session:
                yield session
        elif statement.session and not self._one_for_all:
            named = self._of(statement.session)
            with named.lock:
                yield named.connection
        else:
            session = self._idle.get()
            try:
                yield session
            finally:
                self._idle.put(session)

    def _of(self, name: str) -> _Named:
        """Return the session of that name, opened now when it is new."""
        with self._lock:
            if name not in self._named:
                self._named[name] = _Named(chdb.connect(self._folder))
            self._named.move_to_end(name)
            if len(self._named) > _MOST_NAMED:
                _, oldest = self._named.popitem(last=False)
                with oldest.lock:
                    oldest.connection.close()
            return self._named[name]


def _is_old() -> bool:
    """Tell whether a process has but one session, whatever is opened."""
    return int(chdb.chdb_version[0]) < 4


def _with_cluster(folder: Path, cluster: str) -> str:
    """Write a configuration with one cluster of one shard, and return where to connect."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.xml"
    path.write_text(_CONFIGURATION.format(cluster=cluster), encoding="utf-8")
    return f"{folder / 'engine'}?config-file={path}"


@contextmanager
def _applied(
    session: Any,  # noqa: ANN401
    settings: Mapping[str, str],
    *,
    ends: bool,
) -> Iterator[None]:
    """Set what a request asks for; the next one finds the session as it was, unless it `ends`."""
    names = [name for name in settings if _SETTING.fullmatch(name)]
    if names:
        session.query("SET " + ", ".join(f"{name} = {_quoted(settings[name])}" for name in names))
    try:
        yield
    finally:
        if names and _READONLY not in names and not ends:
            session.query("SET " + ", ".join(f"{name} = DEFAULT" for name in names))


def _insert(session: Any, found: re.Match[bytes], data: bytes) -> bytes:  # noqa: ANN401
    """Insert through a file in memory: chdb takes binary rows in no other way."""
    into, settings, form = (
        (found[name] or b"").decode() for name in ("into", "settings", "format")
    )
    data = found.string[found.end() :] + data
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        file.write(data)
        file.flush()
        clause = f" SETTINGS {settings}" if settings else ""
        session.query(f"{into} FROM INFILE {_quoted(file.name)}{clause} FORMAT {form}")
    return b""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
