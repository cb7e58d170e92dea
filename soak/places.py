"""Where a fault's database is, by which ways it is reached, and how its server is started again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass(frozen=True, slots=True)
class Place:
    """One empty database and a directory; `restart` brings the server down at once, and up again."""

    url: str
    admin_url: str
    scratch: Path
    restart: Callable[[], None]

    @property
    def socket(self) -> Path:
        """Give the socket that the server listens on."""
        parts = conninfo_to_dict(self.url)
        return Path(str(parts["host"])) / f".s.PGSQL.{parts.get('port') or 5432}"

    def url_by(self, directory: Path) -> str:
        """Give the address by a socket in another directory."""
        return make_conninfo(self.url, host=str(directory))
