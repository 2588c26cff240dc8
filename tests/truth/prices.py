"""What a call cost: as reported, else as genai-prices itself says."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from genai_prices import Usage, calc_price

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.truth.history import Node

PICO_USD = Decimal("1e-12")
OWN_MODEL = "our-own-model"
"""A model that no price list knows."""


def cost_of(node: Node) -> tuple[Decimal | None, str]:
    """Return the cost, USD, or None and the reason."""
    if node.says.get("cost") is not None:
        return node.says["cost"], ""
    if not node.says.get("model"):
        return None, "no model"
    if node.says.get("input_tokens") is None and node.says.get("output_tokens") is None:
        return None, "no usage"
    if node.says["model"] == OWN_MODEL:
        return None, "model unknown"
    usage = Usage(
        input_tokens=node.says.get("input_tokens"),
        output_tokens=node.says.get("output_tokens"),
        cache_read_tokens=node.says.get("cache_read"),
        cache_write_tokens=node.says.get("cache_write"),
        cache_write_1h_tokens=node.says.get("cache_write_1h"),
    )
    when = datetime.fromtimestamp(node.start_ns // 10**9, UTC)
    price = calc_price(
        usage,
        node.says["model"],
        provider_id=node.says["provider"],
        genai_request_timestamp=when,
    )
    return Decimal(price.total_price).quantize(PICO_USD), ""


def total(costs: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of what is known, None where nothing is."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known else None
