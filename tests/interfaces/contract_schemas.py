"""The published forms of the contract's answers, and the check that an answer has one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schemas"


@cache
def schemas() -> Registry[Any]:
    documents = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    return Registry().with_resources(
        (name, Resource.from_contents(value)) for name, value in documents.items()
    )


def holds(name: str, value: Any) -> None:
    """Fail unless a value has the published form."""
    schema = schemas().contents(name)
    Draft202012Validator(schema, registry=schemas(), format_checker=FormatChecker()).validate(value)
