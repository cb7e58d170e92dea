"""What a backup says of itself: its manifest, written, read and judged. Reading files is the services' work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from watchkeeper.domain.errors import UsageError

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
FILE_LIST = "artifacts.jsonl"
FILES = "artifacts"

EPOCH_JUMP = 1_000_000
"""By so much epochs rise with a restore: no job is claimed as often between a backup and the disaster after it, and an
epoch has room for two thousand restores."""


class BackupUnusable(UsageError):
    """This backup cannot be restored."""

    hint = "Nothing was changed. Take another backup, or the program that wrote this one."


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One file of a backup, with what it must be when it is read again."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup. `tables` counts the rows of each table; `lost` counts artifacts' files that were not there."""

    taken_at: datetime
    product: str
    schema: int
    server: str
    dumped_by: int
    timeline: int
    seal_head: dict[str, Any] | None
    tables: dict[str, int]
    dump: SealedFile
    file_list: SealedFile
    files: int
    file_bytes: int
    lost: int
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "taken_at": self.taken_at.isoformat()}

    @classmethod
    def parse(cls, document: Any) -> Manifest:
        """Read a manifest; raise BackupUnusable for one of another format, or for none."""
        if not isinstance(document, dict) or not isinstance(document.get("format"), int):
            raise BackupUnusable(f"{MANIFEST} is not the manifest of a backup")
        if document["format"] != FORMAT:
            raise BackupUnusable(
                f"the backup has format {document['format']}, this program knows {FORMAT}",
                hint="Restore it with the version of Watchkeeper that wrote it.",
            )
        try:
            return cls._read(document)
        except (KeyError, TypeError, ValueError) as error:
            raise BackupUnusable(f"{MANIFEST} is damaged: {error!r}") from error

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> Manifest:
        return cls(
            taken_at=datetime.fromisoformat(document["taken_at"]),
            product=str(document["product"]),
            schema=int(document["schema"]),
            server=str(document["server"]),
            dumped_by=int(document["dumped_by"]),
            timeline=int(document["timeline"]),
            seal_head=document["seal_head"],
            tables={str(name): int(count) for name, count in document["tables"].items()},
            dump=SealedFile(**document["dump"]),
            file_list=SealedFile(**document["file_list"]),
            files=int(document["files"]),
            file_bytes=int(document["file_bytes"]),
            lost=int(document["lost"]),
        )

    def demand_known_schema(self, newest: int) -> None:
        """Raise BackupUnusable for a schema that this program does not know yet."""
        if self.schema > newest:
            raise BackupUnusable(
                f"the backup's schema is version {self.schema}, this program knows {newest}",
                hint=f"Restore it with Watchkeeper {self.product} or newer.",
            )

    def demand_counts(self, counted: Mapping[str, int]) -> None:
        """Raise BackupUnusable unless each table has the rows that were counted when the backup was taken."""
        differ = [
            f"{name} has {counted.get(name, 0)} rows instead of {count}"
            for name, count in sorted(self.tables.items())
            if counted.get(name, 0) != count
        ]
        if differ:
            raise BackupUnusable(f"the restored tables are not those of the backup: {'; '.join(differ[:3])}")
