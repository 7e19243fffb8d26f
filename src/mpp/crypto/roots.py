"""Root documents: who may sign for a publisher, and how that changes. Spec: spec/keys.md section 4.

One mechanism for publishers, registries and fleet policy. A chain holds versions 1..n; version n+1 is
signed by a threshold of n and of n+1; the newest alone decides. The SHA-256 of version 1 is the identity.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Literal

from mpp.crypto import base64text
from mpp.crypto.ed25519 import KEY_ID, PUBLIC_BYTES, key_id, valid_public
from mpp.crypto.envelope import Signature, read_signatures, signed_bytes, verify_all
from mpp.errors import Refused
from mpp.limits import ROOT_VERSIONS_MAX, SIGNERS_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.hiddentext import hidden_in
from mpp.model.jsontext import Json, canonical, read_canonical
from mpp.model.value import value
from mpp.ports import Signer

ROOT_TYPE = "application/vnd.mpp.root+json"
RoleName = Literal["root", "release", "publish-approve"]
ROLES: tuple[RoleName, ...] = ("root", "release", "publish-approve")
NAME_MAX = 100
"""Characters of a publisher's name. Reason: it is shown on one line of a question."""

REASON_MAX = 200
"""Characters of the reason of a revocation. Reason: it is shown on two lines at most."""

