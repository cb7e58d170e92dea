"""The command line of the contract: which commands there are, what each takes, how arguments are read.

Written by hand because argparse prints to stdout, exits on its own, and knows nothing of "did you mean".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from watchkeeper.domain.errors import UsageError

UNDELIVERABLE = re.compile("[\x00\udc80-\udcff]")
"""A NUL, or what Python makes of a byte that is not UTF-8."""


class Option(NamedTuple):
    """An option; `metavar` names its value, None makes it a flag."""

    name: str
    metavar: str | None
    about: str
    repeated: bool = False


class Command(NamedTuple):
    """A command: its positional arguments in order (the last may repeat: `PATH...`) and its options."""

    name: str
    about: str
    positionals: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()

    @property
    def usage(self) -> str:
        options = [
            f"[--{option.name}{f' {option.metavar}' if option.metavar else ''}]"
            + ("..." if option.repeated else "")
            for option in self.options
        ]
        return " ".join(["watchkeeper", self.name, *self.positionals, *options])


class Parsed(NamedTuple):
    """What was asked for: `values` are the positional arguments, `options` all values of each option."""

    command: Command
    values: list[str]
    options: dict[str, list[str]]
    help_wanted: bool = False

    def option(self, name: str) -> str | None:
        given = self.options.get(name)
        return given[-1] if given else None


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command(
            "doctor",
            "Check token, server, database and this machine's state folder.",
            options=(Option("system", None, "add the operator's diagnosis (supervisors)"),),
        ),
        Command(
            "touch",
            "Say that this worker is alive.",
            options=(Option("automation-id", "ID", "the automation that runs this worker"),),
        ),
        Command(
            "claim",
            "Take one job under a lease; job is null when there is none.",
            options=(
                Option("kind", "K", "only jobs of this kind; may be given several times", repeated=True),
                Option("wait", "SECONDS", "wait so long for a job to appear"),
            ),
        ),
        Command("context", "Read a job, its contract, earlier attempts and lessons.", ("JOB",)),
        Command(
            "progress",
            "Report progress and renew the lease.",
            ("JOB", "MESSAGE", "PHASE"),
            (Option("payload", "JSON", "facts to keep with the report"),),
        ),
        Command("upload-files", "Put files or directories into the store.", ("JOB", "PATH...")),
        Command(
            "verify",
            "Run the gate's checks without changing the job.",
            ("JOB",),
            (Option("url", "URL", "the primary artifact to check"),),
        ),
        Command("complete", "Hand the job in; the gate decides.", ("JOB", "SUMMARY", "ARTIFACTS_JSON")),
        Command("fail", "Give the attempt up as failed.", ("JOB", "REASON")),
        Command("release", "Give the job back unworked.", ("JOB", "REASON")),
    )
}

NOTES = """JOB may be '.': the job of this session (WATCHKEEPER_JOB_ID).
SUMMARY, MESSAGE, REASON, JSON and ARTIFACTS_JSON may be @FILE or '-' (standard input); @@ is a literal @."""


def help_text(command: Command) -> str:
    """Write the help of one command for a person."""
    lines = [f"usage: {command.usage}", "", command.about]
    if command.options:
        width = max(len(f"{option.name} {option.metavar or ''}") for option in command.options)
        lines += ["", "options:"]
        for option in command.options:
            spelling = f"{option.name} {option.metavar or ''}"
            lines.append(f"  --{spelling:<{width}}  {option.about}")
    return "\n".join([*lines, "", NOTES])


def parse(argv: list[str]) -> Parsed:
    """Read the arguments of a contract command; options may stand before, between or after the others.

    Raises UsageError with the nearest known name for an unknown command or option.
    """
    if not argv:
        raise UsageError("a command is missing", hint=f"The commands are {', '.join(COMMANDS)}.")
    command = COMMANDS.get(argv[0])
    if command is None:
        raise UsageError(f"there is no command {argv[0]!r}{_did_you_mean(argv[0], list(COMMANDS))}")
    refuse_unreadable(argv)
    values: list[str] = []
    options: dict[str, list[str]] = {}
    rest = iter(argv[1:])
    for argument in rest:
        if argument == "--":
            values.extend(rest)
        elif argument in {"--help", "-h"}:
            return Parsed(command, [], {}, help_wanted=True)
        elif re.match(r"--[A-Za-z]|-[A-Za-z]$", argument):
            name, equals, value = argument.partition("=")
            option = _option(command, name)
            options.setdefault(option.name, []).append(_value(option, equals, value, rest))
        else:
            values.append(argument)
    _check(command, values, options)
    return Parsed(command, values, options)


def nearest(name: str, known: list[str], cutoff: float) -> str | None:
    """Give the known name that was probably meant, if one is near enough."""
    import difflib

    found = difflib.get_close_matches(name.lower().replace("_", "-"), known, n=1, cutoff=cutoff)
    return found[0] if found else None


def _did_you_mean(name: str, known: list[str], prefix: str = "") -> str:
    near = nearest(name, known, 0.6)
    return f"; did you mean '{prefix}{near}'?" if near else ""


def _option(command: Command, name: str) -> Option:
    for option in command.options:
        if name == f"--{option.name}":
            return option
    known = [option.name for option in command.options]
    raise UsageError(
        f"{command.name} has no option {name!r}{_did_you_mean(name.lstrip('-'), known, '--')}",
        hint=f"usage: {command.usage}; a text that begins with -- goes after a lone --",
    )


def _value(option: Option, equals: str, value: str, rest: Iterator[str]) -> str:
    if option.metavar is None:
        if equals:
            raise UsageError(f"--{option.name} takes no value")
        return ""
    if equals:
        return value
    following = next(rest, None)
    if following is None:
        raise UsageError(f"--{option.name} needs a value: {option.metavar}")
    return following


def _check(command: Command, values: list[str], options: dict[str, list[str]]) -> None:
    wanted = command.positionals
    endless = bool(wanted) and wanted[-1].endswith("...")
    hint = f"usage: {command.usage}"
    if len(values) < len(wanted):
        missing = ", ".join(wanted[len(values) :])
        raise UsageError(f"{command.name} is missing {missing}", hint=hint)
    if len(values) > len(wanted) and not endless:
        raise UsageError(
            f"{command.name} takes {len(wanted)} arguments and was given {len(values)}",
            hint=f"{hint}; put quotes around a text with spaces",
        )
    for option in command.options:
        if len(options.get(option.name, ())) > 1 and not option.repeated:
            raise UsageError(f"--{option.name} is given more than once", hint=hint)


def refuse_unreadable(argv: list[str]) -> None:
    """Raise UsageError for an argument after the first that no request could carry."""
    for position, argument in enumerate(argv[1:], start=1):
        if found := UNDELIVERABLE.search(argument):
            what = (
                "a NUL"
                if found[0] == "\x00"
                else f"the byte 0x{ord(found[0]) - 0xDC00:02x}, which is not UTF-8"
            )
            raise UsageError(f"argument {position} holds {what}, at position {found.start()}")
