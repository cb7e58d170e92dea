"""Write the groups and types of src/watchkeeper/client from the OpenAPI document: `python scripts/python_client.py`."""

from __future__ import annotations

import json
import keyword
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "reference" / "openapi.json"
CLIENT = ROOT / "src" / "watchkeeper" / "client"
SHARED = "shared"
NOT_FOR_CALLERS = {"chat_receive"}
"""Chat platforms post there, under signatures of their own."""

SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
OPTIONS = {
    "project": "project: str",
    "dry_run": "dry_run: bool",
    "Idempotency-Key": "idempotency_key: str",
    "If-Match": "if_match: str",
    "Watchkeeper-Lease": "lease: str",
}
TOP = '''"""{about}

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

{imports}
'''

Schema = dict[str, Any]
Operation = dict[str, Any]


class Source:
    """The Python source of one group: the types that it needs, and its operations as methods."""

    def __init__(self, tag: str, about: str) -> None:
        self.tag = tag
        self.about = about
        self.types: list[str] = []
        self.options: list[str] = []
        self.operations: list[str] = []
        self.methods: list[str] = []

    def types_text(self, homes: dict[str, str]) -> str:
        return _module(f"Types: {self.about}", "\n\n".join(self.types), homes, self.tag)

    def group_text(self, homes: dict[str, str]) -> str:
        methods = "\n".join(self.methods)
        group = f'class {_camel(self.tag)}Group(Group):\n    """{self.about}"""\n\n{methods}\n'
        parts = ["\n".join(self.options), "\n".join(self.operations), f"\n{group}"]
        return _module(self.about, "\n".join(parts), homes)


def _module(about: str, body: str, homes: dict[str, str], own: str | None = None) -> str:
    def used(names: Iterable[str]) -> list[str]:
        return [name for name in names if re.search(rf"\b{name}\b", body)]

    files = ["Files"] if "files: Files" in body else []
    ours = [("calling", files + used(["Group", "Operation"]))]
    ours += [
        (f"types.{home}", used(sorted(name for name, at in homes.items() if at == home)))
        for home in sorted(set(homes.values()) - {own})
    ]
    lines = [
        ("collections.abc", used(["Iterator", "Sequence"])),
        ("datetime", used(["datetime"])),
        ("typing", used(["Any", "Literal", "NotRequired", "TypedDict", "Unpack", "cast"])),
    ]
    first = [f"from {module} import {', '.join(names)}" for module, names in lines if names]
    then = [f"from watchkeeper.client.{module} import {', '.join(names)}" for module, names in ours if names]
    return (
        TOP.format(about=about, imports="\n".join([*first, *[""] * bool(first and then), *then]))
        + "\n"
        + body
    )


