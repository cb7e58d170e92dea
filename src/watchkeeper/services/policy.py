"""The policy in force in this process: read from the config document, read again when that changes, never worse.

A document that is refused leaves the last good policy in force, and the log, the database and the diagnosis say so.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.documents import read_file
from watchkeeper.domain.config.sections import split
from watchkeeper.domain.config_document import Document, read_document
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.logs import log
from watchkeeper.services.channels import Channels
from watchkeeper.services.declared_channels import declare
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.kinds import Kinds
from watchkeeper.storage.database import Database, fetch

Mark = tuple[int, int, int] | None
"""By what a changed file is told: inode, time of its last change, size. None where there is no file."""

CONFIG_ACTOR = "config"


@dataclass(frozen=True, slots=True)
class PoliciesConfig:
    """`look_seconds` between two looks at the document; a new one is taken once it rested for one look."""

    look_seconds: float = 2.0
    report_seconds: float = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.look_seconds <= self.report_seconds:
            raise SettingError("look_seconds is more than 0, and not more than report_seconds")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document that was taken: what it means, and what it says (redacted) for the record."""

    document: Document
    said: dict[str, Any]


class Policies:
    """Holds the last good policy of one document; without a document, the defaults."""

    def __init__(
        self,
        path: Path | None = None,
        settings: Collection[str] = (),
        *,
        redactor: Redactor | None = None,
        config: PoliciesConfig | None = None,
        take_settings: Callable[[Path], None] | None = None,
    ) -> None:
        """Read nothing yet; keys of `settings` may stand beside the document's sections.

        `take_settings` takes over what the document says of settings, and raises SettingError to refuse it whole.
        """
        self._path = path
        self._settings = settings
        self._redactor = redactor or Redactor()
        self._config = config or PoliciesConfig()
        self._take_settings = take_settings
        self._loaded: Loaded | None = None
        self._taken: Mark = None
        self._resting: Mark = None
        self.trouble: str | None = None

    def current(self) -> Policy:
        """Give the policy in force; cheap, and the same object until another is loaded.

        The first call reads the document, and raises SettingError where it is refused: there is no good one before it.
        """
        return self.document().policy

    def document(self) -> Document:
        """Give all that the document in force says; as `current`."""
        return self._in_force().document

    def look(self) -> bool:
        """Read the document again if it changed and rests; say whether another policy is in force now."""
        before = self._in_force()
        mark = self._mark()
        if mark == self._taken:
            return False
        if mark != self._resting:
            # Who writes it may not be done, and half of a document may be a document that allows more.
            self._resting = mark
            return False
        self._taken = mark
        try:
            self._loaded = self._read()
        except SettingError as error:
            self._refuse(error, before.document.policy)
            return False
        self.trouble = None
        policy = self._loaded.document.policy
        log(
            "policy_loaded",
            version=policy.version,
            digest=policy.digest,
            before=before.document.policy.digest,
        )
        return policy.digest != before.document.policy.digest

    def _in_force(self) -> Loaded:
        if self._loaded is None:
            self._taken = self._resting = self._mark()
            self._loaded = self._read()
        return self._loaded

    def _mark(self) -> Mark:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> Loaded:
        if self._path is None:
            return Loaded(Document(), {})
        placed = read_file(self._path)
        document = read_document(placed, str(self._path), self._settings)
        if self._take_settings is not None:
            self._take_settings(self._path)
        said: dict[str, Any] = self._redactor.redact_data(split(placed, self._settings)[0].plain())
        return Loaded(document, said)

    def _refuse(self, error: SettingError, kept: Policy) -> None:
        failed = list(error.details.get("failed", []))
        told = "; ".join([error.message, *failed])
        self.trouble = self._redactor.redact(told)[:2_000]
        log("policy_refused", detail=self.trouble, version=kept.version, digest=kept.digest)

    def held_by(self, process: str) -> dict[str, str]:
        """Say who holds the policy: this machine, a process by its command, and the document's place."""
        return {"machine": socket.gethostname(), "process": process, "source": str(self._path or "defaults")}

    def in_force(self) -> Loaded:
        """Give the document in force with what it says; as `current`."""
        return self._in_force()

    def duty(self, database: Database, process: str, channels: Channels | None = None) -> Duty:
        """Look at the document, and keep in the database which policy this process goes by.

        What a document says of `channels` is done when it is new to this database.
        """
        keeper = _Keeper(self, database, process, self._config, channels)
        return Duty("policy", keeper.run_once, self._config.look_seconds, when_still=True)


class _Keeper:
    """Writes down what a process goes by: at its start, with every change, and now and then that it lives."""

    def __init__(
        self,
        policies: Policies,
        database: Database,
        process: str,
        config: PoliciesConfig,
        channels: Channels | None,
    ) -> None:
        self._channels = channels
        self._policies = policies
        self._database = database
        self._process = process
        self._config = config
        self._kept: Loaded | None = None
        self._told: str | None = None
        self._next_report = 0.0

    async def run_once(self) -> Ran:
        """Look, and write down what is new; what failed to be written is written with the next run."""
        changed = await asyncio.to_thread(self._policies.look)
        now = asyncio.get_running_loop().time()
        loaded, trouble = self._policies.in_force(), self._policies.trouble
        if loaded is not self._kept:
            await self._take(loaded)
            self._kept, self._told = loaded, None
        if trouble != self._told or now >= self._next_report:
            holder = self._policies.held_by(self._process)
            await self._database.fetch("see_policy", {**holder, "trouble": trouble})
            self._told, self._next_report = trouble, now + self._config.report_seconds
        return Ran({"policies_loaded": int(changed)})

    async def _take(self, loaded: Loaded) -> None:
        policy = loaded.document.policy
        holder = self._policies.held_by(self._process)
        said = json.dumps(loaded.said, default=str)
        arguments = {**holder, "digest": policy.digest, "version": policy.version, "actor": CONFIG_ACTOR}
        is_known = await self._database.fetch_one("known_policy", {"digest": policy.digest})
        if self._channels is not None and is_known is None:
            await declare(self._channels, loaded.document.channels, policy.time_zone, CONFIG_ACTOR)
        async with self._database.transaction() as connection:
            await fetch(connection, "keep_policy", {**arguments, "document": said})
            await fetch(connection, "take_policy", arguments)
        kinds = Kinds(self._database)
        for declared in loaded.document.kinds:
            await kinds.ensure_project(declared.project_id)
            await kinds.declare(declared.project_id, declared.kind, actor=CONFIG_ACTOR)
