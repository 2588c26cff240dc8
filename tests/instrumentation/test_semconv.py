"""Names are written once, explained, and in the documentation."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import handspan
from handspan import semconv

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
GENERATE = ROOT / "docs" / "generate.py"


def wire_names() -> dict[str, str]:
    """Return constant to name for every attribute, prefix, event and span name."""
    return {
        constant: value
        for constant, value in vars(semconv).items()
        if constant.isupper() and isinstance(value, str)
    }


def generate() -> ModuleType:
    """Return docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_generate", GENERATE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_name_is_in_the_documentation() -> None:
    """A constant whose docstring is not in the agreed form would silently be left out."""
    told = {"SCHEMA_VERSION", "GENAI_CONVENTIONS_COMMIT", "SCOPE_NAME", "ERROR_TYPE_OTHER"}
    text = generate().attributes()
    missing = [name for name in wire_names() if f"| `{name}` |" not in text]
    assert set(missing) == told


def test_the_documentation_is_fresh() -> None:
    """It is what users read; `make check` asks the same."""
    done = subprocess.run(
        [sys.executable, str(GENERATE), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_no_name_is_there_twice() -> None:
    """Two constants for one name would drift apart."""
    dotted = [name for name in wire_names().values() if "." in name and not name[0].isdigit()]
    assert len(dotted) == len(set(dotted))


def test_handspan_makes_up_no_name_of_the_standard() -> None:
    """Every `gen_ai.*` name says whose it is: the conventions', or an open proposal to them."""
    text = generate().attributes()
    for line in text.splitlines():
        if line.startswith("| `gen_ai."):
            assert "OpenTelemetry GenAI |" in line


def test_no_other_file_writes_a_name() -> None:
    """`semconv` is the only file with such strings, so that a name can be changed in one place."""
    names = {name for name in wire_names().values() if name.startswith(("handspan.", "gen_ai."))}
    package = Path(handspan.__file__).parent
    written = [
        (file.name, node.value)
        for file in package.rglob("*.py")
        if file.name != "semconv.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert written == []


def test_the_names_need_only_the_standard_library() -> None:
    """The service imports them without OpenTelemetry."""
    imported = {
        alias
        for node in ast.walk(ast.parse(Path(semconv.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in [getattr(node, "module", None) or node.names[0].name]
    }
    assert imported <= set(sys.stdlib_module_names)
