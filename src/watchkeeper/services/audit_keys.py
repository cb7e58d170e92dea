"""The keys of the audit chain: the one that signs, in a file outside the database, and those that are trusted.

The library that signs is imported where it is used: its 6 MB are for those who seal or verify, not for every worker.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper.domain.errors import SettingError
from watchkeeper.services.private_files import new_private_file
from watchkeeper.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ID_LENGTH = 32


@dataclass(frozen=True, slots=True)
class AuditFiles:
    """What the audit chain keeps outside the database: its key, the keys it trusts, its anchor, its archives."""

    key: Path
    trusted: Path
    anchor: Path
    archive: Path
    verified: Path

    @classmethod
    def of(cls, settings: Settings) -> AuditFiles:
        home = settings.home
        return cls(
            settings.audit_key_file or home / "audit-key",
            home / "audit-keys.pub",
            settings.audit_anchor_file or home / "audit-anchor.jsonl",
            home / "audit-archive",
            home / "audit-verified.json",
        )


class SigningKey:
    """An Ed25519 key. Its id is the begin of the SHA-256 of its public half, in hex."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self.id = key_id(self.public)

    def sign(self, tag: bytes, digest: bytes) -> bytes:
        return self._private.sign(tag + digest)


def key_id(public: bytes) -> str:
    return sha256(public).hexdigest()[:ID_LENGTH]


def read_key(path: Path) -> SigningKey | None:
    """Read a private key (PEM); None where there is no such file.

    Raises SettingError for a file that cannot be read, or holds something else; never shows what it holds.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if path.stat().st_mode & 0o077:
            raise SettingError(f"the audit key {path} is open to other users", hint=f"chmod 600 {path}")
        private = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingError(f"the audit key {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError):
        raise SettingError(f"{path} does not hold a private key in PEM") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise SettingError(f"{path} holds a key of another kind; it must be Ed25519")
    return SigningKey(private)


def read_or_make_key(files: AuditFiles) -> SigningKey:
    """Give the home's key, made and trusted now where there is none; two that make it at once get the same."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if (key := read_key(files.key)) is None:
        private = Ed25519PrivateKey.generate()
        _publish(
            files.key, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), os.getpid()
        )
        key = read_key(files.key)
        if key is None:
            raise SettingError(f"the audit key {files.key} went away")
    if key.public not in read_public_keys(files.trusted):
        line = f"{key.id} {base64.b64encode(key.public).decode()}\n"
        append_line(files.trusted, line.encode())
    return key


class TrustedKeys:
    """The public keys whose signatures count. One line of `audit-keys.pub` each: id, key in base64, remark."""

    def __init__(self, public: Iterable[bytes]) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        self._keys = {key_id(each): Ed25519PublicKey.from_public_bytes(each) for each in public}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def signed(self, key: str, signature: bytes, tag: bytes, digest: bytes) -> bool:
        """Say whether a trusted key of this id has signed."""
        from cryptography.exceptions import InvalidSignature

        public = self._keys.get(key)
        if public is None:
            return False
        try:
            public.verify(signature, tag + digest)
        except InvalidSignature:
            return False
        return True


def trusted_keys(files: AuditFiles) -> TrustedKeys:
    """Give the keys of `audit-keys.pub`, and the home's own."""
    own = read_key(files.key)
    return TrustedKeys([*read_public_keys(files.trusted), *([own.public] if own is not None else [])])


def read_public_keys(path: Path) -> list[bytes]:
    """Read a file of public keys, none where there is no file; raise SettingError for a line that is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} cannot be read: {error}") from error
    return [
        _public(line, path, number)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("#")
    ]


def append_line(path: Path, line: bytes) -> None:
    """Append to a file so that it is on the disk; a torn last line, of a crash, is ended first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(path: Path, content: bytes, nonce: int) -> None:
    """Put a secret file in place, whole, for this user only; leaves one alone that is there."""
    fresh = path.with_name(f"{path.name}.{nonce}")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh.unlink(missing_ok=True)
    with new_private_file(fresh) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):  # another made it meanwhile; that one holds
        os.link(fresh, path)
    fresh.unlink()


def _public(line: str, path: Path, number: int) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        given, encoded = line.split()[:2]
        public = base64.b64decode(encoded, validate=True)
        Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        raise SettingError(f"line {number} of {path} is no public key") from None
    if given != key_id(public):
        raise SettingError(f"line {number} of {path} names key {given[:40]}, but its key has another id")
    return public
