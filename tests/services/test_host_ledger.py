"""The server's word on the sessions of a host: who lives, who is over, and whom nobody here knows."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

from services.repaired import Shop
from watchkeeper.app.whole import App
from watchkeeper.domain.host_guard.ledger import Ledger, Spawned
from watchkeeper.domain.host_guard.seen import Attempt, Key
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.principals import Role
from watchkeeper.host.processes import ProcReader
from watchkeeper.interfaces.api.session_bodies import SessionBody
from watchkeeper.services.contract import Failure
from watchkeeper.services.holding import Caller
from watchkeeper.services.host_guard.export import LEDGER, STATE
from watchkeeper.services.host_guard.ledger_keeping import LedgerKeeping


async def test_the_server_answers_what_the_last_scan_asked(app: App, tmp_path: Path) -> None:
    """An attempt is live while its lease is, over with its time once it ended, and unknown where it never was."""
    shop = Shop(app)
    job = await shop.running()
    caller = Caller(await shop.person("host", Role.WORKER), "p", str(job.token))
    asked = Attempt("p", UUID(str(job.id)), 1)
    strange = Attempt("p", UUID(int=7), 1)
    boot = ProcReader().boot_id
    session = {"agent": "codex", "pid": 4711, "start_ticks": 99, "boot_id": boot, "pid_ns": "pid:[1]"}
    await app.sessions.recording.tell(caller, job.id, 1, SessionBody.model_validate(session).said())
    state = {"attempts": [[one.project, str(one.job), one.number] for one in (asked, strange)]}
    (tmp_path / STATE).write_text(json.dumps(state))
    keeping = LedgerKeeping(app.database, tmp_path)
    await keeping.run_once()
    told = Ledger.from_json(json.loads((tmp_path / LEDGER).read_text()))
    assert told.attempts[asked].is_live
    assert strange not in told.attempts
    assert told.spawned == {Spawned(boot, "pid:[1]", Key(4711, 99)): asked}
    await app.contract.end(caller, job.id, Failure("fail", "enough", AttemptCause.AGENT_ERROR))
    await keeping.run_once()
    told = Ledger.from_json(json.loads((tmp_path / LEDGER).read_text()))
    standing = told.attempts[asked]
    assert not standing.is_live
    assert standing.ended_at is not None
    assert 0 <= told.at - standing.ended_at < 60
