"""One trace wherever the work goes: threads, pools, processes, callbacks, other programs."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context, attach, get_current

import handspan
from handspan.context import bind, carrying, current_run, extract, inject, join, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from handspan.testing import Spans

RUNS = 1000


def search(query: str) -> str:
    """Use a tool."""
    with handspan.tool(f"search {query}"):
        return query


def below(spans: Spans, parent: str) -> list[str]:
    """Return the names of the spans right below the one of this name."""
    wanted = spans.one(parent).context
    assert wanted
    return sorted(
        span.name for span in spans if span.parent and span.parent.span_id == wanted.span_id
    )


def test_a_bound_function_runs_where_it_was_bound(handspan_spans: Spans) -> None:
    """A new thread starts with an empty Context: its spans would be orphans."""
    with handspan.agent("triage"):
        thread = threading.Thread(target=bind(search), args=("a",))
    here = get_current()
    thread.start()
    thread.join()
    assert bind(search)("b") == "b"
    assert get_current() is here
    assert handspan_spans.tree() == [
        "invoke_agent triage",
        "  execute_tool search a",
        "execute_tool search b",
    ]


def test_a_callback_may_be_bound_to_a_recording(handspan_spans: Spans) -> None:
    """A framework calls back at any time, with the wrong thing current."""
    agent = handspan.agent("triage").start()
    callback = bind(search, agent.context)
    with handspan.agent("other"):
        callback("a")
    agent.end()
    assert below(handspan_spans, "invoke_agent triage") == ["execute_tool search a"]


async def test_a_bound_coroutine_function_runs_where_it_was_bound(handspan_spans: Spans) -> None:
    """Event handlers are coroutines, awaited by somebody else."""

    async def handler(query: str) -> str:
        await asyncio.sleep(0)
        return search(query)

    with handspan.agent("triage"):
        bound = bind(handler)
    outside = get_current()
    assert await bound("a") == "a"
    assert get_current() is outside
    assert bound.__name__ == "handler"
    assert below(handspan_spans, "invoke_agent triage") == ["execute_tool search a"]


def test_the_users_exception_passes_a_bound_function(handspan_spans: Spans) -> None:
    """And the Context is as it was."""

    def fail() -> None:
        raise KeyError("a")

    before = get_current()
    with handspan.agent("triage"):
        bound = bind(fail)
    with pytest.raises(KeyError):
        bound()
    assert get_current() is before
    assert len(handspan_spans) == 1


def test_a_pool_carries_the_context_of_whoever_submits(handspan_spans: Spans) -> None:
    """Its threads are shared: each call has its own run."""
    with carrying(ThreadPoolExecutor(2)) as pool:
        for name in "ab":
            with handspan.agent(name):
                list(pool.map(search, [f"{name}1", f"{name}2"]))
    for name in "ab":
        found = below(handspan_spans, f"invoke_agent {name}")
        assert found == [f"execute_tool search {name}1", f"execute_tool search {name}2"]


async def test_an_event_loops_executor_carries_the_context_too(handspan_spans: Spans) -> None:
    """`run_in_executor` copies no context, unlike `to_thread`."""
    loop = asyncio.get_running_loop()
    with carrying(ThreadPoolExecutor(1)) as pool:
        async with handspan.agent("triage"):
            await loop.run_in_executor(pool, search, "a")
            await asyncio.to_thread(search, "b")
    found = below(handspan_spans, "invoke_agent triage")
    assert found == ["execute_tool search a", "execute_tool search b"]


PROCESSES = """
import multiprocessing, sys, handspan
from concurrent.futures import ProcessPoolExecutor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

def line(span):
    parent = span.parent and f"{span.parent.span_id:x}"
    said = span.attributes
    run, agent = said.get("handspan.workflow.id"), said.get("handspan.agent.name")
    return f"{span.name}|{span.context.trace_id:x}|{parent}|{run}|{agent}\\n"

def configure():
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(formatter=line)))
    handspan.configure(tracer_provider=provider, instrument=())

def start(headers=None):
    configure()
    if headers:
        handspan.context.join(headers)

def work(name):
    with handspan.tool(name):
        pass

