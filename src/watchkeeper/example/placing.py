"""Puts the example's commands where the user that agents run as can read them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

COMMANDS = Path(__file__).parent / "commands"
ENTRY = "import sys\n\nfrom commands.run import main\n\nsys.exit(main())\n"


def place_commands(place: Path) -> Path:
    """Copy the commands below `place`, unless this very version stands there; give what `python3` runs."""
    sources = sorted(COMMANDS.glob("*.py"))
    seal = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    target = place / f"example-{seal}"
    if target.exists():
        return target
    fresh = Path(tempfile.mkdtemp(prefix=".example-", dir=place))
    try:
        (fresh / "commands").mkdir()
        for path in sources:
            shutil.copyfile(path, fresh / "commands" / path.name)
        (fresh / "__main__.py").write_text(ENTRY, encoding="utf-8")
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def remove_commands(place: Path) -> None:
    """Remove every version of the commands that was copied below `place`."""
    for copied in place.glob("example-" + 12 * "[0-9a-f]"):
        shutil.rmtree(copied)
