"""File names that agents give: what is let in, and in which one form."""

from __future__ import annotations

import unicodedata

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.suggestions import shown

MAX_NAME_BYTES = 1024
MAX_NAME_PART_BYTES = 255
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_storable(text: str) -> bool:
    """Say whether the database can keep this text: no NUL, nothing that is not Unicode."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def checked_name(text: object) -> str:
    """Bring a file's name to its one form: relative, with '/', in Unicode's composed form.

    Raises UsageError for a name that leaves its folder, cannot be shown, or is too long.
    """
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f"a file name is non-empty text, not {shown(text)}")
    if any(unicodedata.category(char) in ("Cc", "Cs") or char in _REORDERING for char in text):
        raise UsageError(f"the file name {shown(text)} has characters that cannot be stored or shown safely")
    name = unicodedata.normalize("NFC", text).replace("\\", "/")
    if name.startswith("/") or name[1:3] == ":/":
        raise UsageError(f"the file name {shown(text)} is absolute; give it relative to the workspace")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UsageError(f"the file name {shown(text)} leaves the workspace")
    if not parts:
        raise UsageError(f"the file name {shown(text)} names no file")
    name = "/".join(parts)
    too_long = max(len(part.encode()) for part in parts) > MAX_NAME_PART_BYTES
    if too_long or len(name.encode()) > MAX_NAME_BYTES:
        raise UsageError(
            f"the file name {shown(text)} is too long",
            hint=f"At most {MAX_NAME_PART_BYTES} bytes a part and {MAX_NAME_BYTES} in all.",
        )
    return name
