"""Root chains: what is sound, what is refused, what a rotation gives. Forgeries are in tests/attack/test_t07_root_chain.py."""

from __future__ import annotations

import json

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.crypto.roots import Revoked, RootChain, extend, is_plain_line, named_by_hand, read_chain, root_body
from mpp.errors import Fault, Refused
from mpp.limits import ROOT_VERSIONS_MAX
from mpp.model.jsontext import Json, canonical
from mpp.testing.keys import fixed_signer, publisher, rotated

ROOT, RELEASE, OTHER = (fixed_signer(f"roots {name}") for name in ("root", "release", "other"))
IDS = {name: key_id(signer.public_key) for name, signer in (("root", ROOT), ("release", RELEASE), ("other", OTHER))}
ROLES = {"root": ((ROOT.public_key,), 1), "release": ((RELEASE.public_key,), 1)}
BODY = root_body(1, "Ada", ROLES)  # type: ignore[arg-type] - the keys are role names


def signed(body: dict[str, Json] | bytes) -> RootChain:
    return extend(None, body if isinstance(body, bytes) else canonical(body), (ROOT,))


def body(path: str = "", item: Json = None) -> dict[str, Json]:
    document = json.loads(BODY)
    at = document
    *steps, last = path.split("/")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if not path:
        return document  # type: ignore[no-any-return]
    if item is None:
        del at[last]
    else:
        at[last] = item
    return document  # type: ignore[no-any-return]


def faults(data: bytes) -> set[str]:
    with pytest.raises(Refused) as refusal:
        read_chain(data, where="chain")
    return {fault.code.removeprefix("signature.") for fault in refusal.value.faults}


def refused(document: dict[str, Json]) -> set[str]:
    with pytest.raises(Refused) as refusal:
        signed(document)
    return {fault.code.removeprefix("signature.") for fault in refusal.value.faults}


def test_a_first_version() -> None:
    chain = signed(BODY)
    assert chain.newest is chain.roots[0]
    assert chain.publisher_id == chain.newest.digest
    assert (chain.newest.version, chain.newest.name) == (1, "Ada")
    assert dict(chain.newest.keys) == {IDS["root"]: ROOT.public_key, IDS["release"]: RELEASE.public_key}
    assert chain.newest.role("release").keys == (IDS["release"],)
    assert chain.newest.role("publish-approve").keys == ()
    assert read_chain(chain.data, where="again") == chain


def test_an_optional_role() -> None:
    chain = signed(root_body(1, "Ada", {**ROLES, "publish-approve": ((OTHER.public_key,), 1)}))  # type: ignore[arg-type]
    assert chain.newest.role("publish-approve").keys == (IDS["other"],)


def test_a_release_key_may_approve_too() -> None:
    roles = {**ROLES, "publish-approve": ((RELEASE.public_key,), 1)}
    assert len(signed(root_body(1, "Ada", roles)).newest.keys) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Ada", "Ada Example", "Åsa 名 'x'", "A-b_c (d), e. f", "🙂 Inc."])
def test_names(name: str) -> None:
    assert is_plain_line(name)
    assert signed(root_body(1, name, ROLES)).newest.name == name  # type: ignore[arg-type]


ODD = [
    " ",
    "   ",
    " Ada",
    "Ada ",
    "Ada  B",
    "Ada\t",
    "A\nB",
    "A\xa0B",
    "A\u2003B",
    "\u2800",
    "A\u2800B",
    "\u3000",
    "A\u3000B",
    "A\u1680B",
    "A\u202fB",
    "A\u205fB",
]


@pytest.mark.parametrize("name", [*ODD, "Ada" + " " * 61 + "  fingerprint  851a 921d", "A\u200bB", "A\u202eB", "A\x1bB"])
def test_names_that_are_not_read_as_written(name: str) -> None:
    assert not is_plain_line(name)
    assert "form" in refused(body("name", name))
    assert "form" in refused(body("revoked", [{"key": "0" * 64, "reason": name}]))


def test_faults_of_a_document_named_by_hand_blame_no_package() -> None:
    for code, seen in (("signature.invalid", "trust.roots"), ("size.input", "trust.length"), ("trust.form", "trust.form")):
        with pytest.raises(Refused) as refusal, named_by_hand():
            raise Refused(code, "message", where="here", hint="do")
        assert refusal.value.faults == (Fault(seen, "here", "message", "do"),)


