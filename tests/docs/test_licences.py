"""What the dependencies' licences allow."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / "scripts" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_page_lists_every_dependency(licences: ModuleType) -> None:
    """docs/reference/licences.md says what the locked packages say; scripts/licences.py writes it anew."""
    assert licences.PAGE.read_text(encoding="utf-8") == licences.page()


def test_every_licence_may_stand_beside_ours(licences: ModuleType) -> None:
    """A licence that is unknown, not said, or not compatible with Apache-2.0 does not come in unseen."""
    refused = {
        package: said
        for package, (said, _) in licences.table().items()
        if not licences.parts(said) <= licences.COMPATIBLE
    }
    assert not refused


@pytest.mark.parametrize("foreign", ["GPL-3.0-only", "MIT AND AGPL-3.0-or-later", "not said"])
def test_a_foreign_licence_is_refused(licences: ModuleType, foreign: str) -> None:
    """What obliges the whole program, or says nothing, is not compatible."""
    assert not licences.parts(foreign) <= licences.COMPATIBLE
