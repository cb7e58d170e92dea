"""The checks of a config document, judged over what workers report: no word is a pass, no gap acts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moving_clock import MovingClock
from services.repaired import Shop
from services.watched import PATIENT, TRUSTING, open_incidents, open_rules, ran, watchdog
from watchkeeper.app.whole import App
from watchkeeper.documents import read_file
from watchkeeper.domain.config_document import read_document
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.reports import CommandRun, Heartbeat, WorkerRun
from watchkeeper.services.mirrored import Reporter
from watchkeeper.services.worker_status import WorkerStatus

PUBLISHED = Path(__file__).parents[2] / "examples" / "codex_session_watchdog_v1.yaml"
WELL = {"ok": True, "token_present": True, "touch": {"ok": True}}
NO_TOKEN = {**WELL, "token_present": False}
SILENT_ON_IT = {"ok": True, "touch": {"ok": True}}
WHO = Reporter("p", "t")


def document(text: str | None = None, tmp: Path | None = None) -> Policy:
    if text is None:
        return _trusting(read_document(read_file(PUBLISHED), "it").policy)
    assert tmp is not None
    (tmp / "it.yaml").write_text(text)
    return _trusting(read_document(read_file(tmp / "it.yaml"), "it").policy)


def _trusting(policy: Policy) -> Policy:
    return replace(policy, thresholds=TRUSTING.thresholds)


async def looked(app: App, policy: Policy) -> list[str]:
    await watchdog(app, PATIENT, policy).run_once()
    return await open_rules(app)


async def by_heartbeat(app: App, answer: Mapping[str, Any] | None) -> None:
    """Report a round whose sender says that all is well, and brings what doctor answered, or not."""
    answers = {} if answer is None else {"doctor": answer}
    beat = Heartbeat("w", "ok", doctor_ok=True, touch_ok=True, answers=answers)
    await app.watchdog.recording.record(WHO, [beat])


async def by_command(app: App, answer: Mapping[str, Any] | None) -> None:
    output = None if answer is None else f"loading\n{json.dumps(answer)}\n"
    await app.watchdog.recording.record(WHO, [CommandRun("doctor", 0, "w", output=output)])


async def by_phase(app: App, answer: Mapping[str, Any] | None) -> None:
    await app.watchdog.recording.record(WHO, [WorkerRun("w", "doctor", "ok", payload=answer)])


@pytest.mark.parametrize("told", [by_heartbeat, by_command, by_phase])
async def test_the_published_document_s_doctor_is_judged_by_its_expression(
    app: App, clock: MovingClock, told: Any
) -> None:
    """A doctor that says ok without its token fails; what does not say is neither; no word heals it."""
    policy = document()
    await told(app, SILENT_ON_IT)
    assert await looked(app, policy) == []
    await told(app, NO_TOKEN)
    assert await looked(app, policy) == ["doctor_failed"]
    [found] = await open_incidents(app)
    [failed] = found["evidence"]["checks"]
    clause = next(one for one in failed["clauses"] if one["truth"] == "false")
    assert (clause["clause"], clause["facts"]) == ("token_present == true", {"token_present": False})
    for not_a_pass in (SILENT_ON_IT, None):
        clock.advance(1)
        await told(app, not_a_pass)
        assert await looked(app, policy) == ["doctor_failed"]
    clock.advance(1)
    await told(app, WELL)
    assert await looked(app, policy) == []


async def test_checks_of_one_s_own_name_are_judged_too(app: App, clock: MovingClock, tmp_path: Path) -> None:
    """A document may ask more of a step than the contract: a failed one opens its rule, and the status has it."""
    policy = document(
        "checks: {room: {command: touch, pass: disk_free_gb > 5, severity: critical}}\n", tmp_path
    )
    touched = {"ok": True, "touched": True, "disk_free_gb": 3}
    await app.watchdog.recording.record(
        WHO, [Heartbeat("w", "ok", touch_ok=True, answers={"touch": touched})]
    )
    assert await looked(app, policy) == ["touch_failed"]
    status = (await WorkerStatus(app.database, lambda: policy).status("p", "w"))["checks"]
    assert (status["room"]["state"], status["room"]["severity"], status["touch"]["state"]) == (
        "failed",
        "critical",
        "ok",
    )
    clock.advance(1)
    roomy = {**touched, "disk_free_gb": 9}
    await app.watchdog.recording.record(WHO, [Heartbeat("w", "ok", touch_ok=True, answers={"touch": roomy})])
    assert await looked(app, policy) == []


async def test_own_workers_are_judged_by_the_document_as_well(
    app: App, clock: MovingClock, tmp_path: Path
) -> None:
    """What our own server's doctor answered is what the expression reads."""
    policy = document("checks: {doctor: {pass: ok == true and server.version == next}}\n", tmp_path)
    await app.attendance.note_doctor("p", "w", ok=True, answer={"ok": True, "server": {"version": "now"}})
    assert await looked(app, policy) == ["doctor_failed"]
    clock.advance(1)
    await app.attendance.note_doctor("p", "w", ok=True, answer={"ok": True, "server": {"version": "next"}})
    await app.attendance.touch("p", "w", None)
    assert await looked(app, policy) == []


async def test_a_status_names_what_is_not_known(app: App) -> None:
    """A command that went well but does not say what the check asks for is unknown, and never ok."""
    await ran(app, "progress", worker="w")
    await app.attendance.touch("p", "w", None)
    found = (await app.watchdog.worker_status.status("p", "w"))["checks"]
    assert (found["progress"]["state"], found["touch"]["state"]) == ("unknown", "ok")


async def test_a_retouch_is_judged_by_the_policy_s_checks(app: App) -> None:
    """A doctor that calls itself well but answers without its token is none that passes, and heals nothing."""
    shop = Shop(app)
    await shop.running()
    await shop.incident("doctor_failed", worker_id="w")
    await shop.run()
    for token, came in ((False, {}), (True, {"succeeded": 1})):
        answer = {"ok": True, "token_present": token, "touch": {"ok": True}}
        await shop.app.attendance.note_doctor("p", "w", ok=True, answer=answer)
        await shop.app.attendance.touch("p", "w", None)
        assert await shop.run() == came
