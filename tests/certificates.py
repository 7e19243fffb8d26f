"""Certificates for servers on this machine, made for one test. Strict clients take them, too: those of Python 3.13 ask for key identifiers."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


class Pair(NamedTuple):
    cert: Path
    key: Path


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """A key, and its certificate that it signed itself: a client that is given it as its authority believes what it signs, and itself."""

    def __init__(self, title: str = "Test authority", names: tuple[str, ...] = ()) -> None:
        self.key = new_key()
        self.title = title
        self.certificate = self._signed(title, self.key, names, is_authority=True)

    def sign(self, title: str, key: ec.EllipticCurvePrivateKey, names: tuple[str, ...]) -> x509.Certificate:
        """For a server that is known by these names and on loopback."""
        return self._signed(title, key, names, is_authority=False)

    def _signed(self, title: str, key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], *, is_authority: bool) -> x509.Certificate:
        now, public = dt.datetime.now(dt.UTC), key.public_key()
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"), False
        )
        made = (
            x509.CertificateBuilder().subject_name(_name(title)).issuer_name(_name(self.title)).public_key(public).serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=is_authority, **usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )  # fmt: skip
        if names:
            places = [*map(x509.DNSName, names), x509.IPAddress(ipaddress.ip_address(LOOPBACK))]
            made = made.add_extension(x509.SubjectAlternativeName(places), critical=False)
        return made.sign(self.key, hashes.SHA256())


def _name(title: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def make_pair(folder: Path, name: str = "localhost") -> Pair:
    """Files of a certificate that is its own authority, and of its key."""
    made, found = Authority(name, (name,)), Pair(folder / f"{name}.pem", folder / f"{name}.key")
    found.cert.write_bytes(pem(made.certificate))
    found.key.write_bytes(private_pem(made.key))
    return found
