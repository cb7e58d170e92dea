"""What a person decides of proposals and lessons."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Seen
from watchkeeper.interfaces.console.ground import Ground
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.trouble import LESSONS, PROPOSALS
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.interfaces.console.words import UNKNOWN
from watchkeeper.services.operations import as_uuid

PROPOSAL = "POST /api/proposals/{proposal_id}"
LESSON = "POST /api/lessons/{lesson_id}"
STATE = message("State")


async def look(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    if (asked := as_uuid(target["proposal_id"])) is None:
        raise NotFound("there is no such proposal here")
    row = await ground.app.watchdog.knowledge.proposals.show(project, asked)
    facts: tuple[Fact, ...] = (
        (STATE, PROPOSALS.get(row["adoption_status"], UNKNOWN)),
        (message("Problem"), row["problem"]),
        (message("Recommended"), row["recommendation"]),
        (message("Reasoning"), row["reasoning"]),
        (message("Feedback that is asked for"), row["feedback_if_rejected"] or "–"),
    )
    return Seen(row["decision"][:200], facts, row["adoption_status"], frozenset({str(row["id"])}))


async def look_at_lesson(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    if (asked := as_uuid(target["lesson_id"])) is None:
        raise NotFound("there is no such lesson here")
    row = await ground.app.watchdog.knowledge.lessons.show(project, asked)
    facts: tuple[Fact, ...] = (
        (STATE, LESSONS.get(row["state"], UNKNOWN)),
        (message("Learnt"), " ".join(row["learned"])),
        (message("Next worker should check"), " ".join(row["next_worker_should_check"]) or "–"),
        (message("Written by"), row["author"]),
        (message("Confirmed"), str(row["confirmed"])),
        (message("Refuted"), str(row["refuted"])),
    )
    name = row["topic_key"] or (row["learned"] or ["?"])[0]
    return Seen(name[:200], facts, row["state"], frozenset({str(row["id"])}))


ACCEPT = Act(
    name="proposal-accept",
    route=f"{PROPOSAL}/accept",
    right=Right.DECIDE,
    title=message("Accept the proposal"),
    plan=message("It is written down as accepted, and what its kind does is carried out."),
    touches=message("The record; of some kinds also what the decision names."),
    stays=message("Whatever the decision does not name."),
    undo=message("What accepting it changed can be taken back, where it changed something."),
    otherwise=message("It waits until somebody decides, or what it is about is over."),
    look=look,
    target=("proposal_id",),
)
REJECT = Act(
    name="proposal-reject",
    route=f"{PROPOSAL}/reject",
    right=Right.DECIDE,
    title=message("Reject the proposal"),
    plan=message("It is written down as rejected; your reason is the feedback that it asks for."),
    touches=message("The record alone."),
    stays=message("What it is about stays as it is."),
    undo=message("There is no way back; it may be proposed again."),
    otherwise=message("It waits until somebody decides, or what it is about is over."),
    look=look,
    target=("proposal_id",),
)
UNDO = Act(
    name="proposal-undo",
    route=f"{PROPOSAL}/undo",
    right=Right.DECIDE,
    title=message("Take the decision back"),
    plan=message("What accepting it changed is put back, if it is as it was left."),
    touches=message("What the decision changed."),
    stays=message("The record, with who took it back and why."),
    undo=message("It is not accepted again; it may be proposed again."),
    otherwise=message("It stays accepted."),
    look=look,
    target=("proposal_id",),
)
PUBLISH = Act(
    name="lesson-publish",
    route=f"{LESSON}/publish",
    right=Right.DECIDE,
    title=message("Hand the lesson out"),
    plan=message("Workers get it with jobs of its topic and kind."),
    touches=message("What workers are told from now on."),
    stays=message("Attempts that run."),
    undo=message("Retiring it hands it out no more."),
    otherwise=message("Nobody is handed it."),
    look=look_at_lesson,
    target=("lesson_id",),
    reverse="lesson-retire",
)
RETIRE = Act(
    name="lesson-retire",
    route=f"{LESSON}/retire",
    right=Right.DECIDE,
    title=message("Retire the lesson"),
    plan=message("It is handed out no more."),
    touches=message("What workers are told from now on."),
    stays=message("Attempts that run, and the lesson's record."),
    undo=message("It can be handed out again."),
    otherwise=message("It is handed out until it is refuted too often."),
    look=look_at_lesson,
    target=("lesson_id",),
    reverse="lesson-publish",
)

ACTS = (ACCEPT, REJECT, UNDO, PUBLISH, RETIRE)
