"""`doctor --system` is red, and says how to mend it, where an agent could read what it must not."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from watchkeeper.agents.user import existing_agent_user
from watchkeeper.host.processes import ProcReader
from watchkeeper.services.exposure import Exposure
from watchkeeper.settings import Settings
from watchkeeper.storage.login_probe import opens_without_password, passwordless_rules

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def home() -> Iterator[Path]:
    """A home as `up` makes it, with an owner's token, below places that nobody else may write."""
    with tempfile.TemporaryDirectory(prefix="wk-exposure-", dir="/tmp") as place:
        made = Path(place) / "home"
        made.mkdir(mode=0o711 if IS_ROOT else 0o700)
        (made / "owner-token").write_text("wko_owner-token-of-this-home\n")
        (made / "owner-token").chmod(0o600)
        (made / "artifacts").mkdir(mode=0o700)
        (made / "artifacts" / "p").mkdir(mode=0o755)
        yield made


class Proc:
    """A /proc of made-up processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.next = 100

    def add(self, *words: str, uid: int = 0, **environ: str) -> int:
        self.next += 1
        entry = self.root / str(self.next)
        entry.mkdir(parents=True)
        (entry / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
        (entry / "environ").write_bytes(b"".join(f"{k}={v}\0".encode() for k, v in environ.items()))
        (entry / "status").write_text(f"Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
        return self.next


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    (tmp_path / "proc").mkdir()
    return Proc(tmp_path / "proc")


def looked(
    home: Path, proc: Proc, environ: dict[str, str] | None = None, **settings: Any
) -> dict[str, str | None]:
    """Look, and give for each check None where it is well, and else what is said."""
    exposure = Exposure(Settings(home=home, **settings), environ or {}, ProcReader(proc.root))
    checks = exposure.checks()
    assert len({check.name for check in checks}) == len(checks)
    return {check.name: None if check.ok else check.detail for check in checks}


def test_a_home_as_up_makes_it_is_well(home: Path, proc: Proc) -> None:
    """Nothing is red but, for an ordinary user, that agents would run as that user."""
    proc.add("python", "-m", "watchkeeper", "serve", uid=0)
    red = {name for name, problem in looked(home, proc).items() if problem}
    assert red == (set() if IS_ROOT else {"agent_user"})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
@pytest.mark.parametrize("name", ["owner-token", "worker-token-default", "audit-key"])
def test_a_file_that_others_may_read_is_named(home: Path, proc: Proc, name: str, mode: int) -> None:
    """The check names the file and its mode, and how to close it; never what it holds."""
    (home / name).write_text("wko_value-of-the-file")
    (home / name).chmod(mode)
    told = looked(home, proc)["home_files"]
    assert told is not None
    assert f"{home / name} has mode {mode:o}" in told
    assert "chmod 600" in told
    assert "value-of-the-file" not in told


def test_the_token_file_of_a_worker_must_be_closed_wherever_it_lies(home: Path, proc: Proc) -> None:
    """A token that was printed into a file of the usual mode is found by the command line that names it."""
    token = home.parent / "worker-1.token"
    token.write_text("wkw_value-of-the-file")
    token.chmod(0o644)
    pid = proc.add("watchkeeper", "work", "--agent", "command", "--token-file", token.name)
    (proc.root / str(pid) / "cwd").symlink_to(home.parent)
    told = looked(home, proc)["token_files"]
    assert f"{token} has mode 644" in str(told)
    assert "value-of-the-file" not in str(told)
    token.chmod(0o600)
    assert looked(home, proc)["token_files"] is None


def test_the_files_of_the_units_must_be_closed(home: Path, proc: Proc) -> None:
    """The environment that holds the database's password is looked at where the units of systemd expect it."""
    etc = home.parent / "etc"
    etc.mkdir()
    (etc / "environment").write_text("WATCHKEEPER_DATABASE_URL=postgresql://w:password@db/w")
    (etc / "environment").chmod(0o640)
    exposure = Exposure(Settings(home=home), {}, ProcReader(proc.root), etc)
    told = next(check for check in exposure.checks() if check.name == "token_files")
    assert not told.ok
    assert f"{etc / 'environment'} has mode 640" in told.detail


def test_a_home_that_can_be_listed_or_replaced_is_red(home: Path, proc: Proc) -> None:
    """Rights of others on the home, or on a folder above it, are named."""
    home.chmod(0o755)
    assert "can be listed" in str(looked(home, proc)["home_files"])
    home.parent.chmod(0o777)
    assert f"{home.parent} can be written by others" in str(looked(home, proc)["home_place"])
    home.parent.chmod(0o1777)
    assert looked(home, proc)["home_place"] is None


