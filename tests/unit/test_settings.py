"""Settings that cannot be meant are refused where they stand, before anything is done by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.domain.errors import SettingError
from watchkeeper.settings import Settings


@pytest.mark.parametrize(
    "line",
    [
        "port = 84.7",
        "database_pool_size = true",
        "job_retention_days = nan",
        "output_retention_days = inf",
        "job_retention_days = false",
    ],
)
def test_a_number_that_cannot_be_meant_is_refused(tmp_path: Path, line: str) -> None:
    """A fraction where a whole number counts is not cut, and no time is without end; the setting is named."""
    config = tmp_path / "watchkeeper.toml"
    config.write_text(line)
    with pytest.raises(SettingError, match=line.partition(" ")[0]):
        Settings.read({"HOME": str(tmp_path), "WATCHKEEPER_CONFIG": str(config)})


def test_a_retention_may_be_part_of_a_day(tmp_path: Path) -> None:
    """Half a day is half a day, from a variable and from a document, and a whole number of days counts too."""
    config = tmp_path / "watchkeeper.toml"
    config.write_text("job_retention_days = 0.5")
    told = {
        "HOME": str(tmp_path),
        "WATCHKEEPER_CONFIG": str(config),
        "WATCHKEEPER_OUTPUT_RETENTION_DAYS": "2",
    }
    settings = Settings.read(told)
    assert (settings.job_retention_days, settings.output_retention_days) == (0.5, 2.0)


def test_a_mistyped_setting_is_taken_for_a_setting_first() -> None:
    """WATCHKEEPER_PROT was meant to be the port, not the file that a session gives its agent."""
    with pytest.raises(SettingError, match="did you mean WATCHKEEPER_PORT"):
        Settings.read({"HOME": "/home/somebody", "WATCHKEEPER_PROT": "1"})


@pytest.mark.parametrize("name", ["DEAD_MAN_URL", "AUDIT_ANCHOR_URL"])
def test_an_address_that_is_a_secret_is_shown_by_its_host_alone(name: str) -> None:
    """Who knows where the ping goes could keep a dead machine looking alive: it is nowhere to be read."""
    told = {
        "HOME": "/home/somebody",
        f"WATCHKEEPER_{name}": "https://hc-ping.com/6f1c-uuid?token=tokval1234567",
    }
    settings = Settings.read(told)
    assert settings.shown(name.lower()) == "https://hc-ping.com/..."
    assert settings.secrets == ("6f1c-uuid?token=tokval1234567",)


def test_hosts_that_may_be_fetched_are_a_list(tmp_path: Path) -> None:
    """Several hosts stand with commas between them in a variable, and as a list in a document."""
    hosts = ("files.corp:8443", "10.1.2.0/24", "[fd00::5]:80", "fd00::6", "127.0.0.1")
    config = tmp_path / "watchkeeper.toml"
    config.write_text(f"fetch_allow = {list(hosts)}")
    assert Settings.read({"HOME": "/", "WATCHKEEPER_CONFIG": str(config)}).fetch_allow == hosts
    assert Settings.read({"HOME": "/", "WATCHKEEPER_FETCH_ALLOW": ", ".join(hosts)}).fetch_allow == hosts
    assert Settings.read({"HOME": "/", "WATCHKEEPER_FETCH_ALLOW": ""}).fetch_allow == ()


@pytest.mark.parametrize(
    "entry", ["http://files.corp", "10.1.2.3/24", "files.corp:0", "127.1", "*.corp", "a b", "x@y"]
)
def test_a_host_that_cannot_be_meant_is_refused(entry: str) -> None:
    """A host that would never match, or more than was meant, is refused at the start."""
    with pytest.raises(SettingError, match="fetch_allow"):
        Settings.read({"HOME": "/", "WATCHKEEPER_FETCH_ALLOW": entry})


DATABASE, DIRECT = "WATCHKEEPER_DATABASE_URL", "WATCHKEEPER_DATABASE_DIRECT_URL"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (DATABASE, "mysql://me:precious@db/x"),
        (DATABASE, "postgres//me:precious@db/x"),
        (DATABASE, "me:precious@db"),
        (DATABASE, "postgresql://me:precious@db:port/x"),
        (DATABASE, "postgresql://me:pre/precious@db/x"),
        (DATABASE, "postgresql://db1:5432,db2:99999/x"),
        (DATABASE, "host=db password='precious"),
        (DATABASE, "host=db password=a precious"),
        (DIRECT, "postgresq://me:precious@db/x"),
        ("WATCHKEEPER_URL", "localhost:8470"),
        ("WATCHKEEPER_URL", "ftp://x"),
        ("WATCHKEEPER_URL", "htp:/nope"),
        ("WATCHKEEPER_URL", "http://me:precious@x"),
        ("WATCHKEEPER_URL", "http://x:84700"),
        ("WATCHKEEPER_AUDIT_ANCHOR_URL", "anchors.example/precious"),
        ("WATCHKEEPER_AUDIT_ANCHOR_URL", "https:///precious"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_by_name(name: str, value: str) -> None:
    """A mistyped address is refused at the start, by its variable, with what was meant and without its password."""
    with pytest.raises(SettingError) as refused:
        Settings.read({"HOME": "/", name: value})
    assert name in refused.value.message
    assert "://" in refused.value.message or "TOKEN" in refused.value.message
    assert "precious" not in refused.value.message


def test_an_address_in_a_document_is_refused_with_its_key(tmp_path: Path) -> None:
    """`config check` of a document with a mistyped address names the key and the document."""
    config = tmp_path / "watchkeeper.toml"
    config.write_text('database_url = "mysql://me:precious@x"')
    with pytest.raises(SettingError, match=f"database_url in {config} begins with 'mysql://'") as refused:
        Settings.read({"HOME": "/", "WATCHKEEPER_CONFIG": str(config)})
    assert "precious" not in refused.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (DATABASE, "postgresql://"),
        (DATABASE, "postgres://db"),
        (DATABASE, "postgresql:///x?host=/run/postgresql&user=me"),
        (DATABASE, "postgresql://me:p%40ss@one:5432,two,[fd00::1]:5433/x?target_session_attrs=read-write"),
        (DATABASE, "postgresql://%2Frun%2Fpostgresql/x"),
        (DATABASE, "dbname=x"),
        (DIRECT, r"host=one,two port = 5432,5433 password='it\'s a secret' user=me dbname="),
        ("WATCHKEEPER_URL", "https://watch.example/under/a/path"),
        ("WATCHKEEPER_URL", "http://[::1]:8470"),
        ("WATCHKEEPER_AUDIT_ANCHOR_URL", "https://me:secret@anchors.example/heads?key=secret"),
    ],
)
def test_every_form_of_an_address_is_taken(name: str, value: str) -> None:
    """What PostgreSQL's library and a web client can read is taken as it is."""
    settings = Settings.read({"HOME": "/", name: value})
    assert getattr(settings, name.removeprefix("WATCHKEEPER_").lower()) == value
