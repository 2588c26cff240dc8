"""`handspan dashboards`: Grafana's files out of the package, also out of the wheel."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from dashboards.generate import files

from handspan_exporter.cli.group import run

ROOT = Path(__file__).parents[2]
PROVIDER = Path("provisioning", "dashboards", "handspan.yaml")


def written(folder: Path) -> dict[Path, str]:
    """Return the text of every file below a folder, by its place there."""
    found = (one for one in folder.rglob("*") if one.is_file())
    return {one.relative_to(folder): one.read_text(encoding="utf-8") for one in found}


def expected(folder: Path, path: str = "") -> dict[Path, str]:
    """Return what belongs into the folder."""
    made = {Path("dashboards", file.name): text for file, text in files().items() if text[0] == "{"}
    kept = ROOT / "dashboards" / "provisioning"
    made |= {"provisioning" / place: text for place, text in written(kept).items()}
    place = path or str(folder.resolve() / "dashboards")
    lines = made[PROVIDER].splitlines(keepends=True)[1:]  # without the comment
    at = f'path: "{place}"\n'
    made[PROVIDER] = re.sub(r"path: .+\n", lambda _: at, "".join(lines))
    return made


def test_grafana_is_given_all_that_it_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten dashboards, the data source, the alert rules, and where the dashboards are."""
    folder = tmp_path / "a folder" / "grafana"
    assert run(["dashboards", str(folder)]) == 0
    assert written(folder) == expected(folder)
    assert len(list((folder / "dashboards").iterdir())) == 10
    printed = capsys.readouterr().out
    assert f"10 dashboards in {folder / 'dashboards'}" in printed
    (named,) = re.findall(r"GF_PATHS_PROVISIONING=(.+)", printed)
    assert Path(*shlex.split(named)) == folder / "provisioning"


def test_a_grafana_elsewhere_finds_them_at_its_own_path(tmp_path: Path) -> None:
    """In a container the folder has another name."""
    path = '/var/lib/grafana/a "path": #1'
    assert run(["dashboards", str(tmp_path / "x"), "--path", path]) == 0
    provider = written(tmp_path / "x")[PROVIDER]
    assert provider.endswith('path: "/var/lib/grafana/a \\"path\\": #1"\n')


def test_what_is_there_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody may have changed a dashboard; with --force it is ours again, and theirs stay."""
    own, ours = tmp_path / "own.json", tmp_path / "dashboards" / "overview.json"
    ours.parent.mkdir()
    own.write_text("mine")
    ours.write_text("changed")
    before = written(tmp_path)
    assert run(["dashboards", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said == f"handspan: {tmp_path} is not empty: name another folder, or add --force\n"
    assert written(tmp_path) == before
    assert run(["dashboards", str(tmp_path), "--force"]) == 0
    assert written(tmp_path) == expected(tmp_path) | {Path("own.json"): "mine"}


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_written_is_said(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says what to do."""
    (tmp_path / "file").write_text("")
    assert run(["dashboards", str(tmp_path / place)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot be written" in said


def test_help_has_examples_that_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they write is where the commands after them look for it."""
    assert run(["dashboards", "--help"]) == 0
    printed = capsys.readouterr().out
    examples = re.findall(r"^ +handspan (.+)$", printed, re.MULTILINE)
    assert len(examples) == 2
    monkeypatch.chdir(tmp_path)
    for example in examples:
        assert run([*shlex.split(example), "--force"]) == 0
    for named in re.findall(r"handspan-grafana/\w+", printed):
        assert (tmp_path / named).is_dir(), named


@pytest.mark.end_to_end
def test_the_wheel_has_them(tmp_path: Path) -> None:
    """`pip` installs no checkout: the package itself must hold what it writes."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed, folder = tmp_path / "site", tmp_path / "grafana"
    zipfile.ZipFile(wheel).extractall(installed)
    script = f"from handspan_exporter.cli import main; main(['dashboards', {str(folder)!r}])"
    env = os.environ | {"PYTHONPATH": str(installed)}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, check=True)
    assert written(folder) == expected(folder)
