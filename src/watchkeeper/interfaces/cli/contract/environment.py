"""What this process was told by its surroundings: where the server is, who calls, and where state is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from watchkeeper.domain.addresses import DEFAULT_URL
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.variables import unknown_variable

OURS = ("home", "url", "worker_id")
"""What of a config document counts for the contract's commands."""

_YAML_TEXT = r"""[ \t]+(?:"([^"\\]+)"|'([^']+)'|([^\s"'&*!|>%@`{}\[\]#,-]\S*))[ \t]*(?:[ \t]#.*)?"""


class Environment(NamedTuple):
    """The surroundings of one command. `home` is None where none can be named: then nothing can be kept."""

    url: str
    token: str | None
    worker_id: str
    home: Path | None
    workspace: Path | None
    job_id: str | None

    @property
    def state(self) -> Path:
        """The folder of leases and outbox; raise UsageError where there can be none."""
        if self.home is None:
            raise UsageError(
                "no folder to keep leases in: neither WATCHKEEPER_HOME, XDG_STATE_HOME nor HOME is set",
                hint="Set WATCHKEEPER_HOME to a folder that this user can write.",
            )
        return self.home / "contract"


def read(environ: Mapping[str, str]) -> Environment:
    """Read the WATCHKEEPER_* variables and, where WATCHKEEPER_CONFIG names one, the config; variables win.

    Raises UsageError for a variable that nothing reads and a value that cannot be used, never showing the token.
    """
    if unknown := unknown_variable(environ):
        raise UsageError(unknown)
    config = _config(environ.get("WATCHKEEPER_CONFIG"))
    home = _home(environ, config)
    token = environ.get("WATCHKEEPER_TOKEN", "").strip() or None
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise UsageError("WATCHKEEPER_TOKEN holds characters that no token has", hint="Copy the token again.")
    workspace = environ.get("WATCHKEEPER_WORKSPACE")
    worker_id = environ.get("WATCHKEEPER_WORKER_ID") or config.get("worker_id") or _default_worker_id()
    return Environment(
        url=environ.get("WATCHKEEPER_URL") or config.get("url") or _url_file(home) or DEFAULT_URL,
        token=token,
        worker_id=_readable("WATCHKEEPER_WORKER_ID", worker_id),
        home=home,
        workspace=Path(workspace) if workspace else None,
        job_id=environ.get("WATCHKEEPER_JOB_ID") or None,
    )


def as_owner(given: Environment) -> Environment:
    """Give the surroundings of who asks about the machine: the home's owner, where no other token is given."""
    if given.token is not None or given.home is None:
        return given
    return given._replace(token=_line_of(given.home / "owner-token"))


def _readable(name: str, value: str) -> str:
    if not value.isprintable() or len(value) > 200:
        raise UsageError(f"{name} must be printable text of at most 200 characters")
    return value


def _home(environ: Mapping[str, str], config: dict[str, str]) -> Path | None:
    if named := environ.get("WATCHKEEPER_HOME") or config.get("home"):
        return _expanded(named, environ)
    if state := environ.get("XDG_STATE_HOME"):
        return Path(state).absolute() / "watchkeeper"
    if home := environ.get("HOME"):
        return Path(home).absolute() / ".local" / "state" / "watchkeeper"
    return None


def _expanded(named: str, environ: Mapping[str, str]) -> Path:
    if named.startswith("~/") and environ.get("HOME"):
        return Path(environ["HOME"]) / named[2:]
    return Path(named).absolute()


def _url_file(home: Path | None) -> str | None:
    # Where no running server has left its address (or not for us), the default is the next best guess.
    return None if home is None else _line_of(home / "url")


def _line_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _config(named: str | None) -> dict[str, str]:
    if not named:
        return {}
    path = Path(named)
    if path.suffix in (".yaml", ".yml"):
        return _yaml(path)
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"WATCHKEEPER_CONFIG: {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"WATCHKEEPER_CONFIG: {path} is not valid TOML: {error}") from None
    return {name: value for name in OURS if isinstance(value := document.get(name), str)}


def _yaml(path: Path) -> dict[str, str]:
    """Read the few keys that count here, each in a line of its own: a reader of YAML costs more than a command."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"WATCHKEEPER_CONFIG: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"WATCHKEEPER_CONFIG: {path} is not valid YAML: {error}") from None
    import re

    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, colon, value = line.partition(":")
        if not colon or name not in OURS:
            continue
        plain = re.fullmatch(_YAML_TEXT, value)
        if plain is None:
            raise UsageError(
                f"WATCHKEEPER_CONFIG: line {number} of {path}: '{name}' is no text in one line",
                hint=f'Write it as {name}: "...", without escapes.',
            )
        found[name] = next(group for group in plain.groups() if group is not None)
    return found


def _default_worker_id() -> str:
    import pwd

    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        # A container's user without an entry: the number is as stable as a name.
        user = str(os.geteuid())
    return f"{os.uname().nodename}-{user}"
