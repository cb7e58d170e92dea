"""`config`: whether a document is right, and what settings and policy come to."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.app.core import database_config
from watchkeeper.documents import read_file
from watchkeeper.documents.settings_told import settings_told
from watchkeeper.domain.config.shown import shown_policy
from watchkeeper.domain.config_document import Document, read_document
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.domain.placed import DocumentRefused
from watchkeeper.domain.variables import PREFIX
from watchkeeper.interfaces.cli.local import running_database
from watchkeeper.interfaces.cli.options import Json
from watchkeeper.interfaces.cli.output import show
from watchkeeper.services.policy_holders import policy_holders, told_of
from watchkeeper.settings import FIELDS, Settings
from watchkeeper.storage.database import Database, Row

config = typer.Typer(no_args_is_help=True, help="The config document: check one, show what holds.")

SETTINGS = {"setting": "setting", "value": "value", "from": "source"}
POLICY = {"policy": "key", "value": "value", "from": "source"}
HOLDERS = {
    "machine": "machine",
    "process": "process",
    "version": "version",
    "digest": "digest",
    "since": "loaded_at",
    "trouble": "trouble",
}


@config.command()
def check(
    file: Annotated[Path, typer.Argument(help="A config document: .yaml, .yml or .toml.")],
    as_json: Json = False,
) -> None:
    """Check a document, its settings and its policy, without the environment and without a database.

    Every error is told with line, column and what was probably meant; exit code 2 where there is one.
    """
    document = _checked(file)
    policy = document.policy
    answer = {
        "ok": True,
        "file": str(file),
        "version": policy.version,
        "digest": policy.digest,
        "notes": document.notes,
    }
    right = f"{file} is right: version {policy.version}, digest {policy.digest[:12]}"
    text = "\n".join([right, *(f"note: {note}" for note in document.notes)])
    show(answer if as_json else None, as_json=as_json, empty=text)


@config.command("show")
def show_config(as_json: Json = False) -> None:
    """Show every setting and the policy in force: each value with where it comes from, and no password.

    Where the database answers, also by which policy each running process goes, and what it refused.
    """
    settings, refused = _settings()
    rows = [
        {"setting": name, "value": _shown(settings.shown(name)), "source": _source(name, settings)}
        for name in FIELDS
    ]
    document = Document()
    if settings.document is not None:
        try:
            document = _read(settings.document)
        except DocumentRefused as error:
            refused = error
    holders = _holders(settings)
    if as_json:
        show(_answer(settings, rows, document, holders, refused), as_json=True)
    else:
        show(rows, as_json=False, columns=SETTINGS)
        if refused is None:
            show(_policy(settings, document), as_json=False, columns=POLICY)
            show(None, as_json=False, empty=f"digest of what is said here: {document.policy.digest}")
        if holders:
            show(holders, as_json=False, columns=HOLDERS)
        show(None, as_json=False, empty=told_of(holders)[1])
    if refused is not None:
        raise typer.Exit(2) if as_json else refused


def _settings() -> tuple[Settings, DocumentRefused | None]:
    """Read the settings; where their document is refused, those of the environment, to ask what is in force."""
    try:
        return Settings.read(), None
    except DocumentRefused:
        environ = dict(os.environ)
        named = environ.pop(f"{PREFIX}CONFIG")
        try:
            _checked(Path(named).expanduser())
        except DocumentRefused as error:
            return Settings.read(environ), error
        raise


def _answer(
    settings: Settings,
    rows: list[Row],
    document: Document,
    holders: list[Row],
    refused: DocumentRefused | None,
) -> dict[str, Any]:
    policy = {"version": document.policy.version, "digest": document.policy.digest}
    return {
        "ok": refused is None,
        "settings": rows,
        "policy": None if refused else {**policy, "values": _policy(settings, document)},
        "refused": refused.details["problems"] if refused else [],
        "holders": holders,
        "digests": sorted({one["digest"] for one in holders}),
    }


def _policy(settings: Settings, document: Document) -> list[Row]:
    return [
        {
            "key": one.key,
            "value": one.value,
            "source": f"{settings.document.name}:{one.place.line}"
            if settings.document and one.place
            else "default",
        }
        for one in shown_policy(document)
    ]


def _checked(file: Path) -> Document:
    """Read a document, sections first; the errors of both parts are told together."""
    problems: list[Any] = []
    document = None
    try:
        document = _read(file)
    except DocumentRefused as error:
        problems += error.problems
    try:
        settings_told(file, FIELDS)
    except DocumentRefused as error:
        problems += [one for one in error.problems if one.place not in {known.place for known in problems}]
    if document is None or problems:
        raise DocumentRefused(str(file), problems)
    Settings.read({PREFIX + "CONFIG": str(file), "HOME": os.environ.get("HOME") or "/"})
    return document


def _read(file: Path) -> Document:
    return read_document(read_file(file), str(file), FIELDS)


def _holders(settings: Settings) -> list[Row]:
    """Ask the database if it runs; what holds here can be shown without it."""
    url = running_database(settings)
    if url is None:
        return []
    try:
        return asyncio.run(_ask(replace(settings, database_url=url)))
    except WatchkeeperError as error:
        print(f"who else goes by which policy is unknown: {error.message}", file=sys.stderr)
        return []


async def _ask(settings: Settings) -> list[Row]:
    database = Database(database_config(settings))
    await database.open()
    try:
        return await policy_holders(database)
    finally:
        await database.close()


def _shown(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value


def _source(name: str, settings: Settings) -> str:
    if PREFIX + name.upper() in os.environ:
        return PREFIX + name.upper()
    if settings.document is not None and name in settings_told(settings.document, FIELDS):
        return str(settings.document)
    return "default"