def type_of(schema: Schema, *, sent: bool) -> str:
    """Give the Python type of a schema; of what is `sent`, times may be given as such."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    for word in ("anyOf", "oneOf"):
        if word in schema:
            kinds = dict.fromkeys(type_of(inner, sent=sent) for inner in schema[word])
            return "Any" if "Any" in kinds else " | ".join(kinds)
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema.get('items') or {}, sent=sent)}]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {type_of(inner, sent=sent) if isinstance(inner, dict) else 'Any'}]"
    if sent and schema.get("format") == "date-time":
        return "datetime | str"
    return SIMPLE.get(str(kind), "Any")


def declared(name: str, schema: Schema) -> str:
    """Give the declaration of a component: a TypedDict, or a name for a type."""
    sent = name.endswith("Body")
    if "properties" not in schema and not (schema.get("type") == "object" and sent):
        return f"{name} = {type_of(schema, sent=sent)}\n"
    needed = set(schema.get("required", ()))
    about = schema.get("description")
    lines = [f"class {name}(TypedDict):", *([f'    """{_said(about)}"""', ""] if about else [])]
    fields = {
        field: kind if field in needed else f"NotRequired[{kind}]"
        for field, kind in (
            (each, type_of(inner, sent=sent)) for each, inner in schema.get("properties", {}).items()
        )
    }
    if any(keyword.iskeyword(field) for field in fields):
        return f"{name} = TypedDict({name!r}, {fields!r})\n"
    lines += [f"    {field}: {kind}" for field, kind in fields.items()] or ([] if about else ["    pass"])
    return "\n".join(lines) + "\n"


def _said(text: str) -> str:
    """Give the first sentence of a description, as one line."""
    line = " ".join(text.split())
    first = re.split(r"(?<=[.;:]) |, (?=its|each|as |and )", line)[0].rstrip(";:")
    return (first if first.endswith(".") else first + ".").replace("\\", "\\\\").replace('"', "'")


def _camel(words: str) -> str:
    return "".join(part.title() for part in re.split(r"[_-]", words))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and inner.startswith("#/components/schemas/"):
                yield inner.rsplit("/", 1)[-1]
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _all_references(value: Any, schemas: Schema, found: set[str]) -> set[str]:
    for name in _references(value):
        if name not in found:
            found.add(name)
            _all_references(schemas[name], schemas, found)
    return found


def _success(operation: Operation) -> tuple[str, Schema]:
    answer = next(said for status, said in operation["responses"].items() if status.startswith("2"))
    return next(iter(answer["content"].items()))[0], next(iter(answer["content"].values())).get("schema", {})


class Operations:
    """What the document says, put into the sources of the groups."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.schemas: Schema = document["components"]["schemas"]
        self.tags = {tag["name"]: tag["description"] for tag in document["tags"]}
        self.found: dict[str, list[tuple[str, str, Operation]]] = defaultdict(list)
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if operation["operationId"] not in NOT_FOR_CALLERS:
                    self.found[operation["tags"][0]].append((method.upper(), path, operation))
        self.homes = self._homes()

    def _homes(self) -> dict[str, str]:
        """Give the module of each component: that of the one group that needs it, or the shared one."""
        users: dict[str, set[str]] = defaultdict(set)
        for tag, operations in self.found.items():
            for _, _, operation in operations:
                told = {key: operation[key] for key in ("parameters", "requestBody") if key in operation}
                told["answer"] = _success(operation)[1]
                for name in _all_references(told, self.schemas, set()):
                    users[name].add(tag)
        return {name: next(iter(tags)) if len(tags) == 1 else SHARED for name, tags in users.items()}

    def modules(self) -> dict[str, str]:
        """Give the text of each module by its place."""
        shared = Source(SHARED, "What several groups share.")
        sources = [self._source(tag) for tag in self.found]
        shared.types = [declared(name, self.schemas[name]) for name in sorted(self._of(SHARED))]
        texts = {f"groups/{source.tag}": source.group_text(self.homes) for source in sources}
        return texts | {f"types/{source.tag}": source.types_text(self.homes) for source in (shared, *sources)}

    def _of(self, tag: str) -> list[str]:
        return [name for name, home in self.homes.items() if home == tag and name in self.schemas]

    def _source(self, tag: str) -> Source:
        source = Source(tag, self.tags[tag])
        source.types = [declared(name, self.schemas[name]) for name in sorted(self._of(tag))]
        for method, path, operation in self.found[tag]:
            Method(self, source, tag, method, path, operation).write()
        return source


