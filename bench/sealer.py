"""The sealing duty alone, as a process: `python -m bench.sealer URL HOME`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from watchkeeper import logs
from watchkeeper.app.whole import build
from watchkeeper.services.duties import Duties
from watchkeeper.settings import Settings


async def main(url: str, home: Path) -> None:
    """Seal until ended."""
    logs.configure(level="error", form="text", redact=str)
    app = build(Settings(home=home, database_url=url))
    await app.database.open()
    await app.audit_sealer.run_once()
    print("ready", flush=True)
    Duties(app.audit_sealer.duty()).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
