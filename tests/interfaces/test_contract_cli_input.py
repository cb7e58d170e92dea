"""Bad input to the contract CLI: each is answered by a clear error in JSON, none by a traceback or a
silent loss.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from interfaces.contract_program import Program
from interfaces.contract_schemas import holds
from interfaces.contract_server import JOB, ContractServer
from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.contract import answers_to, arguments
from watchkeeper.interfaces.cli.contract.artifacts import read_artifacts
from watchkeeper.interfaces.cli.contract.texts import TEXT_LIMIT_BYTES, Texts
from watchkeeper.interfaces.cli.contract.wire import Address

OPERATORS = [
    "up",
    "serve",
    "watch",
    "work",
    "stop",
    "jobs",
    "kinds",
    "workers",
    "why",
    "incident",
    "repair",
    "proposal",
    "policy",
    "switch",
    "token",
    "login",
    "audit",
    "config",
    "db",
    "sessions",
    "host",
    "report",
    "drill",
    "eval",
    "relay",
    "supervise",
    "mcp",
    "debug",
]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ([], "a command is missing"),
        (["compleat", JOB], "did you mean 'complete'"),
        (["upload_files", JOB], "did you mean 'upload-files'"),
        (["claim", "--knid", "x"], "did you mean '--kind'"),
        (["claim", "--wait"], "--wait needs a value"),
        (["claim", "--wait", "1", "--wait", "2"], "more than once"),
        (["doctor", "--system=yes"], "--system takes no value"),
        (["touch", "now"], "takes 0 arguments and was given 1"),
        (["touch", "-x"], "no option '-x'"),
        (["progress", JOB], "missing MESSAGE, PHASE"),
        (["progress", JOB, "two", "words", "build"], "takes 3 arguments and was given 4"),
        (["upload-files", JOB], "missing PATH..."),
        (
            ["fail", JOB, "bad \udcff byte"],
            "argument 2 holds the byte 0xff, which is not UTF-8, at position 4",
        ),
        (["fail", JOB, "a\x00b"], "argument 2 holds a NUL"),
    ],
)
def test_wrong_arguments_are_named(argv: list[str], told: str) -> None:
    """A mistyped command or option is named together with what was probably meant."""
    with pytest.raises(UsageError) as caught:
        arguments.parse(argv)
    assert told in caught.value.message


def test_options_stand_anywhere() -> None:
    """Options may stand before or after the arguments; a text that begins with dashes goes after a lone
    --.
    """
    parsed = arguments.parse(["progress", "--payload", "{}", JOB, "- two pages", "build"])
    assert (parsed.values, parsed.option("payload")) == ([JOB, "- two pages", "build"], "{}")
    assert arguments.parse(["fail", JOB, "--", "--payload is broken"]).values == [JOB, "--payload is broken"]


def test_operators_commands_are_not_taken() -> None:
    """A command of the operators' program is never mistaken for a misspelt contract command."""
    assert [name for name in OPERATORS if answers_to(name)] == []
    assert answers_to("clame")
    assert not answers_to("--version")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{", "line 1, column 2"),
        ('{\n  "a": 1,\n  b}', "line 3, column 3"),
        ("", "line 1, column 1"),
        ("[NaN]", "NaN is no JSON value"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5000, "is not JSON"),
        ("@missing.json", "'missing.json' cannot be read: No such file"),
        ("@/", "cannot be read: Is a directory"),
    ],
)
def test_wrong_json_is_located(given: str, told: str) -> None:
    """Invalid JSON is answered with its line and column, an unreadable file with its name."""
    with pytest.raises(UsageError) as caught:
        Texts().json(given, "ARTIFACTS_JSON")
    assert told in caught.value.message
    assert "ARTIFACTS_JSON" in caught.value.message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"caf\xe9", "is not UTF-8 at byte 3"),
        (b"a\x00b", "holds a NUL at position 1"),
        (b"x" * (TEXT_LIMIT_BYTES + 1), "holds more than"),
    ],
)
def test_wrong_files_are_told(content: bytes, told: str, tmp_path: Path) -> None:
    """A text file that cannot be a text is refused with the place."""
    (tmp_path / "summary").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        Texts().text(f"@{tmp_path / 'summary'}", "SUMMARY")
    assert told in caught.value.message


