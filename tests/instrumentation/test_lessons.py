"""What users of other tools complain of, and which test of ours fails without which mechanism.

| case | mechanism | test |
|---|---|---|
| one trace through threads, executors, callbacks | `context.bind`, `carrying`; parents by hand | `test_context.py`, `record/test_recording.py` |
| one trace through interleaved tasks and generators | plain attaches instead of tokens; a generator's own Context | `test_context.py`, `record/test_decorating.py` |
| no orphans, no split runs | a run's id travels; a resumed run links to its earlier part | `test_context.py`, `record/test_team_verbs.py` |
| the same target twice is two handoffs | a number within the trace | `record/test_verbs.py` |
| cost by agent and workflow, also of others' spans | attribution | `record/test_recording.py` |
| no call is counted twice | a second instrumentor is found; only the innermost call counts | `leaving/test_guests.py`, `record/test_foreign_calls.py` |
| attempts at one task | counted by id, and by failed call | `record/test_task.py` |
| a person's wait is no error | a wait cannot fail; a time-out is a decision | `record/test_team_verbs.py` |
| one large span loses nothing else | importance, room, requests that fit, halves | `leaving/test_limits.py`, `leaving/test_sending.py`, `leaving/test_ending.py` |
| redaction everywhere, closed on failure | events and links, nested JSON, others' spans, a mark and a count | `leaving/test_redaction.py`, `leaving/test_redaction_rules.py` |
| abandoned streams end, usage is partial | watched streams | `record/test_stream.py` |

`MECHANISMS` below names them one by one. Each is taken out of a copy of the package, and its test
has to fail: a test that passes without its mechanism proves nothing.
"""  # noqa: E501 - a table

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "instrumentation" / "handspan"


class Mechanism(NamedTuple):
    """One piece of code, and the test that stands for it."""

    name: str
    file: str
    code: str
    """What is taken out; it stands in the file once."""
    instead: str
    test: str
    """File and name of the test that fails then."""


