"""ID tokens as an issuer makes them, with keys of each kind."""

from __future__ import annotations

import json
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from mpp.crypto.jws import encode_part
from mpp.host.oidc import IssuerKey
from mpp.model.jsontext import Json
from mpp.testing.agents import agent
from mpp.testing.packages import NOW

ISSUER_URL, AUDIENCE = "https://id.example.com", "mpp-host"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = agent("issuer")


def number(found: int, size: int) -> bytes:
    return found.to_bytes(size, "big")


def keys() -> dict[str, IssuerKey]:
    rsa_numbers, ec_numbers = RSA_KEY.public_key().public_numbers(), EC_KEY.public_key().public_numbers()
    return {
        "rsa": IssuerKey(kid="rsa", kind="RSA", parts=(number(rsa_numbers.n, 256), b"\x01\x00\x01")),
        "ec": IssuerKey(kid="ec", kind="EC", parts=(number(ec_numbers.x, 32), number(ec_numbers.y, 32))),
        "ed": IssuerKey(kid="ed", kind="OKP", parts=(ED_KEY.public_key,)),
    }


def sign_rsa(message: bytes) -> bytes:
    return RSA_KEY.sign(message, padding.PKCS1v15(), SHA256())


def sign_ec(message: bytes) -> bytes:
    one, other = decode_dss_signature(EC_KEY.sign(message, ec.ECDSA(SHA256())))
    return number(one, 32) + number(other, 32)


SIGNERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {"rsa": ("RS256", sign_rsa), "ec": ("ES256", sign_ec), "ed": ("EdDSA", ED_KEY.sign)}


def compact(header: Json, claims: Json, sign: Callable[[bytes], bytes]) -> str:
    signed = f"{encode_part(json.dumps(header).encode())}.{encode_part(json.dumps(claims).encode())}"
    return f"{signed}.{encode_part(sign(signed.encode()))}"


def claims_of(name: str, public: bytes, **changes: Json) -> dict[str, Json]:
    claims: dict[str, Json] = {
        "iss": ISSUER_URL, "aud": AUDIENCE, "sub": name, "iat": NOW, "exp": NOW + 300, "cnf": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode_part(public)}},
        "email": "somebody@example.com", "auth_time": 1.5,
    }  # fmt: skip
    return {key: item for key, item in {**claims, **changes}.items() if item is not None}


def id_token(name: str, public: bytes, *, by: str = "ed", header: dict[str, Json] | None = None, **changes: Json) -> str:
    algorithm, sign = SIGNERS[by]
    whole: dict[str, Json] = {"alg": algorithm, "kid": by, "typ": "JWT", **(header or {})}
    return compact({key: item for key, item in whole.items() if item is not None}, claims_of(name, public, **changes), sign)
