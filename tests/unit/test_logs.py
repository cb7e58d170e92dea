"""No log line shows a secret, however deep in its facts it stands and however late it became known."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from kept_logging import kept_logging
from watchkeeper import logs
from watchkeeper.domain.redaction import Redactor
from watchkeeper.interfaces.cli import local
from watchkeeper.settings import Settings

SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process's logging as it was."""
    with kept_logging():
        yield


def test_nested_facts_are_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    """A secret in a list or in a dict within it is taken out; what is no text stays as it is."""
    logs.configure(level="info", form="json", redact=Redactor([SECRET]).redact_data)
    logs.log("tried", command=["psql", f"--password={SECRET}"], facts={"a": [{"b": f"x {SECRET}"}], "n": 3})
    line = capsys.readouterr().err
    assert SECRET not in line
    assert json.loads(line)["facts"] == {"a": [{"b": "x [redacted:known]"}], "n": 3}


def test_what_libraries_log_is_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's warning, its exception included, becomes a line of ours; facts of any type are searched."""
    logs.configure(level="info", form="json", redact=Redactor([SECRET]).redact_data)
    try:
        raise OSError(f"cannot reach {SECRET}")
    except OSError:
        logging.getLogger("somelibrary").exception("with %s", SECRET)
    logs.log("tried", place=Path(f"/tmp/{SECRET}"), password="short")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert SECRET not in json.dumps(lines)
    assert lines[0]["library"] == "somelibrary"
    assert "Traceback" in lines[0]["detail"]
    assert lines[1]["password"] == "[redacted:secret]"


def test_a_secret_that_becomes_known_later_is_redacted_from_then_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is learnt after the log began is taken out of every later line."""
    logs.configure(level="info", form="json", redact=Redactor().redact_data)
    logs.redact_with(Redactor([SECRET]).redact_data)
    logs.log("connected", url=f"host=x {SECRET}")
    assert SECRET not in capsys.readouterr().err


def test_the_own_databases_password_is_redacted_once_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The password of the home's own database is made after the log began; no line shows it, URL or not."""
    settings = Settings(home=tmp_path)
    logs.configure(level="info", form="json", redact=local.log_redactor(settings))
    server = SimpleNamespace(
        user=lambda *, stop_when_last: nullcontext(), start=lambda: f"postgresql://wk:{SECRET}@127.0.0.1/wk"
    )
    monkeypatch.setattr(local, "embedded_server", lambda *_: server)
    with local.database_user(settings, print) as start:
        assert start().secrets == (SECRET,)
        logs.log("refused", detail=f"no entry with {SECRET}")
    assert SECRET not in capsys.readouterr().err


def test_text_in_a_file_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of text that no terminal shows hold no colours."""
    logs.configure(level="info", form="text", redact=Redactor([]).redact_data)
    logs.log("database_down", detail="away")
    line = capsys.readouterr().err
    assert "database_down" in line
    assert "\033" not in line


def test_an_outage_is_not_told_by_the_driver_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """The pool's own word of every attempt to connect is left out: who meets the outage tells it once."""
    logs.configure(level="info", form="json", redact=Redactor([]).redact_data)
    logging.getLogger("psycopg.pool").warning("error connecting in 'pool-1'")
    logging.getLogger("psycopg").warning("something else")
    assert [json.loads(line)["library"] for line in capsys.readouterr().err.splitlines()] == ["psycopg"]


def test_a_line_for_people_shows_time_level_event_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    """As text a line begins with its time; a fact that would break the line is written as a literal."""
    logs.configure(level="info", form="text", redact=Redactor([SECRET]).redact_data)
    logs.log("database_down", what="reap leases", count=3, detail=f"two\nlines {SECRET}")
    line = capsys.readouterr().err
    assert re.fullmatch(
        r"20\d\d-[^ ]+Z \[error   \] database_down +what='reap leases' count=3 "
        r"detail='two\\nlines \[redacted:known\]'\n",
        line,
    )


def test_a_program_that_uses_the_library_keeps_its_own_logging(caplog: pytest.LogCaptureFixture) -> None:
    """Where nobody set our logging up, our lines go to the program's, redacted, and warn where we warn."""
    logs.redact_with(Redactor([SECRET]).redact_data)
    logs.log("lease_lost", detail=SECRET)
    [record] = caplog.records
    assert (record.name, record.levelname) == ("watchkeeper", "WARNING")
    assert record.getMessage() == "lease_lost {'detail': '[redacted:known]'}"
