"""The mapping is the single source: for the table, for the page, and beside handspan.semconv."""

from __future__ import annotations

import ast
from pathlib import Path

from handspan import semconv
from handspan_exporter import sql
from handspan_exporter.columns import mapping
from handspan_exporter.columns.mapping_page import mapping_markdown


def test_every_kind_that_a_rule_yields_is_a_kind_of_the_table() -> None:
    """A kind that the table's comment does not list is one that no fact query knows."""
    (line,) = (one for one in sql.load("schema/0004_agent_spans").splitlines() if "kind  " in one)
    listed = line.partition("--")[2].split()
    assert sorted(mapping.KINDS) == sorted(listed)
    assert {kind for rule in mapping.KIND_RULES for kind in rule.kinds.values()} <= set(listed)
    sources = (source for column in mapping.COLUMNS for source in column.sources)
    assert {kind for source in sources for kind in source.kinds} <= set(listed)


def test_no_column_reads_a_name_twice_for_the_same_spans() -> None:
    """The second would never win: one of the two is a slip."""
    for column in mapping.COLUMNS:
        seen = [
            (source.key, source.kinds, source.own_only and source.convention)
            for source in column.sources
        ]
        assert len(seen) == len(set(seen)), column.name


def test_names_that_we_write_ourselves_stand_in_semconv_only() -> None:
    """A name in two places is renamed in one of them."""
    ours = {
        value
        for name, value in vars(semconv).items()
        if name.isupper() and isinstance(value, str) and "." in value
    }
    tree = ast.parse(Path(mapping.__file__).read_text(encoding="utf-8"))
    written = {one.value for one in ast.walk(tree) if isinstance(one, ast.Constant)}
    assert ours & {text for text in written if isinstance(text, str)} == set()


def test_the_page_names_every_attribute_and_every_column() -> None:
    """Who brings other spans looks there for the name to use."""
    page = mapping_markdown()
    columns = {column.name for column in mapping.COLUMNS}
    keys = {source.key for column in mapping.COLUMNS for source in column.sources}
    keys |= {rule.key for rule in mapping.KIND_RULES}
    assert all(f"`{name}`" in page for name in columns | keys)
