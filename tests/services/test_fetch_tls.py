"""A foreign server proves by its certificate that it is the one whose name was asked for."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.foreign_server import always, answer, fetcher, got, refused, serving
from watchkeeper.domain.evidence import GateCheck

NAME = "files.example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for NAME that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_side(certificate: Path, asked: list[str] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    if asked is not None:
        context.sni_callback = lambda _, name, __: asked.append(name)
    return context


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


async def test_the_name_is_spoken_and_the_vetted_address_dialled(certificate: Path) -> None:
    """Over TLS the server is told the name, proves it, and is reached at the address that was vetted."""
    asked: list[str] = []
    async with serving(always(answer(b"page")), tls=server_side(certificate, asked)) as server:
        asking = fetcher("127.0.0.1", names={NAME: ["127.0.0.1"]}, tls=trusting(certificate))
        fetched, body = await got(asking, f"https://{NAME}:{server.port}/")
        assert (fetched.status, body) == (200, b"page")
        assert asked == [NAME]
        assert server.requests[0].headers["host"] == f"{NAME}:{server.port}"


@pytest.mark.parametrize("host", ["other.example.org", "127.0.0.1"])
async def test_a_certificate_for_another_name_is_no_answer(certificate: Path, host: str) -> None:
    """A server that cannot prove the name, or the address, that was asked for is not listened to."""
    async with serving(always(answer(b"page")), tls=server_side(certificate)) as server:
        names = {"other.example.org": ["127.0.0.1"]}
        asking = fetcher("127.0.0.1", names=names, tls=trusting(certificate))
        error = await refused(asking, f"https://{host}:{server.port}/")
        assert error.check is GateCheck.HTTP_STATUS
        assert "certificate" in error.detail.lower()
        assert server.requests == []


async def test_a_certificate_that_nobody_vouches_for_is_no_answer(certificate: Path) -> None:
    """Without a certificate authority of the system behind it, a certificate proves nothing."""
    async with serving(always(answer(b"page")), tls=server_side(certificate)) as server:
        asking = fetcher("127.0.0.1", names={NAME: ["127.0.0.1"]})
        assert (await refused(asking, f"https://{NAME}:{server.port}/")).check is GateCheck.HTTP_STATUS


async def test_a_redirect_from_https_to_http_is_refused(certificate: Path) -> None:
    """What began encrypted does not go on in the open; the other way is followed."""
    async with serving(always(answer(b"plain"))) as plain:
        leaving = always(answer(b"", 302, location=plain.url()))
        async with serving(leaving, tls=server_side(certificate)) as server:
            asking = fetcher("127.0.0.1", names={NAME: ["127.0.0.1"]}, tls=trusting(certificate))
            error = await refused(asking, f"https://{NAME}:{server.port}/")
            assert error.check is GateCheck.REFUSED_ADDRESS
            assert plain.connections == 0
    async with serving(always(answer(b"sealed")), tls=server_side(certificate)) as server:
        asking = fetcher("127.0.0.1", names={NAME: ["127.0.0.1"]}, tls=trusting(certificate))
        entering = always(answer(b"", 301, location=f"https://{NAME}:{server.port}/"))
        async with serving(entering) as plain:
            assert (await got(asking, plain.url()))[1] == b"sealed"
