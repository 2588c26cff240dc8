"""Where the real programs lie, and how they come there: `python -m stack.tools collector rotel`.

A tool is built once per version into `$XDG_CACHE_HOME/handspan/<tool>-<version>/`; nothing is
built by a test or a benchmark, which say instead what is missing and which command builds it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_KEPT_LINES = 15
"""Of a failed build's output: its reason is at the end."""


class Missing(Exception):
    """A tool is not in the cache, or could not be built; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One program: `<name>/build.sh OUT` makes `OUT/<program>`."""

    name: str
    program: str
    pinned_in: str
    """File in the tool's folder that names its version, once."""
    version_pattern: str
    """What finds it there; empty: the file as a whole is the version."""
    takes: str
    """How long a build takes, for whoever waits."""
    made_from: tuple[str, ...] = ()
    """Files of ours that it is built from: a change of one is another version."""
    kept_in: str = ""
    """Folder of its `build.sh`, which then gets the name as second argument; empty: the name."""

    @property
    def version(self) -> str:
        """The version that is built."""
        if not self.made_from:
            return self._pinned()
        digest = hashlib.sha256()
        for name in self.made_from:
            digest.update((self._home / name).read_bytes())
        return f"{self._pinned()}-{digest.hexdigest()[:8]}"

    def _pinned(self) -> str:
        text = (self._home / self.pinned_in).read_text(encoding="utf-8")
        if not self.version_pattern:
            return hashlib.sha256(text.encode()).hexdigest()[:12]
        found = re.search(self.version_pattern, text, re.MULTILINE)
        assert found is not None, f"{self.pinned_in} of {self.name} names no version"  # noqa: S101 - a defect of the tree
        return found[1]

    @property
    def _home(self) -> Path:
        return _HERE / (self.kept_in or self.name)

    @property
    def folder(self) -> Path:
        """Where this version lies, built or not."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / "handspan" / f"{self.name}-{self.version}"

    def require(self) -> Path:
        """Return the program.

        Raises:
            Missing: it was not built yet.
        """
        program = self.folder / self.program
        if not program.is_file():
            raise Missing(
                f"{self.name} {self.version} is not in {self.folder}: "
                f"`python -m stack.tools {self.name}` builds it ({self.takes})"
            )
        return program

    def build(self) -> Path:
        """Return the program, built now when absent; one line on stderr says so.

        Raises:
            Missing: the build failed; the message ends with what it printed last.
        """
        try:
            return self.require()
        except Missing:
            _say(f"building {self.name} {self.version} into {self.folder} ({self.takes}) ...")
        began_s = time.monotonic()
        built = subprocess.run(  # noqa: S603 - our own script
            [str(self._home / "build.sh"), str(self.folder), self.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if built.returncode:
            said = "\n".join(built.stdout.splitlines()[-_KEPT_LINES:])
            raise Missing(
                f"{self._home.name}/build.sh failed with code {built.returncode}, saying:\n{said}"
            )
        _say(f"built in {time.monotonic() - began_s:.0f} s")
        return self.require()


COLLECTOR = Tool(
    name="collector",
    program="otelcol-peer",
    pinned_in="builder.yaml",
    version_pattern=r"^  version: (\S+)$",
    takes="about ten minutes, needs Go and its module proxy",
)
ROTEL = Tool(
    name="rotel",
    program="rotel-agent",
    pinned_in="requirements.txt",
    version_pattern=r"^rotel==(\S+)$",
    takes="a few seconds",
)
OLDEST_SDK = Tool(
    name="oldest_sdk",
    program="venv/bin/python",
    pinned_in="requirements.txt",
    version_pattern=r"^opentelemetry-sdk==(\S+)$",
    takes="about half a minute",
    made_from=("requirements.txt", "build.sh"),
)
JAEGER = Tool(
    name="jaeger",
    program="jaeger",
    pinned_in="go.mod",
    version_pattern=r"^\tgithub.com/jaegertracing/jaeger v(\S+)",
    takes="about eight minutes, needs Go and its module proxy",
)
CLICKHOUSE_GO = Tool(
    name="clickhouse_go",
    program="read",
    pinned_in="go.mod",
    version_pattern=r"^require github.com/ClickHouse/clickhouse-go/v2 v(\S+)$",
    takes="about a minute, needs Go and its module proxy",
)
GRAFANA = Tool(
    name="grafana",
    program="static/index.html",
    pinned_in="package.json",
    version_pattern=r'^    "@grafana/scenes": "(\S+)",$',
    takes="about three minutes, needs Node and its package registry",
    made_from=("build.mjs", "build.sh", "index.html", "package-lock.json", "src/main.tsx"),
)
PROMETHEUS = Tool(
    name="prometheus",
    program="promtool",
    pinned_in="go.mod",
    version_pattern=r"^\tgithub.com/prometheus/prometheus v(\S+)",
    takes="about six minutes, needs Go and its module proxy",
)
DEPLOY_CHECK = Tool(
    name="deploy_check",
    program="deploy_check",
    pinned_in="go.sum",
    version_pattern="",
    takes="about three minutes, needs Go and its module proxy",
    made_from=("build.sh", "compose.go", "dockerfile.go", "go.mod", "kustomize.go", "main.go"),
)
OLDEST_CLICKHOUSE = Tool(
    name="oldest_clickhouse",
    program="venv/bin/python",
    pinned_in="requirements.txt",
    version_pattern=r"^chdb==(\S+)$",
    takes="about a minute",
)
FRAMEWORKS = {
    name: Tool(
        name=name,
        program="venv/bin/python",
        pinned_in=f"pins/{name}.txt",
        version_pattern="",
        takes="up to two minutes",
        kept_in="frameworks",
    )
    for name in (
        "autogen",
        "crewai",
        "langfuse",
        "langgraph",
        "openai_agents",
        "pydantic_ai",
        "strands",
    )
}
"""Agent frameworks with their instrumentors, each in an environment of its own."""

_PROGRAMS = (
    COLLECTOR,
    ROTEL,
    JAEGER,
    CLICKHOUSE_GO,
    GRAFANA,
    PROMETHEUS,
    DEPLOY_CHECK,
    OLDEST_SDK,
    OLDEST_CLICKHOUSE,
)
TOOLS = {tool.name: tool for tool in _PROGRAMS} | FRAMEWORKS


def main() -> int:
    """Build the named tools that are absent and print where each lies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", nargs="+", choices=sorted(TOOLS))
    for name in parser.parse_args().tools:
        try:
            sys.stdout.write(f"{TOOLS[name].build()}\n")
        except Missing as missing:
            _say(str(missing))
            return 1
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
