"""What a job under `up` can reach of the control plane: its own token, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.running_up import Up, command
from waiting import wait_until

Start = Callable[..., Up]

PRY = r"""
cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -aE 'TOKEN|PASSWORD|SECRET|URL=|KEY' > {out}/environ
cat {home}/owner-token {home}/worker-token-* {home}/database/password {home}/logs/* > {out}/files 2>/dev/null
ls {home} {home}/artifacts > {out}/listed 2>/dev/null
grep -aE 'wk[oswv]_|postgresql://[^ ]*:[^ ]*@' /proc/[0-9]*/cmdline > {out}/cmdlines 2>/dev/null
id -u > {out}/uid
"""


@pytest.fixture
def out() -> Iterator[Path]:
    """A directory that every user can write."""
    directory = Path(tempfile.mkdtemp(prefix="wk-pry-"))
    directory.chmod(0o777)
    yield directory
    shutil.rmtree(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs agents as another user")
def test_a_job_reaches_its_own_token_only(start: Start, home: Path, out: Path) -> None:
    """As another user a job reads no home, no foreign environment, no log; the doctor agrees, check by check."""
    up = start(PLANTED_SECRET="value-of-the-control-plane")
    url = up.url
    script = PRY.format(home=f"'{home}'", out=out)
    payload = json.dumps({"command": ["sh", "-c", script + f"touch {out}/done"]})
    put = command(home, "jobs", "enqueue", "pry", payload, "--project", "default", "--json")
    assert put.returncode == 0, put.stderr + put.stdout
    wait_until(lambda: (out / "done").exists(), 30, "the job to have pried")

    assert int((out / "uid").read_text()) != 0
    environ = (out / "environ").read_text()
    assert "WATCHKEEPER_TOKEN=wkj_" in environ
    assert "value-of-the-control-plane" not in environ
    assert [
        line for line in environ.splitlines() if "wk" in line and "wkj_" not in line and "://" not in line
    ] == []
    assert {name: (out / name).read_text() for name in ("files", "listed", "cmdlines")} == {
        "files": "",
        "listed": "",
        "cmdlines": "",
    }

    token = (home / "owner-token").read_text().strip()
    doctor = command(home, "doctor", "--system", WATCHKEEPER_TOKEN=token, WATCHKEEPER_URL=url)
    answer = json.loads(doctor.stdout)
    checks = {check["name"]: check["ok"] for check in answer["checks"]}
    about_secrets = {"agent_user", "home_files", "home_place", "config_file", "artifact_files"}
    about_secrets |= {"process_secrets", "command_lines", "database_login"}
    assert {name: ok for name, ok in checks.items() if name in about_secrets} == dict.fromkeys(
        about_secrets, True
    )
    (home / "owner-token").chmod(0o644)
    red = command(home, "doctor", "--system", WATCHKEEPER_TOKEN=token, WATCHKEEPER_URL=url)
    told = json.loads(red.stdout)
    assert (red.returncode, told["ok"]) == (3, False)
    assert [check["name"] for check in told["checks"] if not check["ok"]] == ["home_files"]
