"""Reads the text of a config document, YAML or TOML, into values with their places; what they mean is the domain's."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.placed import DocumentRefused, Place, Placed, Problem

MAX_BYTES = 262_144
YAML_ENDINGS = (".yaml", ".yml")


def read_file(path: Path) -> Placed:
    """Read a document; its name says which form it has: `.yaml` or `.yml`, anything else is TOML.

    Raises SettingError for a file that cannot be read, DocumentRefused for a text that is none.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingError(f"the config {path} cannot be read: {error.strerror}") from error
    return read_text(content, str(path))


def read_text(content: bytes, name: str) -> Placed:
    """Read the content of a file of that name; raise DocumentRefused with every place that is wrong."""
    if len(content) > MAX_BYTES:
        problem = Problem(Place(1, 1), "", f"a document has at most {MAX_BYTES:,} bytes")
        raise DocumentRefused(name, [problem])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise DocumentRefused(name, [Problem(Place(line, column), "", "this is no UTF-8")]) from None
    # The reader of YAML is large, and most processes meet no YAML.
    if name.endswith(YAML_ENDINGS):
        from watchkeeper.documents.yaml_text import read_yaml as read
    else:
        from watchkeeper.documents.toml_text import read_toml as read
    return read(text, name)
