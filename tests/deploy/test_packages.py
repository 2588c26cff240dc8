"""What images install, and whose it is, follows constraints.txt."""

from __future__ import annotations

import pytest

from deploy import packages


@pytest.mark.parametrize("path", sorted(packages.made()))
def test_a_made_file_is_fresh(path: str) -> None:
    """An image with other versions than the tests had is another program."""
    text = (packages.HERE / path).read_text(encoding="utf-8")
    assert text == packages.made()[path], f"deploy/{path}: run `make generate` and commit it"


def test_the_slim_image_has_no_engine_in_it() -> None:
    """It is what makes the other one several times as large."""
    server, embedded = packages.needed(["server"]), packages.needed(["server", "embedded"])
    assert embedded > server
    assert not {"chdb", "chdb-core"} & server
    assert {"chdb", "chdb-core"} <= embedded
    assert not {"pytest", "openai-agents"} & embedded


def test_every_package_states_its_licence() -> None:
    """Who ships an image ships all of them."""
    for name in packages.needed(["server", "embedded"]):
        assert packages.package(name).licence, name