if __name__ == "__main__":
    configure()
    methods = multiprocessing.get_context(sys.argv[1])
    with handspan.workflow("team", id="ticket-7"), handspan.agent("boss") as boss:
        pool = ProcessPoolExecutor(1, methods, initializer=start)
        with handspan.context.carrying(pool) as carrying:
            list(carrying.map(work, ["carried"]))
        with ProcessPoolExecutor(
            1, methods, initializer=start, initargs=(handspan.context.inject(),)
        ) as pool:
            list(pool.map(work, ["joined"]))
        span = boss.span.get_span_context()
    handspan.flush()
    print(f"boss|{span.trace_id:x}|{span.span_id:x}")
"""


@pytest.mark.end_to_end
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_process_pools_go_on_in_the_same_trace_and_lose_no_span(
    tmp_path: Path, method: str
) -> None:
    """A worker process runs no `atexit`: what it has not sent by then would be lost."""
    program = tmp_path / "team.py"
    program.write_text(PROCESSES)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(program), method],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OTEL_BSP_SCHEDULE_DELAY": "60000"},
    )
    lines = [line.split("|") for line in done.stdout.splitlines()]
    (boss,) = [line for line in lines if line[0] == "boss"]
    found = {line[0]: line[1:] for line in lines if line[0].startswith("execute_tool")}
    assert found == {
        "execute_tool carried": [*boss[1:], "ticket-7", "boss"],
        "execute_tool joined": [*boss[1:], "ticket-7", "None"],
    }
    assert done.stderr == ""


class Receiver(BaseHTTPRequestHandler):
    """Another program, which answers with what it was sent."""

    def do_GET(self) -> None:
        """Work as an agent in the sender's run."""
        with joined(dict(self.headers)), handspan.agent("remote"):
            run = current_run()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(repr(run).encode())

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture
def receiver() -> Iterator[str]:
    """Address of an HTTP server in a thread of its own."""
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_agent_behind_http_works_in_the_callers_run(
    handspan_spans: Spans, receiver: str
) -> None:
    """Two services, one trace, one run; headers in whatever case a server makes of them."""
    with handspan.workflow("support", id="Ticket 7, ü"), handspan.agent("caller", remote=True):
        request = Request(receiver, headers=dict(inject()))  # noqa: S310 - a server of ours
        said = urlopen(request, timeout=10).read().decode()  # noqa: S310 - the same
    assert said == "Run(id='Ticket 7, ü', workflow='support', agent='remote', attempt=None)"
    assert below(handspan_spans, "invoke_agent caller") == ["invoke_agent remote"]


def test_only_safe_names_are_sent(handspan_spans: Spans) -> None:
    """Baggage goes to whoever answers the request, models' providers included."""
    with handspan.workflow("support", id="t-1"), handspan.agent("secret agent"):
        context = baggage.set_baggage("user.email", "a@example.org")
        headers = inject({"x": "1", "baggage": "theirs=1"}, context)
    assert headers == {
        "x": "1",
        "traceparent": f"00-{1:032x}-{2:016x}-01",
        "baggage": "theirs=1,handspan.workflow.id=t-1,handspan.workflow.name=support",
    }
    assert len(handspan_spans) == 2


def test_headers_of_strangers_change_nothing_and_cannot_grow(handspan_spans: Spans) -> None:
    """Requests come without headers, with broken ones, and with a book in them."""
    before = get_current()
    for headers in ({}, {"traceparent": "broken", "baggage": ";;,=,"}, {"baggage": "a=b"}):
        with joined(headers):
            assert get_current() is before
    long = extract({"baggage": f"handspan.workflow.id={'x' * 1000}"})
    with joined({"Baggage": f"handspan.workflow.id={'x' * 1000}"}):
        run = current_run()
    assert run
    assert run.id == "x" * 256
    assert len(long) == 1
    assert len(handspan_spans) == 0


def test_a_thread_joins_for_as_long_as_it_lives(handspan_spans: Spans) -> None:
    """Workers that take jobs from a queue belong to the run that started them."""
    with handspan.workflow("support"), handspan.agent("triage"):
        pool = ThreadPoolExecutor(1, initializer=join, initargs=(inject(),))
    with pool:
        list(pool.map(search, "ab"))
    found = below(handspan_spans, "invoke_agent triage")
    assert found == ["execute_tool search a", "execute_tool search b"]
    assert {span.attributes["handspan.workflow.name"] for span in handspan_spans} == {"support"}  # type: ignore[index]


