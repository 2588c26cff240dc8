"""The real engine with the files of deploy/clickhouse: users, grants, quotas, logs, backups.

The embedded engine is no server, but it reads a server's configuration. It knows one user, who is
called `default` and shows no password: so a user of the file is tried under that name, with all
else that the file says of him, one process for each.
"""

from __future__ import annotations

import hashlib
import shutil
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import clickhouse_connect
from tests.stack.clickhouse_front.process import fronting
from tests.stack.deploy.reading import DEPLOY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

WRITER, READER, BACKUP = "handspan_writer", "handspan_reader", "handspan_backup"
USERS = (WRITER, READER, BACKUP)
ADMIN = "admin"
"""Whoever sets up a server: a user with every right, beside those of the file."""
PASSWORD = "secret"  # noqa: S105 - of a front that lives for seconds
_SHIPPED = DEPLOY / "clickhouse"
_CONFIG = """<clickhouse>
  <users_config>{folder}/users.xml</users_config>
  <user_directories><users_xml><path>{folder}/users.xml</path></users_xml></user_directories>
</clickhouse>
"""
_AS_INSTALLED = """<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users><default>
    <password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
  </default></users>
</clickhouse>
"""
_HERE = """<clickhouse>
  <logger remove="remove"/>
  <backups><allowed_path replace="replace">{folder}/backups/</allowed_path></backups>
  {logs}
</clickhouse>
"""
_NO_LOGS = '<query_log remove="1"/><part_log remove="1"/><error_log remove="1"/>'
"""A server waits for them when it stops: they are on for whoever looks at them."""
_ADMIN = """<default>
  <password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
  <access_management>1</access_management>
</default>"""


def hashes(*users: str) -> dict[str, str]:
    """Return the variables that a server is started with."""
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    return {f"{user.upper()}_SHA256": digest for user in users}


@dataclass(frozen=True)
class Server:
    """One folder of data, which a process at a time may have."""

    folder: Path

    def copied(self, folder: Path) -> Server:
        """Return a copy of it, which a test may change."""
        shutil.copytree(self.folder, folder / "server", symlinks=True)
        for link in (folder / "server").rglob("*"):
            if link.is_symlink() and link.readlink().is_relative_to(self.folder):
                target = folder / "server" / link.readlink().relative_to(self.folder)
                link.unlink()
                link.symlink_to(target)
        return Server(folder / "server")

    @contextmanager
    def front(self, user: str) -> Iterator[int]:
        """Serve as if this user alone had come; yield the port."""
        options = ("--config", str(self.configured(user)), "--password", PASSWORD)
        with fronting(self.folder / "data", *options, environment=hashes(*USERS)) as port:
            yield port

    @contextmanager
    def client(self, user: str) -> Iterator[Client]:
        """Connect as this user."""
        with self.front(user) as port:
            client = clickhouse_connect.get_client(
                host="127.0.0.1",
                port=port,
                username=user,
                password=PASSWORD,
                database="handspan" if user == READER else "default",
                autogenerate_session_id=False,
            )
            try:
                yield client
            finally:
                client.close()

    def configured(self, user: str) -> Path:
        """Write the configuration: shipped files as they are, and what is of this machine."""
        folder = self.folder / f"etc-{user or 'nobody'}"
        files = {
            "config.xml": _CONFIG.format(folder=folder),
            "config.d/server.xml": (_SHIPPED / "server.xml").read_text(encoding="utf-8"),
            "config.d/zz.xml": _HERE.format(
                folder=self.folder, logs="" if user == ADMIN else _NO_LOGS
            ),
            "users.xml": _AS_INSTALLED,
            "users.d/handspan.xml": (_SHIPPED / "users.xml").read_text(encoding="utf-8"),
        }
        if user:
            entry = _ADMIN if user == ADMIN else _as_default(user)
            files["users.d/zz.xml"] = f"<clickhouse><users>{entry}</users></clickhouse>"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (self.folder / "backups").mkdir(exist_ok=True)
        return folder / "config.xml"


def dsn(user: str, port: int) -> str:
    """Return the address of a front."""
    return f"clickhouse://{user}:{PASSWORD}@127.0.0.1:{port}/handspan"


def _as_default(user: str) -> str:
    """Return what the shipped file says of a user, under the one name that the engine has."""
    root = ET.parse(_SHIPPED / "users.xml").getroot()  # noqa: S314 - our own file
    found = root.find(f"users/{user}")
    assert found is not None, user
    found.tag = "default"
    for password in found.findall("password_sha256_hex"):
        password.tag = "password"
        password.attrib.clear()
    return ET.tostring(found, encoding="unicode")
