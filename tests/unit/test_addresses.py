"""A database's address holds a password, which is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.domain.addresses import without_password
from watchkeeper.domain.redaction import Redactor
from watchkeeper.settings import Settings


@pytest.mark.parametrize(
    ("url", "shown", "password"),
    [
        ("postgresql://me:p%40ss%2Fword@db:5432/x", "postgresql://me@db:5432/x", "p@ss/word"),
        ("postgresql://me:a:b@one,two/x?sslmode=require", "postgresql://me@one,two/x?sslmode=require", "a:b"),
        ("postgresql://me@db/x", "postgresql://me@db/x", None),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str, password: str | None) -> None:
    """The password goes and all else stays; what has none stays as it is."""
    assert without_password(url) == (shown, password)


def test_a_password_is_redacted_as_written_in_the_address_and_as_it_is(tmp_path: Path) -> None:
    """Escaped in the address or plain in a driver's error: neither form is kept."""
    settings = Settings(
        tmp_path, database_url="postgresql://me:p%40ss%2Fword@db/x", database_direct_url="postgresql://db/x"
    )
    assert settings.secrets == ("p@ss/word",)
    said = Redactor(settings.secrets).redact('no user "p@ss/word"; url p%40ss%2Fword')
    assert said == 'no user "[redacted:known]"; url [redacted:known]'


@pytest.mark.parametrize(
    ("address", "rest", "password"),
    [
        ("postgresql://u:p%40w@h:5432/d", "postgresql://u@h:5432/d", "p@w"),
        ("postgresql://u@h/d?password=p%20w&sslmode=require", "postgresql://u@h/d?sslmode=require", "p w"),
        ("postgresql://u@h/d?sslmode=require&password=pw", "postgresql://u@h/d?sslmode=require", "pw"),
        ("postgresql:///d?password=pw", "postgresql:///d", "pw"),
        ("host=h password=pw dbname=d", "host=h dbname=d", "pw"),
        (r"password = 'it\'s' host=h", "host=h", "it's"),
        ("host=h dbname=d", "host=h dbname=d", None),
        ("postgresql://u@h/d", "postgresql://u@h/d", None),
    ],
)
def test_a_password_is_found_wherever_libpq_takes_one(address: str, rest: str, password: str | None) -> None:
    """Whatever form a database's address has, its password is known, and the rest can be shown."""
    assert without_password(address) == (rest, password)