_ODD_SPACE = re.compile("^ | $|  |[\t\n\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
# A fixed table, as for hidden characters: what a library calls a space would differ from host to host.

DIGESTS_KNOWN_MAX = 256
"""Documents whose digest is remembered. Reason: a host knows tens of publishers, each call names one several times, and a document has a kilobyte."""

KEY_FORM = "the 64 hex digits of a SHA-256"


@value
class Role:
    keys: tuple[str, ...]
    threshold: int


@value
class Revoked:
    """A key that was removed because it may be in wrong hands."""

    key: str
    reason: str


@lru_cache(DIGESTS_KNOWN_MAX)
def _digest(signed: bytes) -> str:
    return sha256(signed).hexdigest()


@value
class Root:
    """One version, as parsed; ``signed`` is its canonical form."""

    signed: bytes
    version: int
    name: str
    keys: Mapping[str, bytes]
    roles: Mapping[str, Role]
    revoked: tuple[Revoked, ...]
    signatures: tuple[Signature, ...]

    @property
    def digest(self) -> str:
        return _digest(self.signed)

    def role(self, name: RoleName) -> Role:
        return self.roles.get(name, Role(keys=(), threshold=1))


@value
class RootChain:
    """Versions 1..n, every step verified; only ``read_chain`` and ``extend`` make one."""

    roots: tuple[Root, ...]
    data: bytes

    @property
    def publisher_id(self) -> str:
        return self.roots[0].digest

    @property
    def newest(self) -> Root:
        return self.roots[-1]

    def begins_with(self, other: RootChain) -> bool:
        """Is ``other`` a prefix of this chain?"""
        return [root.digest for root in other.roots] == [root.digest for root in self.roots[: len(other.roots)]]


def read_chain(data: bytes, *, where: str) -> RootChain:
    """Parse and verify ``publisher.json``: complete from version 1, each step doubly signed."""
    faults = Faults("signature")
    fields = Fields(read_canonical(data, family="signature", where=where), where, faults)
    roots = fields.each("roots", lambda item, at: _read_entry(Fields(item, at, faults)), most=ROOT_VERSIONS_MAX, required=True, least=1)
    fields.end()
    faults.stop()
    return _verified(roots, data, where)


@contextlib.contextmanager
def named_by_hand() -> Iterator[None]:
    """Faults of root documents and trust documents that a person named are the trust family's: no package is to blame."""
    try:
        yield
    except Refused as fault:
        if fault.code.startswith("trust."):
            raise
        code = "trust.length" if fault.code == "size.input" else "trust.roots"
        raise Refused.of(tuple(one._replace(code=code) for one in fault.faults)) from None


def _verified(roots: tuple[Root, ...], data: bytes, where: str) -> RootChain:
    # Spec: keys K-33. Versions are 1, 2, 3 … without a gap.
    if [root.version for root in roots] != list(range(1, len(roots) + 1)):
        raise Refused("signature.root_versions", "the root versions are not 1, 2, 3 and so on", where=where, hint="get the complete publisher.json")
    gone: set[str] = set()
    for before, root in zip((None, *roots), roots, strict=False):
        _never_back(root, gone, where)
        # Spec: keys K-34. Signed by a threshold of the version before and of itself, by nobody else.
        allowed = dict(before.keys if before else {}) | dict(root.keys)
        at = f"{where}: version {root.version}"
        _require(root, root.role("root"), at)
        root_keys = set(root.role("root").keys)
        if before is not None:
            _require(root, before.role("root"), at)
            root_keys |= set(before.role("root").keys)
        if any(one.key not in root_keys for one in root.signatures):
            raise Refused("signature.root_signer", "a root version is signed by a key that is no root key", where=at, hint="remove that signature")
        verify_all(ROOT_TYPE, root.signed, root.signatures, allowed, at)
    return RootChain(roots=roots, data=data)


def _never_back(root: Root, gone: set[str], where: str) -> None:
    """Spec: keys K-82. ``gone`` gathers what the versions so far have revoked.

    Attack: a thief of the root key, or a slip, makes a stolen key good again for everybody who refused it.
    """
    if not gone.isdisjoint(root.keys):
        at = f"{where}: version {root.version}"
        raise Refused("signature.root_revoked", "a root version brings back a key that an earlier one revoked", where=at, hint="make a new key instead")
    gone.update(one.key for one in root.revoked)


def _require(root: Root, role: Role, where: str) -> None:
    signed = sum(one.key in role.keys for one in root.signatures)
    if signed < role.threshold:
        raise Refused(
            "signature.root_threshold", f"a root version has {signed} of {role.threshold} signatures", where=where, hint="have the missing root keys sign it"
        )


def _read_entry(fields: Fields) -> Root:
    signed = fields.object("signed")
    body = signed if signed is not None else Fields({}, fields.where, Faults("signature"))
    keys = _read_keys(body)
    root = Root(
        signed=canonical(body.found),
        version=body.number("version", least=1, most=ROOT_VERSIONS_MAX),
        name=_plain_text(body, "name", NAME_MAX),
        keys=keys,
        roles=_read_roles(body, keys),
        revoked=body.each("revoked", lambda item, at: _read_revoked(Fields(item, at, fields.faults)), most=SIGNERS_MAX * ROOT_VERSIONS_MAX),
        signatures=read_signatures(fields, "key"),
    )
    # Attack: of two entries about one key, readers could take one or the other.
    if len({one.key for one in root.revoked}) != len(root.revoked):
        fields.faults.add("duplicate", body.path("revoked"), "names a key twice", "keep one entry for each key")
    # Attack: a revoked key that stays in a role would still sign.
    if any(one.key in keys for one in root.revoked):
        fields.faults.add("root_role", body.path("revoked"), "names a key that the same version still holds", "take the key out of 'keys' and 'roles'")
    body.one_of("type", ("mpp-root-1",))
    body.end()
    fields.end()
    return root


def _read_keys(body: Fields) -> dict[str, bytes]:
    """Every key stands under its own id and is a sound point. Spec: keys K-31."""
    found: dict[str, bytes] = {}
    listed = body.object("keys")
    for name, item in listed.found.items() if listed else ():
        key = Fields(item, f"{body.path('keys')}/{name}", body.faults)
        key.one_of("alg", ("ed25519",))
        public = base64text.read_field(key, "public", PUBLIC_BYTES, PUBLIC_BYTES)
        key.end()
        if key_id(public) != name or not valid_public(public):
            body.faults.add("root_key", key.where, "is not a sound Ed25519 key under its own id", "make keys with `mpp keygen`")
        found[name] = public
    if len(found) > SIGNERS_MAX:
        body.faults.add("length", body.path("keys"), f"at most {SIGNERS_MAX} keys", "remove keys")
    return found


def _read_roles(body: Fields, keys: Mapping[str, bytes]) -> dict[str, Role]:
    roles: dict[str, Role] = {}
    listed = body.object("roles")
    for name in ROLES:
        fields = listed.object(name, required=name != "publish-approve") if listed else None
        if fields is None:
            continue
        members = fields.texts("keys", most=SIGNERS_MAX, each_most=64, required=True, pattern=KEY_ID, form=KEY_FORM)
        threshold = fields.number("threshold", least=1, most=max(1, len(members)))
        fields.end()
        if not members or any(key not in keys for key in members):
            body.faults.add("root_role", fields.where, "names no key, or one that the document does not hold", "list the key under 'keys'")
        roles[name] = Role(keys=members, threshold=threshold)
    if listed:
        listed.end()
    # Spec: keys K-32. Attack: the key that signs every day would then also decide who may sign.
    if "root" in roles and "release" in roles and not set(roles["root"].keys).isdisjoint(roles["release"].keys):
        body.faults.add("root_role", body.path("roles"), "one key is both a root key and a release key", "make a key of its own for each role")
    if set(keys) != {key for role in roles.values() for key in role.keys}:
        body.faults.add("root_role", body.path("keys"), "holds a key without a role", "remove the key or give it a role")
    return roles


def _plain_text(fields: Fields, key: str, most: int) -> str:
    """Attack: a name that is shown in the first-use question and reads as another, by direction marks or hidden letters."""
    text = fields.text(key, most=most)
    if not is_plain_line(text):
        fields.faults.add("form", fields.path(key), "must be one line without hidden characters and odd spaces", "write plain words, one space between them")
    return text


def is_plain_line(text: str) -> bool:
    """Is ``text`` read as it is written? Spec: keys K-81.

    Attack: spaces push the rest of a name to the next line of a question, where it passes for a line of ours.
    """
    return not hidden_in(text) and _ODD_SPACE.search(text) is None


def _read_revoked(fields: Fields) -> Revoked:
    revoked = Revoked(key=fields.text("key", most=64, pattern=KEY_ID, form=KEY_FORM), reason=_plain_text(fields, "reason", REASON_MAX))
    fields.end()
    return revoked


def root_body(version: int, name: str, roles: Mapping[RoleName, tuple[tuple[bytes, ...], int]], revoked: tuple[Revoked, ...] = ()) -> bytes:
    """The canonical form of a new version; ``roles`` maps to public keys and a threshold."""
    keys: dict[str, Json] = {key_id(public): {"alg": "ed25519", "public": base64text.encode(public)} for members, _ in roles.values() for public in members}
    role_rows: dict[str, Json] = {
        role: {"keys": list[Json](sorted(key_id(public) for public in members)), "threshold": threshold} for role, (members, threshold) in roles.items()
    }
    gone: list[Json] = [{"key": one.key, "reason": one.reason} for one in revoked]
    return canonical({"type": "mpp-root-1", "version": version, "name": name, "keys": keys, "roles": role_rows, "revoked": gone})


def extend(chain: RootChain | None, body: bytes, signers: tuple[Signer, ...], *, where: str = "new root") -> RootChain:
    """The chain with one more version, signed by ``signers``; ends by verifying what it made."""
    message = signed_bytes(ROOT_TYPE, body)
    made = {key_id(signer.public_key): signer.sign(message) for signer in signers}
    signatures: list[Json] = [{"key": key, "sig": base64text.encode(made[key])} for key in sorted(made)]
    before = read_canonical(chain.data, family="signature", where=where) if chain else {"roots": []}
    roots = before["roots"] if isinstance(before, dict) else []
    entry: Json = {"signed": read_canonical(body, family="signature", where=where), "signatures": signatures}
    return read_chain(canonical({"roots": [*(roots if isinstance(roots, list) else []), entry]}), where=where)
