"""`eval corpus` as a person and a program use it: no server, no database, one word by its exit code."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from corpus_making.write import CORPUS
from watchkeeper.interfaces.cli import main

WELL = CORPUS / "healthy" / "plain-work-codex.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep" / "down").mkdir(parents=True)
    (tmp_path / "deep" / "down" / "well.jsonl").write_text(WELL.read_text("utf-8"), encoding="utf-8")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["watchkeeper", "eval", "corpus", *arguments])
    return main.run()


def test_a_corpus_without_a_fault_is_told_and_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0, a table with bounds for people, and the same in a file for programs."""
    answer = tmp_path / "answer.json"
    assert run(monkeypatch, str(folder), "--json", str(answer)) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("healthy", "0.21 to 1.00", "false_kill_rate"))
    told = json.loads(answer.read_text("utf-8"))
    assert told["rows"][0] == {
        "file": "deep/down/well.jsonl",
        "expected": "healthy",
        "class": "healthy",
        "right_action": "none",
        "action": "none",
        "detected_t": None,
        "delay_s": None,
        "ok": True,
        "because": "",
    }
    assert told["per_class"]["healthy"]["recall"] == 1.0
    assert {"false_green_rate", "false_kill_rate", "classified_share", "delay_s"} < set(told)


def test_a_row_that_acts_wrongly_is_named_and_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A label that the watch contradicts gives exit code 3, and the row stands in the output."""
    row = (CORPUS / "F02" / "stream-alone-codex.jsonl").read_text("utf-8")
    label, _, facts = row.partition("\n")
    wrong = json.loads(label)
    wrong["label"] |= {"class": "healthy", "right_action": "none", "stuck": False}
    (folder / "wrong.jsonl").write_text(json.dumps(wrong) + "\n" + facts, encoding="utf-8")
    assert run(monkeypatch, str(folder), "--json", "-") == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["wrong"], told["false_kill_rate"]) == (["wrong.jsonl"], 0.5)
    assert run(monkeypatch, str(folder)) == 3
    assert "wrong.jsonl" in capsys.readouterr().out


@pytest.mark.parametrize("where", ["nowhere", "empty"])
def test_a_folder_without_rows_is_no_corpus(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to judge is no success."""
    (tmp_path / "empty").mkdir()
    assert run(monkeypatch, str(tmp_path / where)) == 2
    assert str(tmp_path / where) in capsys.readouterr().err


def test_a_broken_row_is_told_with_its_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One wrong line, one clear error, no traceback."""
    (folder / "broken.jsonl").write_text('{"label": {"class": "F01"}}\n{"t": 1,\n', encoding="utf-8")
    assert run(monkeypatch, str(folder)) == 2
    assert "broken.jsonl:2: this is no JSON" in capsys.readouterr().err


def test_a_folder_that_cannot_be_read_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows that nobody may read are not left out in silence."""
    scandir = os.scandir

    def refused(place: str) -> Any:
        if str(place).endswith("down"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refused)
    assert run(monkeypatch, str(folder)) == 2
    assert "down cannot be read: Permission denied" in capsys.readouterr().err


def test_rows_out_of_order_and_halves_of_characters_are_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts are put in order, which is said; what no file can hold is replaced."""
    label, *facts = WELL.read_text("utf-8").splitlines()
    strange = json.dumps({"t": 0.0, "source": "\ud800", "event": "x"})
    (folder / "back.jsonl").write_text("\n".join([label, *facts, strange]) + "\n", encoding="utf-8")
    answer = tmp_path / "answer.json"
    assert run(monkeypatch, str(folder), "--json", str(answer)) == 0
    unknown = json.loads(answer.read_text("utf-8"))["unknown"]
    assert unknown == {"out of order, put in order of time": 1, "?/x": 1}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_answer_that_cannot_be_written_is_an_error_and_no_traceback(folder: Path) -> None:
    """A full disk behind stdout is told on stderr."""
    command = [sys.executable, "-m", "watchkeeper", "eval", "corpus", str(folder), "--json", "-"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("watchkeeper: stdout cannot be written: No space left on device")
