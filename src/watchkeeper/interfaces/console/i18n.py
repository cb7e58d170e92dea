"""Languages: the catalogues, one for each family of pages, merged and compiled in memory; and the choice of one."""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from babel import Locale
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

DEFAULT = "en"
LANGUAGES: dict[str, str] = {"en": "English", "zh_Hant": "繁體中文"}
"""Code and own name of each language; every one has a catalogue."""

LANGUAGE_COOKIE = "watchkeeper_language"


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the console: `tag` is what HTML calls it."""

    code: str
    name: str
    tag: str
    locale: Locale
    translations: gettext.NullTranslations


def message(text: str) -> str:
    """Mark a text for translation where it is written; it is translated where it is shown."""
    return text


def load(code: str) -> Language:
    """Read the catalogues of one language as one; raise FileNotFoundError where the package has none."""
    whole = Catalog(locale=code)
    for _, catalogue in catalogues(code):
        for entry in catalogue:
            if entry.id:
                whole[entry.id] = entry
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    tag = code.replace("_", "-")
    return Language(code, LANGUAGES[code], tag, Locale.parse(code), gettext.GNUTranslations(compiled))


def catalogues(code: str) -> Iterator[tuple[str, Catalog]]:
    """Give each family's catalogue of a language, by the family's name."""
    for source in (resources.files(__package__) / "locale" / code).iterdir():
        family, _, kind = source.name.rpartition(".")
        if kind == "po":
            yield family, read_po(io.BytesIO(source.read_bytes()), locale=code)


def load_all() -> dict[str, Language]:
    return {code: load(code) for code in LANGUAGES}


def choose(cookies: Mapping[str, str], accept: str | None) -> str:
    """Give the code of the language to answer in: the reader's own choice, else what the browser prefers."""
    if (chosen := cookies.get(LANGUAGE_COOKIE)) in LANGUAGES:
        return str(chosen)
    for tag in _by_quality(accept or ""):
        primary = tag.partition("-")[0]
        if primary == "zh":
            # A reader of Simplified Chinese is served better by Traditional than by English.
            return "zh_Hant"
        if primary in LANGUAGES:
            return primary
    return DEFAULT


def _by_quality(accept: str) -> list[str]:
    """Order the tags of an Accept-Language header (RFC 9110, 12.5.4); what cannot be read is left out."""
    weighted = []
    for part in accept[:500].split(","):
        tag, _, parameter = part.strip().lower().partition(";")
        weight = parameter.strip().removeprefix("q=") or "1"
        try:
            quality = float(weight)
        except ValueError:
            continue
        if tag and quality > 0:
            weighted.append((quality, tag.strip()))
    return [tag for _, tag in sorted(weighted, key=lambda one: -one[0])]
