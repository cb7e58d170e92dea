"""Names of audit rows: a place in the total order, sealed, since its numbers are those of all projects together."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from typing import Any

from watchkeeper.domain.errors import UsageError

PLACE = struct.Struct(">iQq")
NONCE_BYTES = 12
MOST_CHARS = 100


class RowNames:
    """Seals and opens places, for one project and one key.

    A row has one name for as long as the key lives: the nonce follows from the place (as in RFC 5297).
    """

    def __init__(self, secret: bytes, project_id: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._key = hashlib.sha256(b"watchkeeper audit row names\n" + secret).digest()
        self._cipher = AESGCM(self._key)
        self._project = project_id.encode()

    def name(self, row: dict[str, Any]) -> str:
        """Give the name of a row that has its place (`timeline`, `xid`, `seq`)."""
        place = PLACE.pack(row["timeline"], int(row["xid"]), row["seq"])
        nonce = hmac.digest(self._key, self._project + b"\n" + place, "sha256")[:NONCE_BYTES]
        sealed = nonce + self._cipher.encrypt(nonce, place, self._project)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def place(self, name: str) -> dict[str, Any]:
        """Give the place that a name stands for; raise UsageError for a name that none was given."""
        from cryptography.exceptions import InvalidTag

        try:
            sealed = base64.urlsafe_b64decode(name[:MOST_CHARS].encode("ascii") + b"=" * (-len(name) % 4))
            opened = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._project)
            timeline, xid, seq = PLACE.unpack(opened)
        except (ValueError, binascii.Error, InvalidTag, struct.error):
            raise UsageError(
                "the cursor is none that a page gave", hint="List from the begin again."
            ) from None
        return {"timeline": timeline, "xid": str(xid), "seq": seq}
