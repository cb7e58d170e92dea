"""Writes the OpenAPI document: `python -m watchkeeper.interfaces.api.openapi docs/reference/openapi.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from watchkeeper.app.whole import build
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.settings import Settings


def document() -> dict[str, Any]:
    """Give the document; asks no database."""
    home = Path("watchkeeper-home")
    return create_app(build(Settings(home=home, database_url="postgresql://nowhere"))).openapi()


def text() -> str:
    """Give the document as the file in docs/reference holds it."""
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
