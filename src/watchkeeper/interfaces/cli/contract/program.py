"""From an argument list to one JSON object and an exit code, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import traceback

from watchkeeper.domain.errors import ServerUnreachable, WatchkeeperError
from watchkeeper.interfaces.cli.contract import arguments, environment, waiting
from watchkeeper.interfaces.cli.contract.answers import SERVER_ERROR_EXIT, Json, Reply, failure, note, write
from watchkeeper.interfaces.cli.contract.caller import Caller
from watchkeeper.interfaces.cli.contract.commands import COMMANDS
from watchkeeper.interfaces.cli.contract.server import Server
from watchkeeper.interfaces.cli.contract.texts import Texts

TERMINAL = frozenset({"complete", "fail", "release"})
MISSPELLING = 0.75
"""How like a contract command an unknown word must be (difflib's ratio) to be answered as one, in JSON."""


def answers_to(name: str) -> bool:
    """Say whether a first argument is ours: a contract command, or a misspelling of one."""
    if name in COMMANDS:
        return True
    return (
        bool(name)
        and not name.startswith("-")
        and arguments.nearest(name, list(COMMANDS), MISSPELLING) is not None
    )


def run(argv: list[str]) -> int:
    """Run one contract command, write its answer, give its exit code: never 1, never a traceback."""
    stdout_is_open = _open_standard_descriptors()
    try:
        reply = _answer(argv)
    except KeyboardInterrupt:
        reply = failure(
            ServerUnreachable("interrupted before the server's answer", hint="Run the command again.")
        )
    except WatchkeeperError as error:
        reply = failure(error)
    except Exception as error:  # noqa: BLE001 - the last net: an agent gets JSON, never a traceback
        reply = _internal(error)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if reply.code in {"usage", "invalid_contract"}:
        note(f"watchkeeper: {reply.answer['error']['message']}")
    if not write(reply.answer, stdout_is_open):
        note("the answer could not be written to standard output")
        return SERVER_ERROR_EXIT
    return reply.exit_code


def _answer(argv: list[str]) -> Reply:
    parsed = arguments.parse(argv)
    if parsed.help_wanted:
        text = arguments.help_text(parsed.command)
        note(text)
        return Reply({"ok": True, "help": text})
    command = parsed.command.name
    surroundings = environment.read(os.environ)
    caller = Caller(surroundings, Server(surroundings.url), parsed, Texts())
    report: Json = {}
    if command not in TERMINAL and waiting.anything_waits(surroundings):
        report, instead = waiting.deliver_before(command, surroundings, caller.server)
        if instead is not None:
            return _with_report(instead, report)
    return _with_report(COMMANDS[command](caller), report)


def _with_report(reply: Reply, report: Json) -> Reply:
    return reply._replace(answer={**reply.answer, "outbox": report}) if report else reply


def _internal(error: Exception) -> Reply:
    """Describe what we did not foresee, by kind and place only: its text might hold a token."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119
    kind = type(error).__name__
    hint = "Please report it with the command and these details."
    return failure(WatchkeeperError(f"the command broke off: {kind}", hint=hint, exception=kind, at=place))


def _open_standard_descriptors() -> bool:
    """Fill closed standard descriptors, lest a socket become stdout; say whether stdout was open."""
    was_open = True
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            was_open = was_open and descriptor != 1
    return was_open
