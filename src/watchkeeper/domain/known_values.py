"""Which values of an environment or of a key file are secrets that a redactor shall know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from watchkeeper.domain.addresses import without_password
from watchkeeper.domain.secret_assignments import names_a_secret

_NOT_THE_SECRET = (
    "_FILE",
    "_PATH",
    "_DIR",
    "_URL",
    "_URI",
    "_NAME",
    "_ENDPOINT",
    "_TYPE",
    "_ALGORITHM",
    "_SOCK",
)
"""Ends of names of what leads to a secret or describes one: DB_PASSWORD_FILE holds a path."""


_KEY = re.compile(r"(?:^|_)(?:KEY|AUTH)$")


def secret_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that hold a secret, by their name or as a URL with a password, and what is secret in each."""
    found = {}
    for name, value in environ.items():
        if (password := without_password(value)[1]) is not None:
            found[name] = password
        elif names_a_secret(name) and not name.upper().endswith(_NOT_THE_SECRET) and value.strip():
            found[name] = value.strip()
    return found


def secrets_passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the same of variables that are given to agents by name: there a `..._KEY` is no fingerprint but a key."""
    named = {
        name: value.strip() for name, value in environ.items() if _KEY.search(name.upper()) and value.strip()
    }
    return {**named, **secret_variables(environ)}


def secrets_of_text(text: str) -> Iterator[str]:
    """Give what of a secret file's text is to be known: all of it, and each line of a key's body."""
    text = text.strip()
    yield text
    lines = text.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if not line.startswith("-----"))
