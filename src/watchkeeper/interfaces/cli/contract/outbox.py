"""The outbox: terminal commands that wait on disk until the server has answered them.

A command is written here before it is sent and removed after it was answered, so that a crash at any point
leaves it either undone and untold, or here. It may then be sent twice; the server tells the second from the
first by the lease. Delivering is another file's story.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.interfaces.cli.contract.answers import Json
from watchkeeper.interfaces.cli.contract.durable import (
    locked,
    private_folder,
    remove_file,
    sync_folder,
    write_file,
)
from watchkeeper.interfaces.cli.contract.leases import file_name
from watchkeeper.interfaces.cli.contract.uploads import given_name

STORE_LOCK_SECONDS = 10.0


class Entry(NamedTuple):
    """A waiting command; `lease` is its job's token, `bearer` is kept only where there is no lease.

    A job token ends with its job's lease, so that it is worth no more; a worker's own token is not stored.
    """

    id: str
    command: str
    job: str
    lease: str | None
    bearer: str | None
    body: Json

    @property
    def content(self) -> bytes:
        return json.dumps(self._asdict()).encode()

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read what was stored; raise ValueError for anything else."""
        value: Any = json.loads(content)
        try:
            entry = cls(**value)
        except TypeError as error:
            raise ValueError(str(error)) from None
        if not isinstance(entry.body, dict):
            raise ValueError("the body is no object")  # noqa: TRY004 - the content is wrong, not the call
        return entry

    @property
    def ends(self) -> tuple[str, str, str | None, str | None]:
        """What two entries share when the second merely repeats the first."""
        return self.command, self.job, self.lease, self.bearer


class Outbox:
    """The waiting commands of one worker, oldest first."""

    def __init__(self, state: Path, worker_id: str) -> None:
        self._state = state
        self._folder = state / "outbox" / file_name(worker_id)
        self._refused = state / "refused"

    def prepare(self) -> None:
        """Make the folders; raise UsageError where they cannot be."""
        for folder in (self._state, self._folder.parent, self._folder, self._refused):
            private_folder(folder)

    def entries(self) -> list[Entry]:
        """Read the waiting commands in order; one that nobody can read is put aside among the refused."""
        found: list[Entry] = []
        for path in self._paths():
            try:
                found.append(Entry.read(path.read_bytes()))
            except FileNotFoundError:
                # Another process delivered it between the listing and the reading.
                continue
            except ValueError:
                path.replace(self._refused / f"{path.name}.unreadable")
        return found

    def holds(self, entry_id: str) -> bool:
        return self._path(entry_id).exists()

    def put(self, entry: Entry, keep_files: bool = False) -> tuple[Entry, bool]:
        """Store a command; give it as stored, and whether it repeats one, whose place and id it then takes.

        `keep_files` copies what its artifacts name by path, since their workspace may be gone by then.
        """
        with self._store_lock():
            self._sweep()
            waiting = self.entries()
            same = next((other for other in waiting if other.ends == entry.ends), None)
            stored = entry._replace(id=same.id if same else _next_id(waiting))
            if keep_files:
                stored = stored._replace(body=self._with_copies(stored))
            write_file(self._path(stored.id), stored.content)
        return stored, same is not None

    def update(self, former: Entry, entry: Entry) -> bool:
        """Store what has become of an entry; say False, changing nothing, where another put it aside."""
        with self._store_lock():
            if not self._stands(former):
                return False
            write_file(self._path(entry.id), entry.content)
        return True

    def remove(self, entry: Entry) -> None:
        """Forget a command that was answered, unless a repetition with another body has taken its place."""
        with self._store_lock():
            if self._stands(entry):
                remove_file(self._path(entry.id))
                _remove_tree(self._files(entry.id))

    def refuse(self, entry: Entry, answer: Json) -> None:
        """Move a command that the server will never take, and its files, to where a person looks for it."""
        with self._store_lock():
            if not self._stands(entry):
                return
            record = {
                "id": entry.id,
                "command": entry.command,
                "job": entry.job,
                "body": entry.body,
                "answer": answer,
            }
            if (
                self._refusal(entry.id).get("body") != entry.body
            ):  # else a crash came between here and the removal
                write_file(self._refused / f"{entry.id}.json", json.dumps(record, indent=1).encode())
            if self._files(entry.id).is_dir():
                kept = self._refused / f"{entry.id}.files"
                _remove_tree(kept)
                self._files(entry.id).replace(kept)
            remove_file(self._path(entry.id))

    def refusal(self, entry_id: str) -> Json | None:
        """Give the answer with which an entry was refused, if it was."""
        answer = self._refusal(entry_id).get("answer")
        return answer if isinstance(answer, dict) else None

    def delivering(self, wait_seconds: float) -> AbstractContextManager[bool]:
        """Hold the right to deliver, which one process has at a time; yield False when it stayed taken."""
        return locked(self._folder / ".delivering.lock", wait_seconds)

    @contextmanager
    def _store_lock(self) -> Iterator[None]:
        with locked(self._folder / ".store.lock", STORE_LOCK_SECONDS) as held:
            if not held:
                raise WatchkeeperError(
                    f"the outbox {self._folder} is held by another command", hint="Try once more."
                )
            yield

    def _refusal(self, entry_id: str) -> Json:
        try:
            record = json.loads((self._refused / f"{entry_id}.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _paths(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*.json")) if self._folder.is_dir() else []

    def _path(self, entry_id: str) -> Path:
        return self._folder / f"{entry_id}.json"

    def _files(self, entry_id: str) -> Path:
        return self._folder / f"{entry_id}.files"

    def _stands(self, entry: Entry) -> bool:
        try:
            return self._path(entry.id).read_bytes() == entry.content
        except FileNotFoundError:
            return False

    def _sweep(self) -> None:
        """Remove what a crash left half-made: drafts, and files whose entry was never stored."""
        for draft in self._folder.glob(".*.draft"):
            draft.unlink(missing_ok=True)
        for files in self._folder.glob("*.files"):
            if not files.with_suffix(".json").exists():
                _remove_tree(files)

    def _with_copies(self, entry: Entry) -> Json:
        """Copy what the artifacts name by path to the entry's own folder and name the copies instead."""
        base = self._files(entry.id) / os.urandom(4).hex()
        artifacts: list[Json] = []
        for number, artifact in enumerate(entry.body.get("artifacts", [])):
            if "path" not in artifact:
                artifacts.append(artifact)
                continue
            source = Path(artifact["path"]).resolve(strict=True)
            target = base / str(number) / given_name(Path(artifact["path"]), source)
            _copy(source, target)
            artifacts.append({**artifact, "path": str(target)})
        return {**entry.body, "artifacts": artifacts}


def _remove_tree(folder: Path) -> None:
    if folder.is_dir():
        import shutil

        # What cannot be removed now is swept when the next command is stored.
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    import shutil

    target.parent.mkdir(mode=0o700, parents=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
    for folder, _, names in os.walk(target.parent, topdown=False):
        for name in names:
            _sync(Path(folder) / name)
        sync_folder(Path(folder))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _next_id(waiting: list[Entry]) -> str:
    """Make an id that sorts after all that wait, also when the clock was set back."""
    last = max((int(entry.id.partition("-")[0]) for entry in waiting), default=0)
    return f"{max(time.time_ns() // 1_000_000, last + 1):015d}-{os.urandom(4).hex()}"
