"""One login for many sessions of an agent, when it has to be refreshed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents.logins import Logins
from agents.real_play import Stage
from stubmodel.script import Script
from stubmodel.server import StubModel
from watchkeeper.agents.adapter import Setup

SESSIONS = 4


@pytest.fixture
def logins(model: StubModel) -> Iterator[Logins]:
    made = Logins()
    model.admits = made.admits
    yield made
    model.admits = None
    made.close()


def test_sessions_that_share_a_home_share_its_login(stage: Stage, logins: Logins) -> None:
    """All of them find the login run out at once. One refreshes it, the others are refused with their used token, and
    go on with what the first one wrote: none ends for want of a login. (With copies of the file all but one end.)"""

    def logged_in(setup: Setup) -> Setup:
        file = Path(setup.environ["CODEX_HOME"]) / "auth.json"
        if not file.exists():
            file.write_text(logins.expired())
            file.chmod(0o600)
            os.chown(file, setup.user.uid, setup.user.gid)
        environ = {**setup.environ, "CODEX_REFRESH_TOKEN_URL_OVERRIDE": logins.address}
        by_login = [
            part.replace('env_key = "STUB_KEY"', "requires_openai_auth = true") for part in setup.arguments
        ]
        return replace(setup, environ=environ, arguments=by_login)

    played = [stage.begin("codex", Script(["Hello."]), given=logged_in) for _ in range(SESSIONS)]
    assert [one.end().exit_code for one in played] == [0] * SESSIONS
    assert [one.words[-1] for one in played] == ["done"] * SESSIONS
    assert logins.number == 1
