"""The story that every framework tells: what a recording of it must show is known beforehand.

`triage` hands over to `refund`, which looks an order up, fails to pay it back (its tool raises)
and answers all the same. In the other ending `refund`'s model is down: the run fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TRIAGE: Final = "triage"
REFUND: Final = "refund"
QUESTION: Final = "I want my money back for order 7"
MODEL: Final = "gpt-4o-mini"
PROVIDER: Final = "openai"
LOOK_UP: Final = "lookup_order"
PAY_BACK: Final = "pay_back"
ORDER: Final = {"order_id": "7"}
FOUND: Final = "order 7: a pair of shoes"
BANK: Final = "the bank is down"
MODEL_DOWN: Final = "the model is down"
ANSWER: Final = "you get it tomorrow"
THANKS: Final = "all is settled"

ENDINGS: Final = ("refund", "outage")
"""The two endings: the first succeeds, the second fails."""


class BankDown(Exception):
    """What the tool raises."""


class ModelDown(Exception):
    """What the model raises in the second ending."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the scripted model."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    reasoning_tokens: int = 0
    text: str = ""
    tool: str = ""
    arguments: dict[str, str] = field(default_factory=dict)


HANDS_OVER: Final = Reply(120, 15, tool="hand over")
"""Each framework's own tool takes its name and arguments from that framework."""

REFUND_REPLIES: Final = (
    Reply(200, 30, cache_read_tokens=50, reasoning_tokens=10, tool=LOOK_UP, arguments=ORDER),
    Reply(260, 25, tool=PAY_BACK, arguments=ORDER),
    Reply(310, 40, text=ANSWER),
)
CLOSES: Final = Reply(330, 8, text=THANKS)
"""Of the agent that delegated and got the answer back."""


def lookup_order(order_id: str) -> str:
    """Look an order up."""
    return f"order {order_id}: a pair of shoes"


def pay_back(order_id: str) -> str:
    """Pay an order back."""
    raise BankDown(f"{BANK}, order {order_id} is not paid back")
