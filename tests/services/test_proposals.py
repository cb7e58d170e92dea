"""Decision records: asked once, decided once, redacted, audited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import Conflict, NotFound, UsageError
from watchkeeper.domain.proposals import ProposalDraft, proposal_fingerprint
from watchkeeper.services.proposals import Decision, Effect, Proposals, propose, withdraw

DRAFT = ProposalDraft(
    "p",
    "missing_worker_kind",
    decision="Start a worker that can do 'report', or pause the kind.",
    problem="3 jobs of 'report' wait, and no live worker can do them.",
    recommendation="Start a worker.",
    reasoning="The backlog grew for an hour.",
    options=("Start a worker.", "Pause the kind."),
    feedback_if_rejected="Say which kind is to be dropped.",
    fingerprint=proposal_fingerprint("p", "missing_worker_kind", "report"),
    subject={"kind": "report", "token": "hunter2"},
)


async def test_a_question_is_asked_once_until_it_is_decided(app: App) -> None:
    """The same proposal again is counted, not repeated; decided, it may be asked anew; each step is in the trail."""
    proposals = Proposals(app.database, app.redactor)
    first = await proposals.make(DRAFT, actor="system:watchdog")
    again = await proposals.make(replace(DRAFT, problem="4 jobs wait"), actor="system:watchdog")
    assert (first.is_new, again.is_new, again.id) == (True, False, first.id)
    shown = await proposals.show("p", first.id)
    assert (shown["occurrences"], shown["problem"], shown["adoption_status"]) == (
        2,
        DRAFT.problem,
        "proposed",
    )
    assert shown["subject"] == {"kind": "report", "token": "[redacted:secret]"}
    with pytest.raises(UsageError, match="says why"):
        await proposals.reject(Decision("p", first.id, "lin"))
    rejected = await proposals.reject(Decision("p", first.id, "lin", "the kind is dropped"))
    assert (rejected["adoption_status"], rejected["feedback"]) == ("rejected", "the kind is dropped")
    with pytest.raises(Conflict, match="already rejected"):
        await proposals.accept(Decision("p", first.id, "lin"))
    assert (await proposals.make(DRAFT, actor="system:watchdog")).is_new
    async with app.database.transaction() as connection:
        assert await withdraw(connection, "p", str(DRAFT.fingerprint), actor="system:watchdog", reason="over")
        assert not await withdraw(connection, "p", str(DRAFT.fingerprint), actor="system", reason="over")
        other = await propose(connection, app.redactor, replace(DRAFT, fingerprint=None), actor="principal:a")
    assert (await proposals.accept(Decision("p", other.id, "lin")))["adoption_status"] == "accepted"
    with pytest.raises(NotFound):
        await proposals.show("q", other.id)
    listed, cursor = await proposals.list("p", limit=2)
    assert [row["adoption_status"] for row in listed] == ["accepted", "withdrawn"]
    assert [row["id"] for row in (await proposals.list("p", before=cursor))[0]] == [first.id]
    events = await rows(app.database, "SELECT event FROM watchkeeper.audit_events ORDER BY seq")
    assert [row["event"].removeprefix("proposal_") for row in events] == [
        *("produced", "rejected", "produced", "withdrawn", "produced", "accepted")
    ]


async def test_what_an_acceptance_changed_is_changed_with_it_or_not_at_all(app: App) -> None:
    """The effect rides in the decision's transaction; undone, it is taken back once; without one nothing is undone."""
    done: list[Any] = []

    async def apply(_connection: Any, subject: Any) -> dict[str, Any]:
        if subject["kind"] == "refuse":
            raise Conflict("not now")
        return {"before": 1}

    async def undo(_connection: Any, effect: Any) -> None:
        done.append(effect)

    proposals = Proposals(app.database, app.redactor, {"missing_worker_kind": Effect(apply, undo)})
    refused = await proposals.make(replace(DRAFT, subject={"kind": "refuse"}), actor="a")
    with pytest.raises(Conflict, match="not now"):
        await proposals.accept(Decision("p", refused.id, "lin"))
    assert (await proposals.show("p", refused.id))["adoption_status"] == "proposed"
    made = await proposals.make(replace(DRAFT, fingerprint=None), actor="a")
    with pytest.raises(Conflict, match="proposed"):
        await proposals.undo(Decision("p", made.id, "lin"))
    assert (await proposals.accept(Decision("p", made.id, "lin")))["effect"] == {"before": 1}
    undone = await proposals.undo(Decision("p", made.id, "lin", "too early"))
    assert (undone["adoption_status"], undone["undone_by"], done) == ("undone", "lin", [{"before": 1}])
    with pytest.raises(Conflict, match="undone"):
        await proposals.undo(Decision("p", made.id, "lin"))
    plain = await proposals.make(replace(DRAFT, kind="other", fingerprint=None), actor="a")
    await proposals.accept(Decision("p", plain.id, "lin"))
    with pytest.raises(Conflict, match="nothing to undo"):
        await proposals.undo(Decision("p", plain.id, "lin"))