def test_a_config_file_with_a_password_must_be_closed(home: Path, proc: Proc) -> None:
    """A file of settings may be read by all, unless a secret stands in it."""
    config = home.parent / "config.toml"
    config.write_text("port = 8470\n")
    config.chmod(0o644)
    environ = {"WATCHKEEPER_CONFIG": str(config)}
    assert looked(home, proc, environ)["config_file"] is None
    config.write_text('database_url = "postgresql://wk:planted-pw@db/wk"\n')
    assert "has mode 644" in str(looked(home, proc, environ)["config_file"])
    config.chmod(0o600)
    assert looked(home, proc, environ)["config_file"] is None


def test_files_of_artifacts_must_be_closed(home: Path, proc: Proc) -> None:
    """Either the folder of all artifacts is closed, or each project's."""
    (home / "artifacts").chmod(0o755)
    assert "chmod 700" in str(looked(home, proc)["artifact_files"])
    (home / "artifacts" / "p").chmod(0o700)
    assert looked(home, proc)["artifact_files"] is None


def test_an_environment_that_the_agents_user_may_read_is_named(home: Path, proc: Proc) -> None:
    """A secret in the environment of a process counts where agents run as its user; its value is not shown."""
    agent = existing_agent_user(None).uid
    secret = {"WATCHKEEPER_DATABASE_URL": "postgresql://wk:planted-pw@db/wk", "LANG": "C"}
    proc.add("/usr/bin/python3", "/opt/bin/watchkeeper", "watch", uid=agent + 1, **secret)
    proc.add("sh", "-c", "a job of watchkeeper", uid=agent, WATCHKEEPER_TOKEN="wkj_planted-job-token")
    assert looked(home, proc)["process_secrets"] is None
    pid = proc.add("/usr/bin/python3", "-m", "watchkeeper", "serve", uid=agent, **secret)
    told = str(looked(home, proc)["process_secrets"])
    assert f"serve (pid {pid}) holds WATCHKEEPER_DATABASE_URL" in told
    assert "planted-pw" not in told


def test_a_secret_in_a_command_line_is_red_for_everybody(home: Path, proc: Proc) -> None:
    """Command lines are for all to read, whoever runs them."""
    pid = proc.add("python", "-m", "watchkeeper", "work", "--token", "wkw_planted-worker-token", uid=4242)
    told = str(looked(home, proc)["command_lines"])
    assert f"work (pid {pid})" in told
    assert "planted-worker" not in told


@pytest.mark.skipif(not IS_ROOT, reason="only root runs agents as another user")
def test_agents_as_root_are_red(home: Path, proc: Proc) -> None:
    """`agent_user` of root itself gives agents all there is, and is red."""
    assert "could read all" in str(looked(home, proc, agent_user="root")["agent_user"])
    assert "no such user" in str(looked(home, proc, agent_user="nobody-of-this-name")["agent_user"])


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a file away")
def test_a_file_that_belongs_to_the_agents_user_is_red(home: Path, proc: Proc) -> None:
    """Mode 600 does not help where the agents' user owns the file, or a folder above it."""
    user = existing_agent_user(None)
    os.chown(home / "owner-token", user.uid, user.gid)
    os.chown(home.parent, user.uid, user.gid)
    red = looked(home, proc)
    assert f"belongs to {user.name}" in str(red["home_files"])
    assert f"belongs to {user.name}" in str(red["home_place"])


def test_a_database_without_a_password_is_red(
    home: Path, proc: Proc, database_url: str, tmp_path: Path
) -> None:
    """A real login without a password is tried; rules that let people in by name are named."""
    assert not opens_without_password(database_url)
    assert looked(home, proc, database_url=database_url)["database_login"] is None
    (tmp_path / "pg_hba.conf").write_text("# trust\nlocal all all scram-sha-256\nlocal all all peer\n")
    assert passwordless_rules(tmp_path) == ["local all all peer"]
    with psycopg.connect(database_url) as connection:
        hba = connection.execute("SHOW hba_file").fetchone()
        assert hba is not None
        before = Path(hba[0]).read_text()
    assert passwordless_rules(Path(hba[0]).parent) == []
    assert "trust" not in [word for line in before.splitlines() if line[:1] != "#" for word in line.split()]


def test_looking_makes_no_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A diagnosis changes nothing: where root's agents have no user yet, `nobody` is looked at."""
    monkeypatch.setattr("watchkeeper.agents.user.AGENT_USER", "watchkeeper-nobody-yet")
    assert existing_agent_user(None).name == ("nobody" if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name)


def test_the_login_without_a_password_is_tried_in_silence(
    database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No password of a file is used for it, and nothing of that is said on the terminal."""
    opens_without_password(database_url)
    assert capfd.readouterr() == ("", "")
