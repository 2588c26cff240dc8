"""Every block of code that the guide and the README print, and where it is run as it is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "examples" / "README.md")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$|^((?: {4}\S[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
_SHELL = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:handspan|handspan-instrument|curl|jaeger|pip|make|tar) ")
_COMMENT = re.compile(r"\s{2,}#.*$")

ELSEWHERE = {
    "README.md": {"python": "tests/instrumentation/test_examples.py"},
    "collector.md": {"yaml": "tests/stack/test_guide.py"},
    "compat.md": {"python": "tests/instrumentation/compat/test_documented.py"},
    "framework_lines.md": {
        "": "tests/stack/test_framework_lines.py",
        "python": "tests/stack/test_framework_lines.py",
    },
    "grafana.md": {"yaml": "tests/stack/test_guide.py"},
    "recording.md": {"python": "tests/instrumentation/test_examples.py: made from docstrings"},
    "testing.md": {"python": "tests/instrumentation/compat/test_documented.py"},
}
"""Blocks that other tests run: page, language, test."""

NOT_RUN = {
    r"make (demo|test|truth)\b": "a target of the Makefile: what is behind it has tests of its own,"
    " and it would install into the checkout",
    r"pip install ": "would bring the released package, not this one; CI installs what it builds",
    r"handspan token revoke 1f0c22ab": "the id is made up: it differs each time",
    r"handspan serve --store '?clickhouse://": "needs a server of yours: tests/stack/test_attach.py"
    " and tests/end_to_end/test_server_store.py start it so on a ClickHouse of their own",
    r"OTEL_TRACES_EXPORTER=handspan_clickhouse ": "names a folder outside the test's:"
    " tests/stack/test_span_exporter.py does the same in one of its own",
}
"""Lines that nobody runs as they are printed, and why."""
NOT_RUN_BLOCKS = {
    ("collector.md", "yaml", 1): "a part; the whole file is collector-config/tls-and-tokens.yaml,"
    " which tests/stack/test_collector_config.py starts",
    ("span_exporter.md", "python", 0): "names a folder outside the test's:"
    " tests/stack/test_span_exporter.py does the same in one of its own",
}
"""Blocks that nobody runs as they are printed, by page, language and number among those."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page."""

    page: str
    language: str
    """What stands behind the fence: '' is what people type into a shell."""
    number: int
    """Among the page's blocks of this language."""
    text: str

    @property
    def lines(self) -> list[str]:
        """The commands of a shell block, without comments."""
        return [_COMMENT.sub("", line).strip() for line in self.text.splitlines() if line.strip()]

    @property
    def why_not(self) -> str:
        """Why nobody runs it as a whole; empty: somebody does."""
        return NOT_RUN_BLOCKS.get((self.page, self.language, self.number), "")

    @property
    def elsewhere(self) -> str:
        """The test that runs it, where it is not the walk through the pages."""
        return ELSEWHERE.get(self.page, {}).get(self.language, "")


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that are code, in their order: drawings and outputs are not."""
    found: list[Block] = []
    for language, fenced, indented in _BLOCK.findall(page.read_text(encoding="utf-8")):
        text = fenced or re.sub(r"^ {4}", "", indented, flags=re.MULTILINE)
        if not language and not all(_SHELL.match(line) for line in text.splitlines() if line):
            continue
        number = sum(one.language == language for one in found)
        name = page.name if page.parent != ROOT / "examples" else "examples/README.md"
        found.append(Block(name, language, number, text))
    return found


def not_run(line: str) -> str:
    """Return why nobody runs a line as it is printed; empty: somebody does."""
    return next((why for pattern, why in NOT_RUN.items() if re.match(pattern, line)), "")
