"""The outbox under every order of ends, troubles and crashes: nothing told is lost, the order holds,
effects are one.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from watchkeeper.domain.errors import ServerUnreachable
from watchkeeper.interfaces.cli.contract.answers import Reply
from watchkeeper.interfaces.cli.contract.delivery import Means, deliver
from watchkeeper.interfaces.cli.contract.durable import write_file
from watchkeeper.interfaces.cli.contract.outbox import Entry, Outbox
from watchkeeper.interfaces.cli.contract.server import PATIENT, Body, Patience, Server, Tokens
from watchkeeper.interfaces.cli.contract.terminal import end_job

STEPS = ("open", "write", "fsync", "replace", "unlink", "mkdir", "rmdir")
STALE = Reply({"ok": False, "error": {"code": "stale_lease", "message": "it ended"}}, 409)


class Killed(BaseException):
    """The process is gone: nothing that follows in it happens."""


@contextlib.contextmanager
def killed_after(steps: int | None) -> Iterator[None]:
    """Let the process die at its n-th change to the disk, a write half done; None lets it live."""
    left = [steps if steps is not None else 1_000_000]

    def dying(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and name == "write":
                real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            if left[0] <= 0:
                raise Killed
            return None if name == "fsync" else real(*arguments, **options)

        return step

    with contextlib.ExitStack() as stack:
        for name in STEPS:
            stack.enter_context(mock.patch.object(os, name, dying(name, getattr(os, name))))
        with contextlib.suppress(Killed):
            yield


class FakeServer:
    """A server that does an end once per lease, and meets each request with the next trouble of its
    script.
    """

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.script: list[str] = []
        self.done: dict[str, str] = {}

    def ask(self, path: str, body: Body, tokens: Tokens, patience: Patience) -> Reply:
        job, command = path.split("/")[4:6]
        oldest = self.outbox.entries()[0]
        assert (oldest.job, oldest.command) == (job, command), "an end overtook an older one"
        trouble = self.script.pop(0) if self.script else "none"
        if trouble == "unheard":
            raise ServerUnreachable
        if trouble == "broken":
            return Reply({"ok": False, "error": {"code": "database_unavailable", "message": ""}}, 503)
        if trouble == "refused":
            return STALE
        assert tokens.lease
        first = self.done.setdefault(tokens.lease, command)
        if trouble == "unanswered":
            raise ServerUnreachable
        if first != command:
            return STALE
        return Reply({"ok": True, "status": "done"}, 200)


class OutboxMachine(RuleBasedStateMachine):
    """One worker whose commands are killed at any step, before a server that fails in any way."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.outbox = Outbox(Path(self._folder.name), "worker")
        self.outbox.prepare()
        self.server = FakeServer(self.outbox)
        self.means = Means(cast("Server", self.server), None, PATIENT, 0.0)
        self.owed: dict[tuple[str, str], str] = {}
        self.told_done: set[tuple[str, str]] = set()

    @rule(
        job=st.integers(0, 3),
        command=st.sampled_from(["complete", "release"]),
        script=st.lists(st.sampled_from(["none", "unheard", "unanswered", "broken", "refused"]), max_size=4),
        steps=st.none() | st.integers(1, 30),
    )
    def end(self, job: int, command: str, script: list[str], steps: int | None) -> None:
        self.send(job, command, script, steps)

    def send(self, job: int, command: str, script: list[str], steps: int | None) -> None:
        self.server.script = script
        entry = Entry("", command, f"job-{job}", f"1.lease-{job}", None, {"summary": "text"})
        reply = None
        with killed_after(steps):
            reply = end_job(self.outbox, self.means, entry, None)
        if reply is None:
            return
        key = (entry.job, command)
        if reply.code == "queued":
            self.owed[key] = reply.answer["outbox_id"]
        elif reply.ok:
            self.told_done.add(key)

    @rule(
        script=st.lists(st.sampled_from(["none", "unheard", "unanswered", "broken", "refused"]), max_size=6),
        steps=st.none() | st.integers(1, 30),
    )
    def deliver_in_passing(self, script: list[str], steps: int | None) -> None:
        self.server.script = script
        with killed_after(steps), self.outbox.delivering(0.0) as turn:
            assert turn, "a dead process holds the right to deliver"
            deliver(self.outbox, self.means)

    @invariant()
    def what_was_told_as_done_is_done(self) -> None:
        for job, command in self.told_done:
            assert self.server.done[f"1.lease-{job[-1]}"] == command

    @invariant()
    def each_end_waits_once(self) -> None:
        waiting = [entry.ends for entry in self.outbox.entries()]
        assert len(waiting) == len(set(waiting))

    def teardown(self) -> None:
        """With a sound server all that was told as queued is done or put aside, and nothing waits."""
        self.server.script = []
        with self.outbox.delivering(0.0) as turn:
            assert turn
            assert deliver(self.outbox, self.means).blocked is None
        assert self.outbox.entries() == []
        for (job, command), entry_id in self.owed.items():
            done = self.server.done.get(f"1.lease-{job[-1]}") == command
            assert done or self.outbox.refusal(entry_id) == STALE.answer, f"{command} of {job} is lost"
        self._folder.cleanup()


@pytest.mark.parametrize("step", range(1, 12))
def test_a_file_is_never_half_written(step: int, tmp_path: Path) -> None:
    """Whichever step a process dies at, the former or the new content stands there whole."""
    path = tmp_path / "entry.json"
    write_file(path, b"the former content")
    with killed_after(step):
        write_file(path, b"the new content")
    assert path.read_bytes() in {b"the former content", b"the new content"}


@pytest.mark.parametrize("step", range(1, 32))
def test_a_repeated_end_survives_death_at_every_step(step: int) -> None:
    """A waiting end whose repetition, or whose delivery, dies at any step is still done or put aside
    afterwards.
    """
    machine = OutboxMachine()
    machine.send(0, "complete", ["unheard"], None)
    assert len(machine.owed) == 1
    machine.send(0, "complete", ["refused"], step)
    machine.teardown()


TestOutbox = OutboxMachine.TestCase
TestOutbox.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
