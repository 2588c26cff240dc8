"""Invents histories of teams of agents: the same seed, the same history.

Topologies, conventions and numbers are random; so is what is lost, late or delivered twice.
"""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.truth.history import FOREIGN, LASTING, SECOND_NS, History, Says, Span
from tests.truth.scene import CONVENTIONS, MINUTE_NS, START_NS, Place
from tests.truth.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def invent(seed: object, *, start_ns: int = START_NS, project: str = "") -> History:
    """Return the history of a seed: one to four runs that begin within an hour of `start_ns`.

    `project` is said by every workflow; '': a random one, or none.
    """
    dice = random.Random(str(seed))  # noqa: S311 - a dice, not a secret
    team = _Team(dice, project)
    for _ in range(dice.choice((1, 1, 2, 2, 3))):
        team.play(start_ns + dice.randrange(60) * MINUTE_NS)
    team.afterwards()
    spans = team.skewed()
    requests = deliveries(dice, spans)
    # Dice of its own: what happened is the same whoever hears of it.
    again = random.Random(f"announced {seed}")  # noqa: S311 - as above
    return History(seed, spans, *announcing(again, spans, requests))


def deliveries(dice: random.Random, spans: list[Span]) -> list[list[Span]]:
    """Return requests that deliver the spans in any order, some twice, a few never."""
    lost = dice.choice((0, 0, 0, 1, 2, 3))
    kept = dice.sample(spans, max(1, len(spans) - lost))
    if dice.random() < 0.1:  # the process of a root was killed
        kept = [span for span in kept if span.parent] or kept
    twice = dice.sample(kept, dice.randrange(min(4, len(kept) + 1)))
    coming = kept + twice
    dice.shuffle(coming)
    if dice.random() < 0.3:
        coming.sort(key=lambda span: span.end_ns)
    cuts = sorted(dice.randrange(len(coming) + 1) for _ in range(dice.randrange(4)))
    edges = [0, *cuts, len(coming)]
    requests = [coming[a:b] for a, b in pairwise(edges)]
    # Spans of others wake nobody: one that comes when its trace has long been idle is not seen.
    others = [span for span in coming if span.kind == FOREIGN]
    return [others + requests[0], *requests[1:]]


