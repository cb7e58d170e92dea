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
