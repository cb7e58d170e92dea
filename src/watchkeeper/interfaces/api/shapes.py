"""The schemas of answers, made from the example that each route gives: an answer may always hold more.

What stands at the top of an example is there in every answer; what lies deeper may be null or left out.
"""

from __future__ import annotations

import json
import re
from typing import Any

from watchkeeper.interfaces.api.examples import BY_FORMAT

MAYBE_KEY = "x-maybe"
JSON = "application/json"
ANY_ANSWER = {"$ref": "#/components/schemas/Answer"}
OK = {"type": "boolean"}
_MEASURED = re.compile(r"(_s|_seconds|_minutes|_age|cost|hours|days|share|rate|score)$")
_TYPES: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}

Schema = dict[str, Any]


class Shapes:
    """Gathers what answers hold as named components, each thing once."""

    def __init__(self, schemas: Schema) -> None:
        self._schemas = schemas

    def of_answer(self, operation: Schema, answer: Schema) -> None:
        """Give an answer's content the schema that its example shows, where it has none of its own."""
        tag, maybe = operation["tags"][0], set(operation.get(MAYBE_KEY, ()))
        content = answer.get("content", {}).get(JSON, {})
        example = content.get("example")
        if content.get("schema") != ANY_ANSWER or not isinstance(example, dict):
            return
        inner = {
            name: self._of(value, tag, name, top=name not in maybe)
            for name, value in example.items()
            if name != "ok"
        }
        shape = {
            "type": "object",
            "required": [name for name in example if name not in maybe],
            "properties": {"ok": OK, **inner},
        }
        name = "".join(part.title() for part in operation["operationId"].split("_")) + "Answer"
        self._schemas[name] = shape
        content["schema"] = {"$ref": f"#/components/schemas/{name}"}

    def _of(self, value: Any, tag: str, name: str, *, top: bool = False) -> Schema:
        if value is None:
            return {}
        if isinstance(value, dict):
            return self._object(value, tag, name, top=top)
        if isinstance(value, list):
            return _or_null(
                {"type": "array", "items": self._of(value[0], tag, _one(name), top=True) if value else {}},
                top,
            )
        kind = _TYPES[type(value)]
        if kind == "integer" and _MEASURED.search(name):
            kind = "number"
        shape: Schema = {"type": kind}
        if value == BY_FORMAT["date-time"]:
            shape["format"] = "date-time"
        return _or_null(shape, top)

    def _object(self, value: dict[str, Any], tag: str, name: str, *, top: bool) -> Schema:
        if not value:
            return _or_null({"type": "object"}, top)
        shape = {
            "type": "object",
            "properties": {key: self._of(inner, tag, key) for key, inner in value.items()},
        }
        return _or_null({"$ref": f"#/components/schemas/{self._kept(shape, tag, name)}"}, top)

    def _kept(self, shape: Schema, tag: str, name: str) -> str:
        """Keep a thing under a name of its tag; what several examples show of it is put together."""
        title = "".join(part.title() for part in name.split("_"))
        called = title if title == _one(tag).title() else tag.title() + title
        known = self._schemas.setdefault(called, {"type": "object", "properties": {}})["properties"]
        for key, inner in shape["properties"].items():
            known[key] = inner if known.get(key) in (None, {}, inner) else _either(known[key], inner)
        return called


def _either(one: Schema, other: Schema) -> Schema:
    """Give the richer of two schemas of one field; where they differ in kind, anything."""
    kinds = [json.dumps(schema, sort_keys=True) for schema in (one, other)]
    lists = [schema for schema, kind in zip((one, other), kinds, strict=True) if '"items": {"' in kind]
    if not other or '"items": {}' in kinds[0] or '"items": {}' in kinds[1]:
        return lists[0] if lists else one
    return {}


def _one(name: str) -> str:
    for many, one in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("s", "")):
        if name.endswith(many):
            return name.removesuffix(many) + one
    return name


def _or_null(shape: Schema, top: bool) -> Schema:
    return shape if top else {"anyOf": [shape, {"type": "null"}]}
