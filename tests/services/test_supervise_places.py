"""Which directory of a home a worker takes, and whose attempts it goes on with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.services.supervision.config import SupervisorConfig
from watchkeeper.services.supervision.former import inherited
from watchkeeper.services.supervision.place import taken_place
from watchkeeper.services.supervision.records import AttemptRecords

OTHERS: dict[str, dict[str, Any]] = {
    "token": {"token": "wkw_other"},
    "agent": {"agent": "claude"},
    "pool": {"pool": "night"},
    "kinds": {"kinds": ["essay"]},
}


def config(home: Path, **more: Any) -> SupervisorConfig:
    told = {"url": "http://127.0.0.1:1", "token": "wkw_one", "agent": "codex", "worker_id": "w"}
    return SupervisorConfig(home=home, **(told | more))


@pytest.fixture
def left(tmp_path: Path) -> AttemptRecords:
    """What a worker that was killed leaves in a home: an attempt at a page."""
    with taken_place(config(tmp_path), "codex") as place:
        assert place.worker_id == "w"
        return AttemptRecords.make(place.directory, "job", 1, {"job": {"kind": "page"}})


@pytest.mark.parametrize("other", OTHERS)
def test_attempts_wait_for_a_worker_that_could_have_claimed_them(
    tmp_path: Path, left: AttemptRecords, other: str
) -> None:
    """Another token, agent, pool or other kinds: such a worker starts beside them, in either order of starting."""
    stranger = config(tmp_path, **OTHERS[other])
    with taken_place(stranger, stranger.agent) as beside:
        assert (beside.worker_id, beside.orphaned) == ("w-2", ())
        AttemptRecords.make(beside.directory, "theirs", 1, {"job": {"kind": "essay"}})
    own = config(tmp_path, kinds=["page", "book"])
    with taken_place(own, "codex") as place:
        assert (place.directory, place.orphaned) == (left.directory.parent, ())


@pytest.mark.parametrize("other", OTHERS)
def test_where_all_is_over_anybody_may_work(tmp_path: Path, left: AttemptRecords, other: str) -> None:
    """Once the server knows how the attempts ended the directory is free, and then it is the new worker's."""
    left.write_reported({})
    stranger = config(tmp_path, **OTHERS[other])
    with taken_place(stranger, stranger.agent) as place:
        assert (place.worker_id, place.directory) == ("w", left.directory.parent)
        AttemptRecords.make(place.directory, "theirs", 1, {"job": {"kind": "essay"}})
    with taken_place(config(tmp_path, kinds=["page"]), "codex") as place:
        assert (place.worker_id, place.orphaned) == ("w-2", ())


def test_only_what_is_not_over_is_gone_on_with(tmp_path: Path, left: AttemptRecords) -> None:
    """A worker of another number holds what dead ones left, and goes on where an attempt is not over."""
    with taken_place(config(tmp_path, worker_id="v"), "codex") as place:
        assert (place.orphaned, place.adopted()) == ((left.directory.parent,), (left.directory.parent,))
        left.write_reported({})
        assert place.adopted() == ()


def test_a_later_attempt_goes_on_with_its_own_agents_thread_only(
    tmp_path: Path, left: AttemptRecords
) -> None:
    """Under another agent the job begins anew in its own workspace; under the same one both stay."""
    (tmp_path / "space" / "work").mkdir(parents=True)
    left.note(workspace=str(tmp_path / "space"))
    left.write_thread({"agent": "codex", "thread": "t-1"})
    with taken_place(config(tmp_path, worker_id="v"), "claude") as place:
        later = AttemptRecords.make(place.directory, "job", 2, {"job": {"kind": "page"}})
    assert inherited(later, "claude", os.getuid()) is None
    same = inherited(later, "codex", os.getuid())
    assert same is not None
    assert (same.conversation.thread, same.workspace) == ("t-1", tmp_path / "space")
