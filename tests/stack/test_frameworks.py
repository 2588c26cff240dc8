"""The newest frameworks and instrumentors show what the pinned ones showed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stack.frameworks.newest import python_of
from stack.frameworks.recording import SOURCES, record
from tests.exporter.conventions.judging import verdicts
from tests.exporter.conventions.replaying import Replay, read

from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.migrate import migrate

if TYPE_CHECKING:
    from tests.exporter.conventions.replaying import Recording

pytestmark = pytest.mark.end_to_end

NEWEST = ("openai_agents", "langgraph")
_PAGE = Path(__file__).parents[2] / "docs" / "conventions.json"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    """Return the story as the newest versions tell it, now."""
    folder, found = tmp_path_factory.mktemp("recorded"), []
    for framework in NEWEST:
        python = python_of(framework)
        if not python.exists():
            pytest.fail(f"{framework} is not installed: `make frameworks-newest` does it")
        for source in SOURCES[framework]:
            if source == "handspan":  # recorded with our own environment, where nothing is newer
                continue
            path = folder / framework / f"{source}.jsonl"
            path.parent.mkdir(exist_ok=True)
            path.write_text(record(python, framework, source), encoding="utf-8")
            found.append(read(path))
    return found


def test_the_newest_versions_show_what_the_page_says(
    recorded: list[Recording], tmp_path: Path
) -> None:
    """An upstream release that renames or drops something is noticed here, not by a user."""
    page = json.loads(_PAGE.read_text(encoding="utf-8"))["sources"]
    told = {(one["framework"], one["source"]): one["facts"] for one in page}
    connection = connect(parse(f"chdb://{tmp_path / 'store'}"))
    migrate(connection, Settings())
    replay = Replay(connection, tmp_path / "journal", recorded)
    shown = {(one.framework, one.source): verdicts(one, replay.shown(one)) for one in recorded}
    connection.close()
    versions = {one.service: one.versions for one in recorded}
    assert shown == {key: told[key] for key in shown}, versions
    assert len(shown) == 7
