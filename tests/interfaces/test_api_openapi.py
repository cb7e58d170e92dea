"""The published OpenAPI document."""

from __future__ import annotations

import json
from pathlib import Path

from watchkeeper.interfaces.api.openapi import document, text

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
REFERENCE = PUBLISHED.with_name("http-api.md")


def test_the_published_document_is_what_the_server_serves() -> None:
    """A change of the API shows in the published document, or this fails."""
    command = "make reference"
    assert PUBLISHED.read_text(encoding="utf-8") == text(), f"regenerate it: {command}"


def test_every_route_is_in_the_reference() -> None:
    """docs/reference/http-api.md names each path."""
    page = REFERENCE.read_text(encoding="utf-8")
    assert [path for path in document()["paths"] if f"`{path}`" not in page] == []


def test_the_document_holds_no_facts_of_a_machine() -> None:
    """It is the same wherever it is made."""
    described = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert described["openapi"].startswith("3.1")
    assert "servers" not in described