WRONG = {
    "another type": (body("type", "mpp-root-2"), "choice"),
    "no type": (body("type"), "missing"),
    "version 0": (body("version", 0), "range"),
    "version 101": (body("version", ROOT_VERSIONS_MAX + 1), "range"),
    "version true": (body("version", True), "type"),
    "no name": (body("name", ""), "length"),
    "a long name": (body("name", "x" * 101), "length"),
    "an escape sequence in the name": (body("name", "x\x1b[2J"), "form"),
    "an unknown key": (body("expires", 1), "unknown_key"),
    "keys as a list": (body("keys", []), "type"),
    "no keys": (body("keys"), "missing"),
    "a key under another id": (body("keys/" + "0" * 64, {"alg": "ed25519", "public": "AAAA"}), "base64"),
    "a key with another id": ({**body(), "keys": {("0" * 64): body()["keys"][IDS["root"]], IDS["release"]: body()["keys"][IDS["release"]]}}, "root_key"),  # type: ignore[index,call-overload]
    "a key of small order": (body("keys/" + key_id(bytes(32)), {"alg": "ed25519", "public": "A" * 43 + "="}), "root_key"),
    "another algorithm": (body(f"keys/{IDS['root']}/alg", "rsa"), "choice"),
    "an unknown key of a key": (body(f"keys/{IDS['root']}/comment", "x"), "unknown_key"),
    "a key that is a text": (body(f"keys/{IDS['root']}", "x"), "type"),
    "roles as a list": (body("roles", []), "type"),
    "no roles": (body("roles"), "missing"),
    "no release role": (body("roles/release"), "missing"),
    "an unknown role": (body("roles/admin", {"keys": [IDS["root"]], "threshold": 1}), "unknown_key"),
    "an unknown key of a role": (body("roles/root/expires", 1), "unknown_key"),
    "a role without keys": (body("roles/release/keys", []), "root_role"),
    "a role with an unknown key": (body("roles/release/keys", ["0" * 64]), "root_role"),
    "a role with one key twice": (body("roles/root/keys", [IDS["root"]] * 2), "duplicate"),
    "threshold 0": (body("roles/root/threshold", 0), "range"),
    "a threshold over the keys": (body("roles/root/threshold", 2), "range"),
    "a key without a role": (
        body(
            f"keys/{IDS['other']}",
            {"alg": "ed25519", "public": json.loads(root_body(1, "x", {"root": ((OTHER.public_key,), 1)}))["keys"][IDS["other"]]["public"]},
        ),
        "root_role",
    ),
    "a revoked key that stays": (body("revoked", [{"key": IDS["release"], "reason": "x"}]), "root_role"),
    "one key that is root key and release key": (json.loads(root_body(1, "x", {**ROLES, "release": ((ROOT.public_key,), 1)})), "root_role"),  # type: ignore[dict-item]
    "a key revoked twice": (body("revoked", [{"key": "0" * 64, "reason": "x"}, {"key": "0" * 64, "reason": "y"}]), "duplicate"),
    "a revoked key without a reason": (body("revoked", [{"key": "0" * 64}]), "missing"),
    "a revoked key of another form": (body("revoked", [{"key": "x", "reason": "x"}]), "form"),
}


@pytest.mark.parametrize(("document", "code"), WRONG.values(), ids=WRONG.keys())
def test_any_other_body_is_refused(document: dict[str, Json], code: str) -> None:
    assert code in refused(document)


def test_too_many_keys_are_refused() -> None:
    many = tuple(fixed_signer(f"many {i}").public_key for i in range(40))
    roles = {"root": ((ROOT.public_key, *many[:20]), 1), "release": (many[20:], 1)}
    with pytest.raises(Refused) as refusal:
        signed(root_body(1, "Ada", roles))  # type: ignore[arg-type]
    assert refusal.value.code == "signature.length"


def entry(**changes: Json) -> bytes:
    document = json.loads(signed(BODY).data)
    document["roots"][0] |= changes
    return canonical(document)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "json"),
        (b"[]", "type"),
        (b"{}", "missing"),
        (b'{"roots":[]}', "length"),
        (b'{"roots":[1]}', "type"),
        (b'{"roots":[{}]}', "missing"),
        (b'{"roots":[{"signatures":[],"signed":1}]}', "type"),
        (signed(BODY).data + b"\n", "json"),
        (entry(note="x"), "unknown_key"),
        (entry(signatures=[]), "root_threshold"),
        (canonical({**json.loads(signed(BODY).data), "note": 1}), "unknown_key"),
        (canonical({"roots": json.loads(signed(BODY).data)["roots"] * 101}), "length"),
    ],
)
def test_any_other_document_is_refused(data: bytes, code: str) -> None:
    assert code in faults(data)


def test_a_rotation() -> None:
    one = publisher("Ada")
    two = rotated(one, "2", new_root=True, revoke=True)
    assert two.id == one.id
    assert (one.chain.newest.version, two.chain.newest.version) == (1, 2)
    assert two.chain.newest.revoked == (Revoked(key=one.release_ids[0], reason="stolen, for a test"),)
    assert two.chain.begins_with(one.chain)
    assert two.chain.begins_with(two.chain)
    assert not one.chain.begins_with(two.chain)
    assert not publisher("Bob").chain.begins_with(one.chain)


def test_a_long_chain() -> None:
    who = publisher("Ada")
    for i in range(2, ROOT_VERSIONS_MAX + 1):
        who = rotated(who, str(i))
    assert who.chain.newest.version == ROOT_VERSIONS_MAX
    with pytest.raises(Refused):
        rotated(who, "more")


def test_extending_needs_a_sound_body() -> None:
    with pytest.raises(Refused) as refusal:
        extend(None, b"[]", (ROOT,))
    assert refusal.value.code == "signature.type"


def test_versions_have_no_gap() -> None:
    with pytest.raises(Refused) as refusal:
        signed(root_body(2, "Ada", ROLES))  # type: ignore[arg-type]
    assert refusal.value.code == "signature.root_versions"


def test_a_signature_by_a_key_without_the_root_role_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        extend(None, BODY, (ROOT, RELEASE))
    assert refusal.value.code == "signature.root_signer"