class Method:
    """One operation as a method of its group."""

    def __init__(
        self, whole: Operations, source: Source, tag: str, method: str, path: str, operation: Operation
    ) -> None:
        self.whole, self.source, self.tag = whole, source, tag
        self.method, self.path, self.operation = method, path.replace(":path", ""), operation
        self.name = operation["operationId"].removeprefix(f"{tag}_")
        self.title = _camel(tag) + _camel(self.name)
        self.parts = [each["name"] for each in self._parameters("path")]
        self.query = {each["name"]: each for each in self._parameters("query")}
        self.options = {
            each["name"]: OPTIONS[each["name"]]
            for each in operation.get("parameters", ())
            if each["name"] in OPTIONS
        }

    def _parameters(self, place: str) -> list[Schema]:
        return [each for each in self.operation.get("parameters", ()) if each["in"] == place]

    def write(self) -> None:
        constant = "_" + self.name.upper()
        self._write_operation(constant)
        said = self._write_options()
        media, schema = _success(self.operation)
        body = self._body()
        arguments = ["self", *(f"{part}: str" for part in self.parts)]
        given = "{" + ", ".join(f'"{part}": {part}' for part in self.parts) + "}"
        call = f"self._connection.json({constant}, {given}, said"
        if body == "files":
            arguments.append("files: Files")
            call = f"self._connection.upload({constant}, {given}, said, files"
        elif body is not None:
            arguments.append(f"body: {body}")
            call += ", body"
        arguments.append(f"**said: Unpack[{said}]")
        returns, ending = type_of(schema, sent=False), ")"
        if media == "text/event-stream":
            call, returns = f"self._connection.events({constant}, said", "Iterator[Any]"
        elif media != "application/json":
            decoded = ".decode()" if media.startswith("text/") else ""
            call, returns, ending = (
                f"self._connection.content({constant}, {given}, said",
                "str" if decoded else "bytes",
                f"){decoded}",
            )
        told = call + ending
        result = told if media != "application/json" else f'cast("{returns}", {told})'
        self._write_method(self.name, arguments, returns, _said(self.operation["description"]), result)
        self._write_pages(constant, given, arguments, schema)

    def _write_operation(self, constant: str) -> None:
        names = tuple(name for name in self.query if name not in OPTIONS)
        takes_key = "Idempotency-Key" in self.options
        more = (f", {names!r}" if names or takes_key else "") + (", takes_key=True" if takes_key else "")
        self.source.operations.append(f'{constant} = Operation("{self.method}", "{self.path}"{more})\n')

    def _body(self) -> str | None:
        """Give the type of a body that is no object with fields of its own, which are arguments."""
        content = self.operation.get("requestBody", {}).get("content", {})
        if "multipart/form-data" in content:
            return "files"
        schema = content.get("application/json", {}).get("schema")
        if schema is None or self._fields(schema) is not None:
            return None
        return type_of(schema, sent=True).replace("list[", "Sequence[")

    def _fields(self, schema: Schema) -> str | None:
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        return name if self.whole.schemas.get(name, {}).get("type") == "object" else None

    def _write_options(self) -> str:
        """Write the TypedDict of all that may be said by name, and give its name."""
        content = self.operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        body = self._fields(content.get("schema", {}))
        fields = [
            f"    {name}: {type_of(each['schema'], sent=True)}"
            for name, each in self.query.items()
            if name not in OPTIONS
        ]
        taken = set(self.whole.schemas[body].get("properties", {})) if body else set()
        fields += [f"    {option}" for option in self.options.values() if option.split(":")[0] not in taken]
        name = f"{self.title}Said"
        base = f"{body}, total=False" if body else "TypedDict, total=False"
        inner = "\n".join(fields) or f'    """Nothing: {self.tag}.{self.name} takes no options."""'
        self.source.options.append(f"class {name}({base}):\n{inner}\n\n")
        return name

    def _write_method(self, name: str, arguments: list[str], returns: str, about: str, result: str) -> None:
        self.source.methods.append(
            f'    def {name}({", ".join(arguments)}) -> {returns}:\n        """{about}"""\n        return {result}\n'
        )

    def _write_pages(self, constant: str, given: str, arguments: list[str], schema: Schema) -> None:
        shape = self.whole.schemas.get(schema.get("$ref", "").rsplit("/", 1)[-1], {})
        if "next_cursor" not in shape.get("properties", {}):
            return
        rows = next(name for name, inner in shape["properties"].items() if inner.get("type") == "array")
        item = type_of(shape["properties"][rows]["items"], sent=False)
        item = item.removesuffix(" | None")
        self._write_method(
            "iterate" if self.name == "list" else f"iterate_{self.name}",
            arguments,
            f"Iterator[{item}]",
            "Go through all of them, page by page.",
            f'self._connection.pages({constant}, {given}, said, "{rows}")',
        )


API = '''"""The whole API as one client.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from functools import cached_property

from watchkeeper.client.calling import Connection
{imports}


class ApiClient(Connection):
    """The API of a Watchkeeper server, its operations grouped as the document groups them."""

{groups}
'''


def formatted(texts: dict[Path, str]) -> dict[Path, str]:
    """Give the texts as the formatter of this repository writes them."""
    with TemporaryDirectory() as folder:
        for path, text in texts.items():
            (Path(folder) / "_".join(path.parts[-2:])).write_text(text, encoding="utf-8")
        for command in (["check", "--fix", "--select", "I"], ["format"]):
            ruff = [
                sys.executable,
                "-m",
                "ruff",
                *command,
                "--quiet",
                "--config",
                str(ROOT / "pyproject.toml"),
            ]
            subprocess.run([*ruff, folder], check=True)
        return {
            path: (Path(folder) / "_".join(path.parts[-2:])).read_text(encoding="utf-8") for path in texts
        }


def files() -> dict[Path, str]:
    """Give the text of each file of the client that is written from the document."""
    operations = Operations(json.loads(DOCUMENT.read_text(encoding="utf-8")))
    written = {CLIENT / f"{name}.py": text for name, text in operations.modules().items()}
    tags = sorted(operations.found)
    imports = "\n".join(f"from watchkeeper.client.groups.{tag} import {_camel(tag)}Group" for tag in tags)
    groups = "\n".join(
        f"    @cached_property\n    def {tag}(self) -> {_camel(tag)}Group:\n"
        f'        """{operations.tags[tag]}"""\n        return {_camel(tag)}Group(self)\n'
        for tag in tags
    )
    text = API.format(imports=imports, groups=groups).rstrip() + "\n"
    return formatted(written | {CLIENT / "api.py": text})


if __name__ == "__main__":
    for stale in (*CLIENT.glob("groups/*.py"), *CLIENT.glob("types/*.py")):
        if stale.name != "__init__.py":
            stale.unlink()
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
