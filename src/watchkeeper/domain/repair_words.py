"""What repairs of workers, kinds and sessions would do, and what is put before people, as plans say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.repairs import Target
from watchkeeper.domain.rules.names import RepairAction

Image = Mapping[str, str | int | bool | None]
"""A target as it stands: what a plan is made on, and what an undo restores."""

ENDED = "a failed job has ended; 'watchkeeper jobs requeue' makes a new one of it"
ONLY_ASKED = "it asks and changes nothing"
COMMAND = "command"
"""The agent that only runs what a job names, and has no conversation."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a plan says to people."""

    steps: tuple[str, ...]
    blast_radius: str
    undo: str | None = None
    no_undo_because: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What a plan is made on: the target, how it stands, and what the action needs besides."""

    target: Target
    image: Image
    arguments: Image


def _retouch(on: Scene) -> Words:
    return Words((f"ask {on.target} for touch and doctor, at its next answer",), "nothing", None, ONLY_ASKED)


def _stop(on: Scene) -> Words:
    return Words(
        (f"refuse the claims of {on.target} until a supervisor resumes it",),
        f"{on.target}: what it holds it keeps",
        None if on.image["stopped"] else f"{on.target} may claim again",
        "it was stopped before" if on.image["stopped"] else None,
    )


def _resume_worker(on: Scene) -> Words:
    if not on.image["stopped"]:
        raise Conflict(f"{on.target} is not stopped")
    return Words((f"let {on.target} claim again",), f"{on.target}", "it is stopped again, with its reason")


def _pause_kind(on: Scene) -> Words:
    if on.image["paused"]:
        raise Conflict(f"{on.target} is paused")
    return Words(
        (f"let no job of {on.target} be claimed",),
        f"{on.arguments['waiting']} waiting jobs, and what is added; what runs goes on",
        f"{on.target} is resumed",
    )


def _fail_kind(on: Scene) -> Words:
    if not on.arguments["waiting"]:
        raise Conflict(f"no job of {on.target} waits: there is nothing to fail")
    return Words(
        (f"fail the {on.arguments['waiting']} jobs of {on.target} that wait now",),
        f"{on.arguments['waiting']} jobs, for good",
        None,
        ENDED,
    )


def _interrupt(on: Scene) -> Words:
    if on.image["ended"]:
        raise Conflict(f"{on.target} has ended")
    if on.image.get("agent") == COMMAND:
        raise Conflict(
            f"{on.target} is a plain command: it has no thread to go on with", hint="Cancel its job instead."
        )
    steps = (
        f"ask the supervisor {on.image['worker_id']} to interrupt turn {on.image['turns']} of {on.target}",
        "it resumes the same thread, or begins a fresh one where that is unsafe, while restarts are left",
    )
    return Words(
        steps,
        "one turn of one session; its workspace and its lease stay",
        None,
        "a turn that was cut is not put back",
    )


def _sweep(on: Scene) -> Words:
    steps = (
        f"ask the supervisor {on.image['worker_id']} to look for processes of {on.target} once more",
        "it ends those that it can prove to be the session's own, and tells of the others",
    )
    return Words(
        steps,
        "processes that are proven to be this session's own",
        None,
        "an ended process does not come back",
    )


def _propose(on: Scene) -> Words:
    return Words(
        (f"write a proposal about {on.target} for people to decide, unless one waits already",),
        "nothing",
        "the proposal is withdrawn, while nobody has decided it",
    )


Planned = Callable[[Scene], Words]

OF_OTHERS: dict[RepairAction, Planned] = {
    RepairAction.RETOUCH: _retouch,
    RepairAction.STOP_WORKER: _stop,
    RepairAction.RESUME_WORKER: _resume_worker,
    RepairAction.PAUSE_KIND: _pause_kind,
    RepairAction.FAIL_KIND: _fail_kind,
    RepairAction.PROPOSE: _propose,
    RepairAction.INTERRUPT_SESSION: _interrupt,
    RepairAction.SWEEP_SESSION: _sweep,
}
