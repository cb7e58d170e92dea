"""Keep the console's catalogues: each family of pages has one .po file for each language.

`python scripts/console_words.py` adds the texts that no catalogue has, takes out those that nothing uses, and names
what has no translation yet. `python scripts/console_words.py FILE` takes Chinese for those from a file: a line for each
text with English (of a plural the first form), a tab, Chinese.

A new text goes to the catalogue of the family whose template or module uses it. English says it as it is written;
Chinese is left empty until somebody writes it, and the tests fail until then.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import cast

from babel.messages.extract import extract_from_file
from babel.messages.pofile import normalize, read_po
from jinja2.ext import babel_extract

from watchkeeper.interfaces import console
from watchkeeper.interfaces.console.families import FAMILIES
from watchkeeper.interfaces.console.i18n import LANGUAGES

PACKAGE = Path(console.__file__).parent
GROUND = "ground"
"""The catalogue of what belongs to no family, or to several."""

HEADER = {
    code: (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Language: {code}\\n"\n"Plural-Forms: {plural}\\n"\n'
    )
    for code, plural in (("en", "nplurals=2; plural=(n != 1);"), ("zh_Hant", "nplurals=1; plural=0;"))
}

Message = str | tuple[str, ...]


def family_of(path: Path) -> str:
    """Give the family that a template or module belongs to: the name of its folder, or of itself, under its kind's."""
    kind, *rest = path.relative_to(PACKAGE).parts
    names = {family.name for family in FAMILIES}
    if kind == "acts":
        return kind
    if kind in ("templates", "pages") and (rest[0].removesuffix(".py")) in names:
        return rest[0].removesuffix(".py")
    return GROUND


def used() -> dict[Message, set[str]]:
    """Give every text that templates and code mark for translation, with the families that use it."""
    found: dict[Message, set[str]] = defaultdict(set)
    options = {"trimmed": "true", "silent": "false"}
    for path in sorted(PACKAGE.rglob("*.html")):
        for _, text, _, _ in extract_from_file(babel_extract, str(path), options=options):
            found[text].add(family_of(path))
    for path in sorted(PACKAGE.rglob("*.py")):
        for _, text, _, _ in extract_from_file("python", str(path), keywords={"message": None}):
            found[text].add(family_of(path))
    return found


def update(code: str, given: dict[str, str]) -> list[Message]:
    """Bring the catalogues of a language up to date; give the texts that still lack a translation."""
    texts = used()
    folder = PACKAGE / "locale" / code
    known: dict[Message, tuple[str, object]] = {}
    for path in sorted(folder.glob("*.po"), key=lambda path: path.stem != GROUND):
        with path.open("rb") as file:
            entries = {key(entry.id): entry.string for entry in read_po(file, locale=code) if entry.id}
        # The translation that somebody wrote counts, wherever it stands.
        known |= {
            text: (path.stem, string)
            for text, string in entries.items()
            if known.get(text, ("", ""))[1] in ("", string)
        }
    placed: dict[str, dict[Message, object]] = defaultdict(dict)
    for text, users in texts.items():
        family, string = known.get(text, ("", text if code == "en" else ""))
        said = given.get(text if isinstance(text, str) else text[0])
        if said is not None and not (string if isinstance(string, str) else any(cast("list[str]", string))):
            string = said if isinstance(text, str) else (said,)
        placed[family if family in {GROUND, *users} else home(users)][text] = string
    for path in folder.glob("*.po"):
        path.unlink()
    for family, entries in placed.items():
        (folder / f"{family}.po").write_text(
            HEADER[code] + "".join(dumped(*one) for one in sorted(entries.items(), key=str)), "utf-8"
        )
    return [text for text in texts if not all(strings(placed, text))]


def home(families: set[str]) -> str:
    return next(iter(families)) if len(families) == 1 else GROUND


def key(identity: object) -> Message:
    return tuple(identity) if isinstance(identity, (list, tuple)) else str(identity)


def strings(placed: dict[str, dict[Message, object]], text: Message) -> list[object]:
    string = next(entries[text] for entries in placed.values() if text in entries)
    return list(string) if isinstance(string, (list, tuple)) else [string]


def dumped(text: Message, string: object) -> str:
    """Give one entry as a .po file has it."""
    flag = "#, python-format\n" if "%(" in str(text) else ""
    if isinstance(text, str):
        return f"\n{flag}msgid {normalize(text, width=0)}\nmsgstr {normalize(str(string or ''), width=0)}\n"
    forms = string if isinstance(string, (list, tuple)) else [string or ""]
    one = "".join(f"msgstr[{n}] {normalize(str(form), width=0)}\n" for n, form in enumerate(forms))
    return f"\n{flag}msgid {normalize(text[0], width=0)}\nmsgid_plural {normalize(text[1], width=0)}\n{one}"


def main() -> int:
    lines = Path(sys.argv[1]).read_text("utf-8").splitlines() if sys.argv[1:] else []
    chinese = dict(line.split("\t", 1) for line in lines if "\t" in line)
    lacking = [(code, text) for code in LANGUAGES for text in update(code, {} if code == "en" else chinese)]
    for code, text in lacking:
        sys.stdout.write(f"{code}: no translation yet: {text!r}\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
