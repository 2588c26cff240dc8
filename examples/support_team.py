"""A support team, recorded with Handspan's verbs: each of them is used as it is meant.

No model is asked: answers are scripted, and a seed decides what goes wrong. Handoffs get lost,
tools time out and recover, people approve or stay silent, a budget runs low. What comes out is what
the dashboards show.

    handspan serve &
    python examples/support_team.py --runs 40
"""

from __future__ import annotations

import argparse
import random
import time
from typing import Literal

import handspan

MODELS = (
    ("openai", "gpt-4.1-mini"),
    ("openai", "gpt-5-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("inhouse", "support-7b"),
)
DECISIONS: tuple[Literal["approved", "denied", "answered", "timed_out"], ...] = (
    "approved",
    "denied",
    "answered",
    "timed_out",
)
FEATURES = ("refunds", "shipping", "billing")
USERS = ("ada", "grace", "edsger")


class ToolTimeout(TimeoutError):
    """The order system did not answer."""


def ask_model(dice: random.Random, *, coordinates: bool = False) -> None:
    """Record one answer of a model, streamed, with its usage."""
    provider, model = dice.choice(MODELS)
    with handspan.llm(model, provider=provider, stream=True) as call:
        for _ in call.streamed(iter(["piece"] * 3)):
            time.sleep(dice.uniform(0.0005, 0.002))
        tokens = dice.randint(200, 2000)
        call.usage(
            input_tokens=tokens,
            output_tokens=dice.randint(20, 60 if coordinates else 400),
            cache_read_tokens=tokens // dice.choice([2, 3, 5]),
        )


def look_up_order(dice: random.Random) -> None:
    """Ask the order system; when it times out, try again, else use what was cached."""
    try:
        search(dice)
    except ToolTimeout:
        fault = handspan.fault("timeout", target="order_system", injected=False, deadline_s=5).now()
        for strategy in ("retry", "use_cache"):
            with handspan.recovery(strategy, fault) as attempt:
                worked = dice.random() < 0.7
                attempt.success(worked)
            if worked:
                return
        raise


@handspan.tool("order_system")
def search(dice: random.Random) -> str:
    """Look into the order system."""
    time.sleep(dice.uniform(0.001, 0.004))
    if dice.random() < 0.2:
        raise ToolTimeout("no answer after 2 s")
    return "shipped"


def approve(dice: random.Random) -> bool:
    """Ask a person; some stay silent."""
    reason = dice.choice(["refund_above_limit", "angry_customer"])
    with handspan.human(reason, priority=dice.choice(["medium", "high"])) as wait:
        time.sleep(dice.uniform(0.005, 0.02))
        decision = dice.choice(DECISIONS)
        wait.decision(decision)
    return decision in ("approved", "answered")


def specialist(dice: random.Random, name: str, ticket: str) -> None:
    """Let a specialist work on the ticket, in up to two attempts."""
    for attempt in (1, 2):
        try:
            with (
                handspan.task("solve", id=ticket, domain="support", attempt=attempt),
                handspan.agent(name, version=dice.choice(["1", "2"])) as agent,
            ):
                ask_model(dice)
                look_up_order(dice)
                ask_model(dice)
                handspan.rate(dice.randint(2, 5), success=True, would_use_again=dice.random() < 0.8)
        except ToolTimeout:
            if attempt == 2:
                raise
        else:
            handspan.rate(dice.randint(1, 5), source="customer", of=agent)
            return


def review(dice: random.Random) -> None:
    """Let the critic look at the answer before it is sent."""
    with handspan.agent("critic", type="critic"):
        ask_model(dice)
        with handspan.validation("polite", role="critic", validator="critic") as check:
            check.result(dice.choice(["pass", "pass", "pass", "reject"]))
        with handspan.validation("no_secrets", role="guard", validator="guard") as check:
            check.result("pass")


def ticket(dice: random.Random, number: int, pot: handspan.budget) -> None:
    """Work on one ticket, from triage to the answer."""
    ticket_id = f"ticket-{number}"
    name = dice.choice(["answer ticket", "answer ticket", "close account"])
    target = dice.choice(["refund agent", "shipping agent"])
    with (
        handspan.workflow(
            name,
            plan=["triage", target, "critic"],
            estimated_s=0.05,
            feature=dice.choice(FEATURES),
            project="shop",
            user_id=dice.choice(USERS),
        ),
        pot,
    ):
        with handspan.agent("triage", type="router"):
            with handspan.plan():
                ask_model(dice, coordinates=True)
            lost = dice.random() < 0.1
            with handspan.handoff(
                "triage", target, mode="pass_control", reason="knows this", payload_bytes=900
            ) as handoff:
                handoff.outcome("lost" if lost else "accepted")
        if dice.random() < 0.3:
            with handspan.fault("slow_network", target="order_system", severity=2):
                time.sleep(0.002)
        if not lost:
            specialist(dice, target, ticket_id)
        with handspan.handoff(target, "critic", mode="return_to_caller"):
            review(dice)
        if dice.random() < 0.4 and not approve(dice):
            raise PermissionError("nobody approved it")


def main() -> None:
    """Work on as many tickets as asked, some at a time in the queue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    dice = random.Random(asked.seed)  # noqa: S311 - a script's dice
    handspan.configure(service_name="support-team")
    pot = handspan.budget(limit_usd=0.05, scope="day", name="support")
    failed = 0
    for number in range(asked.runs):
        try:
            ticket(dice, number, pot)
        except (ToolTimeout, PermissionError):
            failed += 1
    handspan.flush()
    print(f"{asked.runs} tickets, {failed} failed, {pot.used_usd:.4f} USD known to be spent")


if __name__ == "__main__":
    main()
