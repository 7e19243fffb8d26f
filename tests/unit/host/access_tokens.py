"""A file of issuers, and access tokens as one of them makes them, with keys of each kind."""

from __future__ import annotations

import json
from pathlib import Path

from mpp.host.oidc import key_row
from mpp.model.jsontext import Json
from mpp.testing.packages import NOW
from tests.unit.host.id_tokens import SIGNERS, compact, keys

RESOURCE, ISSUER_URL = "https://mpp.example.com/mcp", "https://id.example.com"
CONFIG = f"""
resource = "{RESOURCE}"
scopes = ["mcp:tools"]

[[issuer]]
issuer = "{ISSUER_URL}"
jwks = "jwks.json"
tenant = "acme"
may_name = "acme/*"
"""


def jwks(*names: str) -> bytes:
    rows: list[Json] = [{**key_row(key), "use": "sig"} for name, key in keys().items() if name in names]
    return json.dumps({"keys": rows}).encode()


def write_config(folder: Path) -> Path:
    """The file of issuers in that folder."""
    folder.chmod(0o700)
    (folder / "jwks.json").write_bytes(jwks("rsa", "ec", "ed"))
    path = folder / "oauth.toml"
    path.write_text(CONFIG)
    return path


def access(*, by: str = "ed", header: dict[str, Json] | None = None, **changes: Json) -> str:
    algorithm, sign = SIGNERS[by]
    whole: dict[str, Json] = {"alg": algorithm, "kid": by, "typ": "at+jwt", **(header or {})}
    claims: dict[str, Json] = {
        "iss": ISSUER_URL, "aud": RESOURCE, "sub": "ada@example.com", "client_id": "acme/bot", "iat": NOW, "exp": NOW + 300, "scope": "openid mcp:tools",
        "jti": "x", "roles": ["a"],
    }  # fmt: skip
    claims = {key: item for key, item in {**claims, **changes}.items() if item is not None}
    return compact({key: item for key, item in whole.items() if item is not None}, claims, sign)