def announcing(
    dice: random.Random, spans: list[Span], requests: list[list[Span]]
) -> tuple[list[list[Span]], list[list[Span]]]:
    """Return the requests, and before each of them and after the last which spans are announced.

    What is announced may have ended long ago, end later, or never: now and then a process is
    killed, and takes with it all that it had open.
    """
    lasting = [one for one in spans if one.convention == "handspan" and one.kind in LASTING]
    if not lasting or dice.random() < 0.4:
        return requests, []
    killed: list[Span] = []
    if dice.random() < 0.5:
        # The rarest first: else hardly anybody would wait for a person in vain.
        kinds = [kind for kind in reversed(LASTING) if any(one.kind == kind for one in lasting)]
        kind = kinds[0] if dice.random() < 0.5 else dice.choice(kinds)
        at_work = [one for one in lasting if one.kind == kind]
        killed = list(_open_with(dice.choice(at_work), spans))
        gone = {(one.trace, one.id) for one in killed}
        left = [[one for one in some if (one.trace, one.id) not in gone] for some in requests]
        requests = [some for some in left if some] or requests
    announced = [one for one in lasting if one in killed or dice.random() < 0.3]
    announced += dice.sample(announced, len(announced) // 3)
    rounds: list[list[Span]] = [[] for _ in range(len(requests) + 1)]
    for one in announced:
        dice.choice(rounds).append(one)
    return requests, rounds


def _open_with(span: Span, spans: list[Span]) -> Iterator[Span]:
    """Yield a span and what of its service was open around it."""
    known = {(one.trace, one.id): one for one in spans}
    above: Span | None = span
    while above is not None and above.service == span.service:
        yield above
        above = known.get((above.trace, above.parent))


class _Team(Steps):
    """Writes down what a team of agents does."""

    def play(self, at_ns: int) -> None:
        """Invent one run."""
        self.convention = self.dice.choice(CONVENTIONS)
        shapes: tuple[Callable[[Place, int], object], ...] = (
            self._plain,
            self._plain,
            self._plain,
            self._agent_alone,
            self._behind_http,
            self._implicit,
            self._twice_in_a_trace,
            self._over_two_traces,
            self._resumed,
            self._in_no_run,
        )
        self.dice.choice(shapes)(self._new_trace(), at_ns)

    def _new_trace(self) -> Place:
        service = self.dice.choice(("team", "team", "shop"))
        return Place(self.hex(32), convention=self.convention, service=service)

    def _plain(self, place: Place, at_ns: int) -> int:
        return self._workflow(place, at_ns)

    def _agent_alone(self, place: Place, at_ns: int) -> None:
        self._agent(place, at_ns)

    def _behind_http(self, place: Place, at_ns: int) -> None:
        self._around(place, at_ns, self._workflow)

    def _implicit(self, place: Place, at_ns: int) -> None:
        self._around(place, at_ns, self._agent)
        if self.maybe(0.3):
            self._around(place, at_ns + self.lasts(), self._agent)

    def _in_no_run(self, place: Place, at_ns: int) -> None:
        """Invent work that nobody opened a run for: what became of it is not known."""
        self._around(replace(place, convention="handspan"), at_ns, self._loose)

    def _loose(self, place: Place, at_ns: int) -> int:
        moment = at_ns
        for name in self.dice.sample(("lost", "searched", "called"), 2):
            end = moment + self.lasts()
            if name == "lost":
                handed = {"source": "triage", "target": "writer", "mode": "pass_control"}
                self._write(place, "handoff", moment, end, handed)
            elif name == "called":
                end = self._call(place, moment)
            else:
                end = self._fault(place, moment)
            moment = end
        return moment

    def _around(self, place: Place, at_ns: int, inside: Callable[[Place, int], int]) -> None:
        root = self.hex(16)
        end = inside(place.under(root), at_ns + self.lasts(0.01))
        self._write(place, FOREIGN, at_ns, end + self.lasts(0.01), id=root)

    def _twice_in_a_trace(self, place: Place, at_ns: int) -> None:
        end = self._workflow(place, at_ns)
        self._workflow(place, end + self.lasts())

    def _over_two_traces(self, place: Place, at_ns: int) -> None:
        """Invent a run that a queue splits: the same id in two traces."""
        self.convention = "handspan"
        run = f"ticket-{self.hex(8)}"
        end = self._workflow(replace(place, convention="handspan"), at_ns, run=run)
        again = self._new_trace()
        if self.maybe(0.5):
            self._workflow(again, end + self.lasts(), run=run)
        else:
            named = again.under("", workflow_id=run)
            self._around(named, end + self.lasts(), self._agent)

    def _resumed(self, place: Place, at_ns: int) -> None:
        first = len(self.spans)
        end = self._workflow(place, at_ns)
        root = next(span for span in self.spans[first:] if not span.parent)
        links = ((root.trace, root.id, "resumes"),)
        self._workflow(self._new_trace(), end + self.lasts(), links=links)

    def afterwards(self) -> None:
        """Invent ratings: of a span or a run, from somewhere else, or just so."""
        for _ in range(self.dice.choice((0, 0, 1, 2))):
            rated = self.dice.choice(self.spans)
            at_ns = rated.end_ns + self.lasts(500)
            said: Says = {
                "quality": self.dice.choice((None, 1, 2, 3, 4, 5, 5)),
                "success": self.dice.choice((None, True, False)),
                "use_again": self.dice.choice((None, True, False)),
                "alternative": self.dice.choice((None, "writer", "critic")),
                "rated_by": self.dice.choice(("human", "judge")),
            }
            run = rated.says.get("workflow_id", "")
            if self.maybe(0.5):
                links = ((rated.trace, rated.id, "rates"),)
                self._write(Place(self.hex(32)), "rating", at_ns, at_ns, said, links=links)
            elif run and self.maybe(0.7):
                said["workflow_id"] = run
                self._write(Place(self.hex(32)), "rating", at_ns, at_ns, said)
            else:
                self._write(Place(self.hex(32)), "rating", at_ns, at_ns, said)

    def skewed(self) -> list[Span]:
        """Return the spans; sometimes the clock of one service is wrong."""
        if not self.maybe(0.2):
            return self.spans
        service, by_ns = self.dice.choice(("shop", "remote")), self.dice.choice((-2, 2)) * SECOND_NS
        return [
            replace(
                span,
                start_ns=span.start_ns + by_ns,
                end_ns=span.end_ns + by_ns,
                events=tuple(replace(event, at_ns=event.at_ns + by_ns) for event in span.events),
            )
            if span.service == service
            else span
            for span in self.spans
        ]
