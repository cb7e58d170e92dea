"""What the contract's commands read of a config document that is YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.variables import SETTINGS
from watchkeeper.interfaces.cli.contract.environment import read
from watchkeeper.settings import FIELDS


def name_in(tmp_path: Path, document: str) -> str:
    config = tmp_path / "watchkeeper.yaml"
    config.write_text(document, encoding="utf-8")
    return read({"HOME": str(tmp_path), "WATCHKEEPER_CONFIG": str(config)}).worker_id


@pytest.mark.parametrize(
    "written", ["the-one", "'the-one'", '"the-one"', "the-one  # its name", '"the-one" # it']
)
def test_a_yaml_document_is_read_line_by_line(tmp_path: Path, written: str) -> None:
    """The few keys that count here are found beside sections, however they are quoted."""
    assert name_in(tmp_path, f"policy:\n  reclaim: auto\nworker_id: {written}\nrules: {{}}\n") == "the-one"


@pytest.mark.parametrize("written", ["\n  x", " [x]", ' "a\\tb"', " |\n  x", " *x", ""])
def test_what_is_no_text_in_one_line_is_refused_with_its_line(tmp_path: Path, written: str) -> None:
    """Nothing is guessed: the line is named, and how to write it."""
    with pytest.raises(UsageError, match=r"line 2 of .*'worker_id' is no text in one line"):
        name_in(tmp_path, f'owner: "ana"\nworker_id:{written}\n')


@pytest.mark.parametrize(
    ("name", "meant"), [("WATCHKEEPER_TOKNE", "TOKEN"), ("WATCHKEEPER_WROKER_ID", "WORKER_ID")]
)
def test_a_mistyped_variable_is_named_with_what_was_meant(tmp_path: Path, name: str, meant: str) -> None:
    """An agent whose token is not found is told of the mistyped name, and the value is not shown."""
    with pytest.raises(
        UsageError, match=f"unknown setting {name}; did you mean WATCHKEEPER_{meant}"
    ) as refused:
        read({"HOME": str(tmp_path), name: "wk_secret"})
    assert "wk_secret" not in str(refused.value)


def test_every_setting_of_the_program_is_known_to_the_contracts_commands() -> None:
    """One list of names: what operators' commands take is not refused by an agent's."""
    assert set(SETTINGS) == set(FIELDS)
