"""Whether agents on this machine could read or change what the control plane keeps from them.

Looked at are mode bits and owners (ACLs are not), processes, and the database's own door. Everything blocks. What is
found is named, never shown.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from watchkeeper.agents.user import AgentUser, existing_agent_user
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.known_values import secret_variables
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.variables import PREFIX
from watchkeeper.host.processes import ProcReader
from watchkeeper.services.checks import Check
from watchkeeper.services.known_secrets import database_place, secret_files
from watchkeeper.settings import Settings
from watchkeeper.storage.login_probe import opens_without_password, passwordless_rules

COMMANDS = frozenset({"up", "serve", "watch", "work"})
"""The control plane's processes, by the command that runs them."""

SHOWN = 3


@dataclass(frozen=True)
class Exposure:
    """One installation on this machine, and the user that its agents run as."""

    settings: Settings
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    processes: ProcReader = field(default_factory=ProcReader)
    etc: Path = Path("/etc/watchkeeper")

    def checks(self) -> list[Check]:
        """Look at everything; blocks."""
        try:
            user = existing_agent_user(self.settings.agent_user)
        except SettingError as error:
            return [Check("agent_user", ok=False, detail=error.message)]
        return [
            _agent_user(user),
            self._files(user),
            self._files_elsewhere(user),
            self._place(user),
            self._config(user),
            self._artifacts(user),
            self._environments(user),
            self._command_lines(),
            self._database(),
        ]

    def _files(self, user: AgentUser) -> Check:
        home = self.settings.home
        found = [f"{home} can be listed by others" for mode in _modes(home) if mode & 0o066]
        files = secret_files(home, self.settings.audit_key_file)
        found += [problem for path in files if (problem := _open_to(path, user)) is not None]
        good = f"{home} and {len(files)} files of secrets in it are closed to others"
        mend = "chmod 600 the files, 700 the home (711 where root runs agents)"
        return _verdict("home_files", found, good, mend)

    def _files_elsewhere(self, user: AgentUser) -> Check:
        """Look at the files that the units of systemd name, and at the token files of what runs."""
        files = {path for path in self.etc.glob("*") if path.is_file()} | set(self._token_files())
        found = [problem for path in sorted(files) if (problem := _open_to(path, user)) is not None]
        good = f"{len(files)} files of tokens and variables outside of the home are closed to others"
        return _verdict("token_files", found, good, "chmod 600 them")

    def _token_files(self) -> Iterator[Path]:
        for pid, _ in self._own_processes():
            words = self.processes.command_line(pid) or []
            for word, following in zip(words, [*words[1:], ""], strict=True):
                option, equals, value = word.partition("=")
                if option == "--token-file" and (named := value if equals else following):
                    yield (self.processes.working_directory(pid) or Path("/")) / named

    def _place(self, user: AgentUser) -> Check:
        found = []
        for folder in self.settings.home.resolve().parents:
            about = folder.stat()
            others_write = about.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not about.st_mode & stat.S_ISVTX
            if others_write:
                found.append(f"{folder} can be written by others")
            elif user.other and about.st_uid == user.uid:
                found.append(f"{folder} belongs to {user.name}")
        good = "nobody else may replace the home or a folder above it"
        return _verdict("home_place", found, good, "move WATCHKEEPER_HOME, or take the right to write away")

    def _config(self, user: AgentUser) -> Check:
        named = self.environ.get(PREFIX + "CONFIG")
        if not named:
            return Check("config_file", ok=True, detail="no config file is named")
        path = Path(named).expanduser()
        try:
            holds_secret = Redactor().suspects(path.read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            return Check("config_file", ok=False, detail=f"{path} cannot be read: {error.strerror}")
        problem = _open_to(path, user) if holds_secret else None
        good = f"{path} holds a secret and is closed to others" if holds_secret else f"{path} holds no secret"
        return _verdict("config_file", [problem] if problem else [], good, f"chmod 600 {path}")

    def _artifacts(self, user: AgentUser) -> Check:
        root = self.settings.home / "artifacts"
        found = []
        if not any(mode & 0o077 == 0 for mode in _modes(root)) and root.is_dir():
            folders = [folder for folder in root.iterdir() if folder.is_dir()]
            found = [str(folder) for folder in folders if _open_to(folder, user) is not None]
        detail = [f"{folder} can be read by others" for folder in found]
        return _verdict("artifact_files", detail, f"{root} is closed to others", f"chmod 700 {root}")

    def _environments(self, user: AgentUser) -> Check:
        found = []
        for pid, command in self._own_processes():
            names = sorted(secret_variables(self.processes.environment(pid) or {}))
            # Only the same user (and root) may look at a process' environment.
            if names and self.processes.uid(pid) == user.uid:
                found.append(f"{command} (pid {pid}) holds {', '.join(names[:SHOWN])}")
        good = "agents can read no secret in the environment of serve, watch and work"
        mend = "give secrets in files: --token-file, a config file of mode 600"
        return _verdict("process_secrets", found, good, mend)

    def _command_lines(self) -> Check:
        redactor = Redactor()
        found = [
            f"{command} (pid {pid})"
            for pid, command in self._own_processes()
            if redactor.suspects(" ".join(self.processes.command_line(pid) or ()))
        ]
        good = "no secret stands in a command line, which everybody can read"
        return _verdict("command_lines", found, good, "give secrets in files, not as arguments")

    def _database(self) -> Check:
        found = []
        if self.settings.database_url and opens_without_password(self.settings.database_url):
            found.append("the database lets its role in without a password")
        place = database_place(self.settings.home)
        if place is not None:
            found += [f"pg_hba.conf has '{rule}'" for rule in passwordless_rules(place / "cluster")]
        good = "it asks for a password"
        return _verdict("database_login", found, good, "use scram-sha-256 instead of trust, peer and ident")

    def _own_processes(self) -> Iterator[tuple[int, str]]:
        for pid in self.processes.pids():
            words = self.processes.command_line(pid) or []
            for number, word in enumerate(words[1:6], 1):
                if word in COMMANDS and Path(words[number - 1]).name == "watchkeeper":
                    yield pid, word


def _agent_user(user: AgentUser) -> Check:
    if user.other:
        return Check("agent_user", ok=True, detail=f"agents run as {user.name}, not as this program's user")
    detail = (
        f"agents would run as {user.name}, as this program does, and so could read all that it can: its tokens, "
        "keys and the database's password; run it as root, which gives agents a user of their own (agent_user), "
        "or run 'work --agent' on another machine"
    )
    return Check("agent_user", ok=False, detail=detail)


def _open_to(path: Path, user: AgentUser) -> str | None:
    """Say who else may read a file; None where nobody else may, or nothing is there."""
    try:
        about = path.stat()
    except OSError:
        return None
    if about.st_mode & 0o077:
        return f"{path} has mode {stat.S_IMODE(about.st_mode):o}"
    if user.other and about.st_uid == user.uid:
        return f"{path} belongs to {user.name}"
    return None


def _modes(path: Path) -> list[int]:
    try:
        return [path.stat().st_mode]
    except OSError:
        return []


def _verdict(name: str, found: list[str], good: str, mend: str) -> Check:
    if not found:
        return Check(name, ok=True, detail=good)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return Check(name, ok=False, detail=f"{'; '.join(found[:SHOWN])}{more}: {mend}")
