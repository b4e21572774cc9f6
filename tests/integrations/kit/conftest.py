"""A scripted store, a session that talks to it, and certificates for it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import CallRecord, PlatformSession
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ssrf import AddressGuard
from integrations.platform import RateLimit
from tests.integrations.kit.server import Script, ScriptedStore

PLENTY = {"default": RateLimit(rate=1000, burst=1000)}


@pytest.fixture
def store() -> Iterator[Callable[..., ScriptedStore]]:
    """Makes stores: ``store(script, script, …)``; the last script goes on."""
    stores: list[ScriptedStore] = []

    def make(*scripts: Script | bytes, tls: ssl.SSLContext | None = None) -> ScriptedStore:
        stores.append(ScriptedStore(list(scripts), tls=tls))
        return stores[-1]

    yield make
    for made in stores:
        made.close()


@dataclass
class Desk:
    """A session and what was noted around it: calls and sleeps."""

    session: PlatformSession
    records: list[CallRecord]
    naps: list[float]


@pytest.fixture
def desk() -> Iterator[Callable[..., Desk]]:
    """Makes sessions for a store or an address. Sleeps are noted instead of slept."""
    sessions: list[PlatformSession] = []

    def make(where: ScriptedStore | str, **options: Any) -> Desk:
        records: list[CallRecord] = []
        naps: list[float] = []
        session = PlatformSession(
            where if isinstance(where, str) else where.url,
            **{
                "limiter": MemoryLimiter(PLENTY),
                "breaker": MemoryBreaker(),
                "guard": AddressGuard(allow_loopback_http=True),
                "observe": records.append,
                "sleep": naps.append,
                "store_id": "s1",
                **options,
            },
        )
        sessions.append(session)
        return Desk(session, records, naps)

    yield make
    for session in sessions:
        session.close()


@dataclass
class Authority:
    """A private certificate authority whose root lies in ``bundle``."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def __post_init__(self) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Root")])
        now = datetime.now(UTC)
        root = (
            self._builder(self.name, self.key, now - timedelta(days=1), now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.bundle = self.folder / "root.pem"
        self.bundle.write_bytes(root.public_bytes(serialization.Encoding.PEM))

    def server(self, host: str, *, expired: bool = False, own: bool = False) -> ssl.SSLContext:
        """A server's TLS context with a certificate for ``host``; ``own``: signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        end = now - timedelta(hours=1) if expired else now + timedelta(hours=1)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        builder = self._builder(subject, key, now - timedelta(hours=20), end).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        if own:
            certificate = builder.issuer_name(subject).sign(key, hashes.SHA256())
        else:
            certificate = builder.issuer_name(self.name).sign(self.key, hashes.SHA256())
        path = self.folder / f"{host}-{expired}-{own}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )
        return builder.issuer_name(self.name) if subject == self.name else builder


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)
