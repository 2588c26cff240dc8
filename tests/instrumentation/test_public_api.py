"""The public API is exactly what `__all__` says, and light."""

from __future__ import annotations

import subprocess
import sys
import types

import handspan


def test_all_public_names_are_exported() -> None:
    """A name that leaks by import becomes a promise; this keeps promises deliberate."""
    public = {
        name
        for name, value in vars(handspan).items()
        if not name.startswith("_")
        and name != "annotations"
        and not isinstance(value, types.ModuleType)
    }
    assert sorted({*public, "context"}) == handspan.__all__


def test_importing_handspan_leaves_the_sdk_the_exporters_and_the_service_alone() -> None:
    """Whoever never switches recording on must not pay for it, in time or memory."""
    program = "import handspan, sys; print(*sys.modules)"
    loaded = _output(program).split()
    heavy = ("opentelemetry.sdk", "opentelemetry.exporter", "grpc", "handspan_exporter", "asyncio")
    assert [name for name in loaded if name.startswith(heavy)] == []


def test_the_pytest_plugin_leaves_the_sdk_alone() -> None:
    """It loads in every run of pytest on a machine that has Handspan."""
    program = "import handspan.testing, sys; print(*sys.modules)"
    assert "opentelemetry.sdk" not in _output(program).split()


def _output(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
