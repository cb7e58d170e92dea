"""`config`: whether the settings are right, and what they come to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.domain.addresses import without_password
from watchkeeper.interfaces.cli.options import Json
from watchkeeper.interfaces.cli.output import show
from watchkeeper.settings import FIELDS, PREFIX, Settings

config = typer.Typer(no_args_is_help=True, help="Settings: check a document, show what holds.")

COLUMNS = {"setting": "setting", "value": "value", "from": "source"}


@config.command()
def check(
    file: Annotated[Path, typer.Argument(help="A TOML document of settings.")],
    as_json: Json = False,
) -> None:
    """Check a document of settings, without the environment."""
    Settings.read({PREFIX + "CONFIG": str(file), "HOME": os.environ.get("HOME") or "/"})
    show({"ok": True, "file": str(file)} if as_json else None, as_json=as_json, empty=f"{file} is right")


@config.command("show")
def show_config(as_json: Json = False) -> None:
    """Show every setting of this process, where it comes from, and no password."""
    settings = Settings.read()
    rows = [
        {"setting": name, "value": _shown(getattr(settings, name)), "source": _source(name)}
        for name in FIELDS
    ]
    answer = {"ok": True, "settings": rows}
    show(answer if as_json else rows, as_json=as_json, columns=COLUMNS)


def _shown(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return without_password(value)[0] if isinstance(value, str) else value


def _source(name: str) -> str:
    if PREFIX + name.upper() in os.environ:
        return PREFIX + name.upper()
    document = os.environ.get(PREFIX + "CONFIG")
    if document:
        import tomllib

        if name in tomllib.loads(Path(document).expanduser().read_text(encoding="utf-8")):
            return document
    return "default"