def test_a_generator_may_be_read_in_another_thread(handspan_spans: Spans) -> None:
    """Web servers read a streaming answer wherever they like."""

    @handspan.agent("writer")
    def write() -> Iterator[str]:
        for word in "ab":
            yield search(word)

    with handspan.workflow("support"):
        stream = write()
        first = next(stream)
    rest: list[str] = []
    reader = threading.Thread(target=lambda: rest.extend(stream))
    reader.start()
    reader.join()
    assert [first, *rest] == ["a", "b"]
    found = below(handspan_spans, "invoke_agent writer")
    assert found == ["execute_tool search a", "execute_tool search b"]


# --- 1,000 runs at once ---


class Team:
    """Runs that go through everything that loses a Context, interleaved by chance."""

    def __init__(self, pool: Any) -> None:  # noqa: ANN401 - an Executor that carries
        self.chance = random.Random(7)  # noqa: S311 - a schedule, not a secret
        self.pool = pool
        self.jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()

    async def run(self, run: int) -> None:
        """One run: tasks, a task group, threads, a queue's worker, a stream, callbacks."""
        async with handspan.workflow(f"run-{run}", id=str(run)) as workflow:
            async with asyncio.TaskGroup() as group:
                for agent in "ab":
                    group.create_task(self.work(run, agent))
                await self.pause()
            with handspan.handoff("a", f"b-{run}"):
                await self.pause()
            by_hand = handspan.agent(f"callback-{run}").start(parent=workflow)
            stream = self.answer(run)
        # The run's block is over; what it began is not.
        by_hand.end()
        await self.pause()
        assert [item async for item in stream] == [run, run]

    async def work(self, run: int, agent: str) -> None:
        """One agent, which uses four kinds of threads."""
        async with handspan.agent(f"{agent}-{run}"):
            await self.pause()
            await asyncio.to_thread(use_tool, run)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.pool, use_tool, run)
            done: asyncio.Future[None] = loop.create_future()

            def job(done: asyncio.Future[None] = done) -> None:
                use_tool(run)
                loop.call_soon_threadsafe(done.set_result, None)

            self.jobs.put(bind(job))
            await done
            await self.pause()

    def answer(self, run: int) -> Any:  # noqa: ANN401 - an async generator
        """Return a stream whose span is opened in the run and read after it."""
        call = handspan.llm(f"stream-{run}", stream=True).start()

        async def pieces() -> Any:  # noqa: ANN401 - an async generator
            for _ in range(2):
                await asyncio.sleep(0)
                yield run

        return call.streamed(pieces())

    async def pause(self) -> None:
        """Let others run, so often as it happens."""
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)

    def take_jobs(self) -> None:
        """Work as a thread that knows nothing of anybody's Context."""
        attach(Context())
        while (job := self.jobs.get()) is not None:
            job()


def use_tool(run: int) -> None:
    """Use a tool that asks a model."""
    with handspan.tool(f"tool-{run}"):
        thread = copy_context()
        thread.run(lambda: handspan.llm(f"llm-{run}").start().end())


PARENTS = {
    "invoke_workflow": None,
    "invoke_agent": "invoke_workflow",
    "handoff": "invoke_workflow",
    "execute_tool": "invoke_agent",
    "chat llm": "execute_tool",
    "chat stream": "invoke_workflow",
}


def of_run(span: ReadableSpan) -> str:
    """Return which run a span is of, by its name."""
    return span.name.rpartition("-")[2]


async def test_1000_interleaved_runs_keep_their_spans_apart(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Lesson 1: no wrong parent, one root each, "Failed to detach context" never logged."""
    caplog.set_level(logging.WARNING)
    with carrying(ThreadPoolExecutor(4)) as pool:
        team = Team(pool)
        workers = [threading.Thread(target=team.take_jobs) for _ in range(2)]
        for worker in workers:
            worker.start()
        await asyncio.gather(*map(team.run, range(RUNS)))
        for _ in workers:
            team.jobs.put(None)
        for worker in workers:
            worker.join()

    spans = list(handspan_spans)
    by_id = {span.context.span_id: span for span in spans if span.context}
    assert len(spans) == RUNS * (1 + 2 * (1 + 3 * 2) + 1 + 1 + 1)
    roots = [span.context.trace_id for span in spans if span.parent is None and span.context]
    assert len(roots) == len(set(roots)) == RUNS
    for span in spans:
        assert span.attributes
        assert span.attributes["handspan.workflow.id"] == of_run(span)
        parent = by_id[span.parent.span_id] if span.parent else None
        (wanted,) = [below for name, below in PARENTS.items() if span.name.startswith(name)]
        assert (parent and parent.name.split()[0]) == wanted
        assert parent is None or of_run(parent) == of_run(span)
    assert caplog.records == []
