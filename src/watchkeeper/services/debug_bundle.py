"""The debug bundle: what a maintainer needs to see of an installation, bounded, redacted once more, in one file.

Whatever cannot be had is named in the manifest, and the rest is there all the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from watchkeeper import __version__
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.private_files import new_private_file

MAX_BYTES = 20 * 1024 * 1024
"""All members together, before they are compressed."""

MAX_MEMBER_BYTES = 2 * 1024 * 1024
MANIFEST_BYTES = 256 * 1024
READ_SECONDS = 30.0
"""How long one part may take: a bundle is asked for when something hangs."""


@dataclass
class DebugBundle:
    """One bundle while it is put together. Its manifest has the hash of each member, and what is missing and why."""

    redactor: Redactor
    made_at: datetime
    members: dict[str, bytes] = field(default_factory=dict)
    missing: list[dict[str, str]] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    _left: int = MAX_BYTES - MANIFEST_BYTES

    async def add(self, name: str, read: Callable[[], Awaitable[Any]]) -> None:
        """Add what `read` gives, as JSON, or note why it is not there."""
        try:
            found = await asyncio.wait_for(read(), READ_SECONDS)
            self.add_data(name, found)
        except Exception as error:  # noqa: BLE001 - whatever broke is told; the rest is worth having all the more
            self.lacks(name, f"{type(error).__name__}: {error}")

    def add_data(self, name: str, data: Any) -> None:
        """Add data as JSON; where there is too much, of a list the first entries."""
        told = self.redactor.redact_data(json.loads(json.dumps(data, default=str)))
        text = json.dumps(told, indent=1, ensure_ascii=False)
        if isinstance(told, list) and len(text) > MAX_MEMBER_BYTES:
            self.cut.add(name)
            text = json.dumps(
                told[: max(1, len(told) * MAX_MEMBER_BYTES // (2 * len(text)))], ensure_ascii=False
            )
        self._keep(name, text)

    def add_log(self, name: str, path: Path, lines: int) -> None:
        """Add the last lines of a log."""
        try:
            text = last_lines(path, lines)
        except OSError as error:
            self.lacks(name, str(error.strerror))
            return
        self._keep(name, text)

    def lacks(self, name: str, why: str) -> None:
        """Note that something is not there, and why."""
        self.missing.append({"what": name, "why": self.redactor.redact(why)[:1000]})

    def _keep(self, name: str, text: str) -> None:
        data = self.redactor.redact(text).encode("utf-8", "replace")
        if len(data) > MAX_MEMBER_BYTES:
            self.cut.add(name)
            data = data[-MAX_MEMBER_BYTES:] if name.endswith(".log") else data[:MAX_MEMBER_BYTES]
        if len(data) > self._left:
            self.lacks(name, f"the bundle has {MAX_BYTES:,} bytes already")
            return
        self._left -= len(data)
        self.members[name] = data

    def manifest(self) -> dict[str, Any]:
        """Say what is in the bundle, and what is not."""
        return {
            "made_at": self.made_at.isoformat(),
            "watchkeeper": __version__,
            "members": [
                {
                    "name": name,
                    "bytes": len(data),
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "is_cut": name in self.cut,
                }
                for name, data in self.members.items()
            ],
            "missing": self.missing,
        }

    def write(self, path: Path) -> int:
        """Write the bundle to a new file that only this user can read; give its size. Raises FileExistsError."""
        with new_private_file(path) as file:
            manifest = json.dumps(self.manifest(), indent=1, ensure_ascii=False).encode()
            with tarfile.open(fileobj=file, mode="w:gz") as archive:
                for name, data in {"manifest.json": manifest, **self.members}.items():
                    entry = tarfile.TarInfo(f"watchkeeper-debug/{name}")
                    entry.size, entry.mode, entry.mtime = len(data), 0o600, int(self.made_at.timestamp())
                    archive.addfile(entry, io.BytesIO(data))
            file.flush()
            os.fsync(file.fileno())
        return path.stat().st_size


def last_lines(path: Path, lines: int) -> str:
    """Read the last lines of a file, of a long one at most the last that one member can hold. Raises OSError."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        begin = max(0, size - MAX_MEMBER_BYTES)
        file.seek(begin)
        text = file.read(MAX_MEMBER_BYTES).decode("utf-8", "replace")
    if begin:
        # The first line is a line's end, which could be the end of a secret.
        text = text.partition("\n")[2]
    return "".join(text.splitlines(keepends=True)[-lines:])
