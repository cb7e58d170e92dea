"""Examples for the OpenAPI document, made from the schemas: what a field is an example of stands with the field."""

from __future__ import annotations

from typing import Any

TIME = "2026-11-21T12:00:00+00:00"
ID = "019aa5c0-7f3e-7d52-9e1b-5c1d6a0b2f11"
BY_FORMAT = {"date-time": TIME, "uuid": ID}
BY_NAME = {
    "address": "/jobs?state=failed",
    "agent": "codex",
    "answer": "Yes, until Friday.",
    "channel": "ops",
    "command": "doctor",
    "cron": "0 3 * * *",
    "event": "said",
    "job": ID,
    "job_id": ID,
    "kind": "report",
    "message": "half of it stands",
    "name": "nightly",
    "person": "lin",
    "phase": "build",
    "platform": "telegram",
    "primary_url": "https://pages.example.org/report",
    "project_id": "default",
    "question": "May this wait?",
    "reason": "for maintenance",
    "summary": "The report is written.",
    "time_zone": "UTC",
    "topic_key": "queues",
    "worker": "w-1",
    "worker_id": "w-1",
}
"""Of texts: what a field of this name usually holds."""
MAX_DEPTH = 8

Schemas = dict[str, Any]


def with_examples(document: dict[str, Any]) -> None:
    """Give each request body, and each answer that says none of its own, an example."""
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                _fill(content, schemas)
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    _fill(content, schemas)


def _fill(content: dict[str, Any], schemas: Schemas) -> None:
    if "example" not in content and "examples" not in content and content.get("schema"):
        content["example"] = example(content["schema"], schemas)


def example(schema: Any, schemas: Schemas, depth: int = 0, name: str = "") -> Any:
    """Give a value that the schema allows, for a field of that name."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, depth, name)
    if "examples" in schema:
        return schema["examples"][0]
    for word in ("const", "default"):
        if schema.get(word) is not None:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return example(schema[word][0], schemas, depth, name)
    return _of_type(schema, schemas, depth, name)


def _of_type(schema: Any, schemas: Schemas, depth: int, name: str) -> Any:
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, depth)
        case "array":
            few = depth > MAX_DEPTH and not schema.get("minItems")
            return [] if few or not schema.get("items") else [example(schema["items"], schemas, depth + 1)]
        case "string":
            return BY_FORMAT.get(schema.get("format", "")) or BY_NAME.get(name, "text")
        case "integer":
            return max(schema.get("minimum", 1), 1)
        case "number":
            return float(max(schema.get("minimum", 1), 1))
        case "boolean":
            return True
        case "null":
            return None
    return {}


def _object(schema: Any, schemas: Schemas, depth: int) -> Any:
    if "properties" not in schema:
        return {}
    needed = set(schema.get("required", ()))
    return {
        name: example(inner, schemas, depth + 1, name)
        for name, inner in schema["properties"].items()
        if name in needed or "examples" in inner
    }
