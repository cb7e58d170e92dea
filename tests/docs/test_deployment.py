"""The units, the image and the compose file name what there is: commands, options, files, places."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from watchkeeper.interfaces.cli.main import program

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
TIMERS = sorted((ROOT / "deploy" / "systemd").glob("*.timer"))
INSTALLED = "/opt/watchkeeper/"


def settings_of(unit: Path) -> dict[str, str]:
    lines = [line for line in unit.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def command_of(line: str) -> list[str]:
    """Give the program's own command in an ExecStart, out of the shell's where it is one, with dates put in."""
    words = shlex.split(re.sub("%[Hi]", "one", line))
    if words[:2] == ["/bin/sh", "-c"]:
        made = subprocess.run(["date", "+%Y-%m"], capture_output=True, text=True, check=True).stdout.strip()
        words = shlex.split(re.sub(r"\$\(date [^)]*\)", made, words[2].replace("$$", "$").split(" && ")[0]))
    return words


def parsed(arguments: list[str]) -> None:
    """Have the program's own parser read a command line; it raises for what it does not know."""
    built: Any = typer.main.get_command(program(""))
    name, *rest = arguments
    command = built.commands[name]
    if isinstance(command, click.Group):
        parent, (name, *rest) = command, rest
        command = parent.commands[name]
    command.make_context(name, rest)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(unit: Path) -> None:
    """ExecStart is understood by the program, its home is the unit's own directory, its page is there."""
    given = settings_of(unit)
    executable, *arguments = command_of(given["ExecStart"])
    assert executable == f"{INSTALLED}bin/watchkeeper"
    parsed(arguments)
    assert given["Environment"] == f"WATCHKEEPER_HOME=/var/lib/{given['StateDirectory'].split()[0]}"
    page = given["Documentation"].removeprefix(f"file:{INSTALLED}")
    assert (ROOT / page).is_file()
    assert unit.name in (ROOT / page).read_text()


@pytest.mark.parametrize("timer", TIMERS, ids=lambda timer: timer.name)
def test_a_timer_has_its_service_and_its_page(timer: Path) -> None:
    """What a timer starts is there, and the page that it names tells of it."""
    assert timer.with_suffix(".service") in UNITS
    page = settings_of(timer)["Documentation"].removeprefix(f"file:{INSTALLED}")
    assert timer.name in (ROOT / page).read_text()


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt-get install systemd"
)
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing to say about them, once their program is there."""
    copies = []
    for unit in (*UNITS, *TIMERS):
        copy = tmp_path / unit.name.replace("@.", "@one.")
        copy.write_text(unit.read_text().replace(f"{INSTALLED}bin/watchkeeper", "/bin/true"))
        copies.append(copy)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *copies]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in done.stderr.splitlines() if "watchkeeper" in line]
    assert (done.returncode, said) == (0, []), done.stderr


def test_the_image_copies_files_that_there_are_and_runs_the_program() -> None:
    """Each file that the Dockerfile takes from the clone is there, and what it runs is the program's own."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert "src" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert set(re.findall(r"-r (\S+)", text)) <= set(sources)
    (entry,) = json.loads(next(iter(re.findall(r"^ENTRYPOINT (.+)$", text, re.MULTILINE))))
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert entry in scripts
    parsed(json.loads(next(iter(re.findall(r"^CMD (.+)$", text, re.MULTILINE)))))


def test_compose_runs_commands_that_there_are() -> None:
    """Each command of the compose file is understood by the program, and its image is built from this clone."""
    text = (ROOT / "compose.yaml").read_text()
    commands = [json.loads(found) for found in re.findall(r"^ +command: (\[.+\])$", text, re.MULTILINE)]
    assert [command[0] for command in commands] == ["serve", "watch"]
    for command in commands:
        parsed(command)
    assert "build: ." in text