def test_a_literal_at_is_written_twice() -> None:
    """A text that begins with @ can be given without a file."""
    assert Texts().text("@@alice please look", "MESSAGE") == "@alice please look"


@pytest.mark.parametrize(
    "value",
    ["text", 3, None, {"artifact": []}, ["x"], [{"path": 3}], [{"path": "a", "url": "http://x"}]],
)
def test_artifacts_of_another_shape_are_refused(value: object) -> None:
    """ARTIFACTS_JSON that is no list of artifacts is refused before anything is sent."""
    with pytest.raises(UsageError):
        read_artifacts(value)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8470",
        "ftp://host",
        "http://",
        "http://h:99999",
        "http://u:p@h",
        "http://h/ x",
        "http://h?a=b",
    ],
)
def test_wrong_addresses_are_told(url: str) -> None:
    """A server's address that is none is refused by name of its variable."""
    with pytest.raises(UsageError) as caught:
        Address.parse(url)
    assert "WATCHKEEPER_URL" in caught.value.message


def test_addresses_are_read() -> None:
    """IPv6 addresses and a path in front of a proxy are understood."""
    address = Address.parse("http://[::1]:8470/watch/")
    assert (address.host, address.port, address.prefix, address.host_header) == (
        "::1",
        8470,
        "/watch",
        "[::1]:8470",
    )
    assert Address.parse("https://example.org").host_header == "example.org"


def test_a_misspelt_command_is_answered_in_json(program: Program) -> None:
    """An agent that mistypes a command gets the contract's error and exit code 2."""
    outcome = program.run("upload_files", JOB)
    assert (outcome.exit_code, outcome.error["code"]) == (2, "usage")
    holds("error.json", outcome.answer)


def test_arguments_that_are_no_text_are_refused(program: Program, contract: ContractServer) -> None:
    """Bytes that are not UTF-8 never reach the server."""
    outcome = program.run("fail", JOB, b"bad \xff byte")
    assert (outcome.exit_code, outcome.error["code"]) == (2, "usage")
    assert contract.seen == []


def test_long_texts_come_from_files_and_standard_input(
    program: Program, contract: ContractServer, tmp_path: Path
) -> None:
    """What is too long for an argument goes by @FILE and '-', unchanged."""
    long = "看板" * 200_000
    (tmp_path / "long.txt").write_text(long + "\n")
    artifacts = b'[{"kind": "report", "artifact_id": "a"}]'
    assert program.run("complete", JOB, "@long.txt", "-", stdin=artifacts).exit_code == 0
    assert contract.last("complete").json["summary"] == long
    assert program.run("progress", JOB, "-", "build", stdin=b"from stdin\n").exit_code == 0
    assert contract.last("progress").json["message"] == "from stdin"
    assert "standard input can be read once" in program.run("complete", JOB, "-", "-").error["message"]


def test_an_end_without_a_reason_is_refused(program: Program, contract: ContractServer) -> None:
    """`fail JOB ""` tells nobody anything: it is asked for again, before the server hears of it."""
    outcome = program.run("fail", JOB, " ")
    assert (outcome.exit_code, outcome.error["message"]) == (2, "REASON is empty")
    assert contract.seen == []


def test_help_is_for_people_and_programs(program: Program) -> None:
    """--help prints the help to stderr and as one JSON object to stdout."""
    outcome = program.run("complete", "--help")
    assert outcome.exit_code == 0
    assert "usage: watchkeeper complete JOB SUMMARY ARTIFACTS_JSON" in outcome.stderr
    assert outcome.answer["help"] in outcome.stderr
    holds("help.json", outcome.answer)
