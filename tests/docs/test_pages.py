"""The pages agree with the program and with each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from watchkeeper.domain.principals import OF_THE_WHOLE, RIGHTS
from watchkeeper.domain.variables import PREFIX, READ_ELSEWHERE
from watchkeeper.interfaces.api.openapi import document
from watchkeeper.interfaces.cli.main import COMMANDS, program
from watchkeeper.interfaces.cli.needs import NEEDS, Local
from watchkeeper.settings import FIELDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)")
COMMON = {"--json", "--dry-run", "--reason", "--project", "--help"}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_is_documented() -> None:
    """docs/reference/settings.md tells of each setting, by variable and key, and of no other."""
    text = page("docs/reference/settings.md")
    rows = dict(re.findall(r"^\| `WATCHKEEPER_(\w+)` \| `(\w+)` \|", text, re.MULTILINE))
    assert rows == {name.upper(): name for name in FIELDS}
    for name in READ_ELSEWHERE:
        assert f"`{PREFIX}{name}`" in text, f"{PREFIX}{name} is read somewhere and not documented"


def test_every_command_and_option_is_documented() -> None:
    """docs/reference/cli.md has each command with its options under a heading of its own, and no other."""
    text = page("docs/reference/cli.md")
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(sections) == list(COMMANDS)
    built: Any = typer.main.get_command(program(""))
    for name, command in built.commands.items():
        for path, part in _parts(name, command):
            assert f"`watchkeeper {path}" in sections[name], f"{path} is not documented"
            for option in _options(part) - COMMON:
                assert f"`{option}`" in sections[name], f"{option} of {path} is not documented"


def _parts(name: str, command: Any) -> list[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    return [(name, command)] if below is None else [(f"{name} {sub}", part) for sub, part in below.items()]


def _options(command: Any) -> set[str]:
    shown = (parameter for parameter in command.params if not getattr(parameter, "hidden", False))
    return {name for parameter in shown for name in parameter.opts if name.startswith("--")}


def test_every_command_says_what_it_needs() -> None:
    """A command names the route whose right decides, or what it needs of this machine; one that does not is closed."""
    built: Any = typer.main.get_command(program(""))
    paths = {path for name, command in built.commands.items() for path, _ in _parts(name, command)}
    assert paths == set(NEEDS)
    routes = {
        f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods
    }
    assert {need for need in NEEDS.values() if not isinstance(need, Local)} <= routes


def test_the_page_on_identity_has_the_table_of_rights() -> None:
    """docs/identity.md tells which role has which right, and which are of the whole installation only."""
    text = page("docs/identity.md")
    rows = dict(re.findall(r"^\| (\w+) \| ((?:`\w+`(?:, )?)+) \|$", text, re.MULTILINE))
    said = {role: re.findall(r"`(\w+)`", rights) for role, rights in rows.items()}
    assert said == {role.value: sorted(rights) for role, rights in RIGHTS.items()}
    assert " and ".join(f"`{right}`" for right in sorted(OF_THE_WHOLE)) in text


def test_every_acting_command_has_a_dry_run() -> None:
    """Whatever changes something can be asked what it would do; what reaches others can be given a reason."""
    built: Any = typer.main.get_command(program(""))
    commands = {
        path: part for name, command in built.commands.items() for path, part in _parts(name, command)
    }
    words = {
        "list",
        "show",
        "status",
        "check",
        "shell",
        "verify",
        "export",
        "late",
        "why",
        "chain",
        "message",
        "attach",
        "transcript",
        "timeline",
        "lines",
        "story",
        "kinds",
        "doors",
        "seen",
        "links",
        "triage",
    }
    reading = {path for path in commands if path.split()[-1] in words}
    reading |= {path for path in commands if path.startswith(("report ", "eval "))}
    running = {"up", "serve", "watch", "work", "relay", "supervise", "login", "queue-health", "needs"}
    running |= {"mcp contract", "mcp operate"}
    reading |= {"host incidents", "host packets", "host packet"}
    for path in set(commands) - reading - running:
        assert {"--dry-run", "--json", "--reason"} <= _options(commands[path]), path
    for path in reading - {"db shell"}:
        assert "--json" in _options(commands[path]), path


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    """No page sends a reader to a file that is not there."""
    targets = LINK.findall(path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_readme_fits_on_three_screens() -> None:
    """The README is a door, not the manual."""
    assert len(page("README.md").splitlines()) <= 150


def test_each_decision_has_a_number_of_its_own() -> None:
    """Whoever reads of decision 0012 finds one page of it, and no number is left out."""
    numbers = sorted(page.name[:4] for page in (ROOT / "docs" / "adr").glob("*.md"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