MECHANISMS = (
    Mechanism(
        "threads and callbacks",
        "context.py",
        "        attach(self._context)\n        try:\n            return self._function(",
        "        try:\n            return self._function(",
        "test_context.py::test_a_bound_function_runs_where_it_was_bound",
    ),
    Mechanism(
        "pools",
        "context.py",
        "self._executor.submit(bind(fn), *args",
        "self._executor.submit(fn, *args",
        "test_context.py::test_a_pool_carries_the_context_of_whoever_submits",
    ),
    Mechanism(
        "1,000 interleaved runs",
        "context.py",
        "return Context({**context, _SPAN_KEY: span, _KEY: run})",
        "return Context({**context, _KEY: run})",
        "test_context.py::test_1000_interleaved_runs_keep_their_spans_apart",
    ),
    Mechanism(
        "parents by hand",
        "record/recording.py",
        "outer = parent.context if isinstance(parent, Recording) else parent",
        "outer = None",
        "record/test_recording.py::test_by_hand_nothing_ambient_is_touched",
    ),
    Mechanism(
        "a block left in another task",
        "blocks.py",
        "    if over or here is inside:",
        "    if True:",
        "record/test_recording.py"
        "::test_a_block_left_where_another_is_current_leaves_that_one_alone",
    ),
    Mechanism(
        "a block left out of turn",
        "blocks.py",
        "        _note(here, (inside, outside))",
        "        pass",
        "record/test_leaving_blocks.py::test_blocks_left_out_of_turn_leave_nothing_current",
    ),
    Mechanism(
        "something attached and never detached",
        "record/recording.py",
        "over = here is self._context or get_current_span(here) is self._span",
        "over = here is self._context",
        "record/test_leaving_blocks.py::test_what_is_attached_and_forgotten_inside_goes_with_the_block",
    ),
    Mechanism(
        "a coroutine that a plain function returns",
        "record/decorating.py",
        "            if type(result) is CoroutineType:",
        "            if False:",
        "record/test_decorating.py::test_a_plain_function_that_returns_a_coroutine_lasts_until_its_end",
    ),
    Mechanism(
        "a generator's own Context",
        "record/decorating.py",
        "            self._outside = get_current()\n            attach(self._inside)",
        "            attach(self._inside)",
        "record/test_decorating.py"
        "::test_a_generator_is_recorded_until_it_ends_and_is_current_in_its_body_only",
    ),
    Mechanism(
        "a run behind HTTP",
        "context.py",
        "return with_run(context, Run(id=run_id, workflow=workflow))",
        "return context",
        "test_context.py::test_an_agent_behind_http_works_in_the_callers_run",
    ),
    Mechanism(
        "a resumed run",
        "record/workflow.py",
        "return () if earlier is None else [Link(earlier, {semconv.LINK: _RESUMES})]",
        "return ()",
        "record/test_team_verbs.py::test_a_resumed_run_links_to_its_earlier_part",
    ),
    Mechanism(
        "the same target twice",
        "record/handoff.py",
        "_of_trace.next(span.get_span_context().trace_id)",
        "1",
        "record/test_verbs.py::test_handoffs_are_counted_within_their_trace",
    ),
    Mechanism(
        "attribution",
        "processors/attribution.py",
        "        span.set_attributes({**run.attributes, **(span.attributes or {})})",
        "        pass",
        "record/test_recording.py::test_spans_of_others_say_who_ran_them",
    ),
    Mechanism(
        "a second instrumentor",
        "configure.py",
        "rival = rivals.rival_of(instrumentor)",
        "rival = None",
        "leaving/test_guests.py::test_a_second_instrumentor_is_told_and_left_alone",
    ),
    Mechanism(
        "the innermost call counts",
        "record/spending.py",
        "above.has_counted = True",
        "pass",
        "record/test_foreign_calls.py::test_a_call_that_two_record_counts_once",
    ),
    Mechanism(
        "attempts by id",
        "record/task.py",
        "return _of_id.next((outer.id or _current_trace(self._outer), self.type, self.id))",
        "return 1",
        "record/test_task.py::test_the_same_id_again_is_another_attempt_within_its_run",
    ),
    Mechanism(
        "a wait cannot fail",
        "record/human.py",
        "        return False",
        "        return True",
        "record/test_team_verbs.py::test_a_wait_for_a_person_is_never_an_error",
    ),
    Mechanism(
        "importance of attributes",
        "processors/limits.py",
        "for name in [name for name in reversed(attributes) if not is_kept(name)][:surplus]:",
        "for name in list(attributes)[:surplus]:",
        "leaving/test_limits.py::test_a_hundred_tool_definitions_evict_neither_model_nor_tokens",
    ),
    Mechanism(
        "room for attributes",
        "processors/ending.py",
        "            attributes.maxlen = ROOM",
        "            pass",
        "leaving/test_ending.py::test_who_ran_it_survives_on_a_foreign_span_too",
    ),
    Mechanism(
        "requests that fit",
        "export/sending.py",
        "if request and request_bytes + size_bytes > limit_bytes:",
        "if False:",
        "leaving/test_sending.py::test_a_batch_is_sent_in_requests_that_fit",
    ),
    Mechanism(
        "halves of a refused request",
        "export/sending.py",
        "if not its_content or time.monotonic() > give_up_s:",
        "if True:",
        "leaving/test_sending.py::test_one_span_that_is_refused_loses_nobody_else",
    ),
    Mechanism(
        "redaction of events and links",
        "processors/parts.py",
        "return [self.attributes, *(own for _, own in self.events), *self.links]",
        "return [self.attributes]",
        "leaving/test_redaction.py::test_no_place_on_a_span_keeps_a_secret",
    ),
    Mechanism(
        "redaction of nested JSON",
        "redaction_rules.py",
        "            text = self._json(text, depth)",
        "            pass",
        "leaving/test_redaction_rules.py::test_json_inside_strings_is_followed_and_stays_json",
    ),
    Mechanism(
        "redaction of others' spans",
        "processors/ending.py",
        "    if is_own(span):\n        return True\n    attributes = span.attributes or {}\n"
        "    return any(name in attributes for name in _MARKS)",
        "    return is_own(span)",
        "leaving/test_ending.py"
        "::test_foreign_spans_inside_a_run_are_redacted_and_others_are_not_ours",
    ),
    Mechanism(
        "closed when redaction fails",
        "processors/redaction.py",
        "            return FAILED",
        "            return value",
        "leaving/test_redaction.py::test_what_the_redactor_fails_on_does_not_leave",
    ),
    Mechanism(
        "a stream that nobody reads on",
        "record/stream.py",
        '        """Note that nobody reads on."""\n        self._end(None, whole=False)',
        '        """Note that nobody reads on."""',
        "record/test_stream.py::test_a_stream_abandoned_in_any_way_ends_its_span",
    ),
    Mechanism(
        "partial usage",
        "record/llm.py",
        "            self.set(semconv.USAGE_PARTIAL, True)",
        "            pass",
        "record/test_stream.py::test_a_reader_who_leaves_makes_usage_partial",
    ),
)


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.name)
def test_every_mechanism_and_its_test_are_there(mechanism: Mechanism) -> None:
    """A name that has moved would make the longer test below prove nothing."""
    assert (PACKAGE / mechanism.file).read_text(encoding="utf-8").count(mechanism.code) == 1
    file, _, name = mechanism.test.partition("::")
    assert f"def {name}(" in (HERE / file).read_text(encoding="utf-8")


@pytest.mark.soak
@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.name)
def test_the_test_fails_without_the_mechanism(mechanism: Mechanism, tmp_path: Path) -> None:
    """So each of them holds something up."""
    whole = _tested(mechanism, tmp_path / "whole")
    assert whole.returncode == 0, whole.stdout
    without = _tested(mechanism, tmp_path / "without", taken_out=True)
    assert without.returncode == 1, without.stdout


def _tested(
    mechanism: Mechanism, folder: Path, *, taken_out: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the mechanism's test on a copy of the package."""
    copy = folder / "handspan"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    if taken_out:
        file = copy / mechanism.file
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(mechanism.code, mechanism.instead), encoding="utf-8")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    test = [str(HERE / mechanism.test), "-q", "-x", "-p", "no:cacheprovider", "--show-capture=no"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *test],
        cwd=HERE.parents[1],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
