"""Agents, users and organisations with fixed keys, and what they sign: sound, or with one thing changed."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping

from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.model.jsontext import Json
from mpp.stages.policy import CallFacts, make_delegation, make_proof
from mpp.stages.policy.signed_text import write_signed
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW

JTI = "0123456789abcdef" * 2
HOST = fixed_signer("host")
HOST_ID = key_id(HOST.public_key)
FACTS = CallFacts(audience=HOST_ID, tool="lookup", publisher_id="a" * 64, package_id="com.example.crm", argument_sha256="b" * 64)


def agent(name: str) -> SeedSigner:
    """The key of an agent, a user or an organisation of that name."""
    return fixed_signer(f"agent {name}")


def keys_of(*names: str) -> dict[str, bytes]:
    return {key_id(agent(name).public_key): agent(name).public_key for name in names}


class Known:
    """The keys that a host knows: ``kind:name`` to the names whose keys they are."""

    def __init__(self, **known: tuple[str, ...]) -> None:
        self._known = {"agent:planner": ("planner",), "user:ada": ("ada",), **{name.replace("_", ":", 1): keys for name, keys in known.items()}}

    def __call__(self, kind: str, name: str) -> Mapping[str, bytes] | None:
        found = self._known.get(f"{kind}:{name}")
        return None if found is None else keys_of(*found)


def proof(name: str = "planner", facts: CallFacts = FACTS, *, by: str = "", jti: str = JTI, now: int = NOW, user: str = "", links: tuple[bytes, ...] = (),
          with_key: bool = False) -> bytes:  # fmt: skip
    return make_proof(name, facts, agent(by or name), jti=jti, now=now, user=user, delegation=links, with_key=with_key)


def link(
    of: str, kind: str, name: str, *, parent: bytes = b"", depth: int = 0, by: str = "", key: str = "", start: int = NOW - 10, end: int = NOW + 1000
) -> bytes:  # fmt: skip
    """``of`` acts for ``name``, who signs it."""
    return make_delegation(
        agent(by or name), of=of, of_public=agent(key or of).public_key, kind=kind, name=name, not_before=start, not_after=end, max_depth=depth, parent=parent
    )  # fmt: skip


def body_of(document: bytes) -> dict[str, Json]:
    """What stands in a signed document."""
    found: dict[str, Json] = json.loads(b64decode(json.loads(document)["payload"]))
    return found


def resigned(document: bytes, by: SeedSigner, **changes: Json) -> bytes:
    """The document with some keys changed (None removes) and a sound signature over that."""
    body = {**body_of(document), **changes}
    kind: str = json.loads(document)["payloadType"]
    return write_signed(kind, {key: item for key, item in body.items() if item is not None}, by)
