"""T95, requests and tokens at a registry: theft, replay, another audience or body, a stolen key after its rotation, clocks.

Spec: registry section 7, docs/adr/0045-signed-requests.md.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.crypto.envelope import Envelope, sign, write_envelope
from mpp.crypto.jws import encode_part
from mpp.crypto.roots import ROOT_TYPE
from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical
from mpp.protocol.registry.requests import REQUEST_TYPE
from mpp.stages.archive import read_archive, read_member
from mpp.testing.keys import fixed_signer, rotated
from mpp.protocol.registry.bodies import AdvisoryBody
from mpp.protocol.registry.events import Owner
from mpp_registry.advisories import publish_advisory
from mpp_registry.namespaces import World as Places, claim_namespace
from mpp_registry.oidc import add_issuer, add_rule, exchange, read_rule
from mpp_registry.publishers import ask_recovery, rotate_root, set_publisher_status
from mpp_registry.publishing import authenticate, change_owners, publish, set_status
from tests.registry.publishing.worlds import ALICE, BOB, World, package

TARGET, EMPTY = "/v1/packages", sha256(b"").hexdigest()
ISSUER, HELLO = "https://ci.example.com", "com.example.hello"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    found.join(ALICE)
    found.join(BOB)
    yield found
    found.close()


def ask(world: World, header: str, *, method: str = "POST", target: str = TARGET, body_sha256: str = EMPTY) -> str:
    """The code of the refusal, or the publisher's id."""
    try:
        return authenticate(world.services, header, method, target, body_sha256).publisher_id
    except Refused as fault:
        return fault.code


def opened(header: str) -> dict[str, Any]:
    found = json.loads(b64decode(header.partition(" ")[2]))
    assert isinstance(found, dict)
    return found


def closed(envelope: dict[str, Any]) -> str:
    return "MPP-Signed " + b64encode(canonical(envelope)).decode()


# --- signed requests


def test_of_sixteen_copies_of_one_request_one_counts(world: World) -> None:
    header = world.header(ALICE.release[0])
    with ThreadPoolExecutor(16) as pool:
        found = sorted(pool.map(lambda _: ask(world, header), range(16)))
    assert found.count(ALICE.id) == 1
    assert found.count("registry.replay") == 15


def test_a_replay_after_a_restart_is_seen(world: World, tmp_path: Path) -> None:
    header = world.header(ALICE.release[0])
    assert ask(world, header) == ALICE.id
    again = World(tmp_path, clock=world.clock)
    assert ask(again, header) == "registry.replay"
    again.close()


@pytest.mark.parametrize("change", [
    lambda body: body.replace(b'"POST"', b'"PUT"'), lambda body: body.replace(TARGET.encode(), b"/v1/package2"), lambda body: body.replace(EMPTY.encode(), b"0" * 64),
    lambda body: body.replace(b'"nonce":"0', b'"nonce":"1'), lambda body: body.replace(b'"at":1', b'"at":2'), lambda body: body + b" ",
])  # fmt: skip
def test_whatever_is_changed_in_a_request_it_does_not_hold(world: World, change: Callable[[bytes], bytes]) -> None:
    envelope = opened(world.header(ALICE.release[0]))
    payload = b64decode(str(envelope["payload"]))
    assert change(payload) != payload
    assert ask(world, closed({**envelope, "payload": b64encode(change(payload)).decode()})).startswith("registry.")


def test_a_body_that_was_swapped_on_the_way(world: World) -> None:
    """Attack: a proxy that puts another package behind a good header."""
    header = world.header(ALICE.release[0], body=package(ALICE))
    assert ask(world, header, body_sha256=sha256(package(ALICE, version="6.6.6")).hexdigest()) == "registry.request"


def test_a_request_that_another_registry_was_sent(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other")
    other.join(ALICE)
    header = other.header(ALICE.release[0])
    assert ask(world, header) == "registry.request"
    assert ask(other, header) == ALICE.id
    other.close()


def test_the_id_of_one_key_with_the_signature_of_another(world: World) -> None:
    envelope = opened(world.header(BOB.release[0]))
    (signature,) = envelope["signatures"]
    swapped = {**envelope, "signatures": [{**signature, "keyid": ALICE.release_ids[0]}]}
    assert ask(world, closed(swapped)) == "registry.request"


def test_two_signatures_are_not_one(world: World) -> None:
    payload = b64decode(str(opened(world.header(ALICE.release[0]))["payload"]))
    both = sign(REQUEST_TYPE, payload, (ALICE.release[0], BOB.release[0]))
    envelope = write_envelope(Envelope(payload_type=REQUEST_TYPE, payload=payload, signatures=both))
    assert ask(world, "MPP-Signed " + b64encode(envelope).decode()) == "registry.request"


def test_the_signature_of_a_package_is_no_request(world: World) -> None:
    """Attack: packages are public, and their signatures with them."""
    archive = read_archive(package(ALICE))
    member = archive.find("_mpp/signature.dsse.json")
    assert member is not None
    assert ask(world, "MPP-Signed " + b64encode(read_member(archive, member)).decode()).startswith("registry.")


def test_a_request_signed_as_another_kind_of_document(world: World) -> None:
    payload = b64decode(str(opened(world.header(ALICE.release[0]))["payload"]))
    wrong = Envelope(payload_type=REQUEST_TYPE, payload=payload, signatures=sign(ROOT_TYPE, payload, (ALICE.release[0],)))
    assert ask(world, "MPP-Signed " + b64encode(write_envelope(wrong)).decode()) == "registry.request"


@pytest.mark.parametrize("seconds", [-1_767_225_600, -86_400, -61, 61, 86_400])
def test_a_clock_that_is_wrong(world: World, seconds: int) -> None:
    assert ask(world, world.header(ALICE.release[0], at=world.clock.now() + seconds)) == "registry.request_time"


def test_a_request_for_tomorrow_is_not_kept_for_tomorrow(world: World) -> None:
    """Attack: signed in advance on a machine that was open for a minute."""
    header = world.header(ALICE.release[0], at=world.clock.now() + 86_400)
    assert ask(world, header) == "registry.request_time"
    world.clock.moment += 86_400
    assert ask(world, header) == ALICE.id, "at its time it holds: who had the key then could sign it"
    newer = rotated(ALICE, "two", revoke=True)
    rotate_root(world.services, ALICE.id, newer.chain.data, world.newcomer(newer))
    assert ask(world, world.header(ALICE.release[0])) == "registry.key", "unless the key is rotated out"


# --- a stolen release key


def test_a_stolen_key_is_worth_nothing_after_the_rotation(world: World) -> None:
    world.publish(ALICE)
    newer = rotated(ALICE, "two", revoke=True)
    rotate_root(world.services, ALICE.id, newer.chain.data, world.newcomer(newer))
    assert ask(world, world.header(ALICE.release[0])) == "registry.key"
    # Nor does the thief bring the old root document back, nor sign what somebody else uploads.
    for call in (lambda: world.newcomer(ALICE), lambda: rotate_root(world.services, ALICE.id, ALICE.chain.data, world.newcomer(ALICE))):
        try:
            call()
        except Refused as fault:
            assert fault.code in {"registry.key", "registry.changed"}
    assert world.cell("SELECT root_version FROM publishers WHERE publisher_id = ?", ALICE.id) == 2
    with pytest.raises(Refused) as refused:
        publish(world.services, package(ALICE, version="6.6.6"), world.actor(newer))
    assert refused.value.code == "signature.key_revoked"
    assert publish(world.services, package(newer, version="1.1.0"), world.actor(newer)).is_new


def test_a_stolen_release_key_changes_no_keys(world: World) -> None:
    """The thief makes a version 2 of his own; without the old root key it is none."""
    thief = rotated(BOB, "two")
    with pytest.raises(Refused):
        rotate_root(world.services, ALICE.id, thief.chain.data, world.newcomer(thief))
    assert world.cell("SELECT root_version FROM publishers WHERE publisher_id = ?", ALICE.id) == 1


def test_a_root_key_publishes_nothing(world: World) -> None:
    """Attack on oneself: the key that must stay offline, worn out by daily use."""
    with pytest.raises(Refused) as refused:
        publish(world.services, package(ALICE), world.actor(ALICE, ALICE.root[0]))
    assert refused.value.code == "registry.forbidden"


# --- tokens of builds


@pytest.fixture
def built(world: World) -> World:
    signer = fixed_signer("ci")
    jwks = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA", "x": encode_part(signer.public_key)}]}
    add_issuer(world.services, ISSUER, keys=json.dumps(jwks).encode())
    rule = {"issuer": ISSUER, "claims": {"repository": "alice/hello"}, "packages": [HELLO]}
    add_rule(world.services, read_rule(json.dumps(rule).encode(), where="rule.json"), world.actor(ALICE))
    return world


def id_token(world: World, **changes: Json) -> str:
    now = world.clock.now()
    claims = {"iss": ISSUER, "aud": world.services.settings.registry_id, "iat": now, "exp": now + 300, "jti": "one", "repository": "alice/hello", **changes}
    signed = f"{encode_part(json.dumps({'alg': 'EdDSA', 'kid': 'a', 'typ': 'JWT'}).encode())}.{encode_part(json.dumps(claims).encode())}"
    return f"{signed}.{encode_part(fixed_signer('ci').sign(signed.encode()))}"


def test_of_sixteen_exchanges_of_one_token_one_counts(built: World) -> None:
    token = id_token(built)

    def one(_: int) -> str:
        try:
            return exchange(built.services, token, HELLO).publisher_id
        except Refused as fault:
            return fault.code

    with ThreadPoolExecutor(16) as pool:
        found = sorted(pool.map(one, range(16)))
    assert found.count(ALICE.id) == 1
    assert found.count("registry.replay") == 15


@pytest.mark.parametrize("changes", [
    {"aud": "https://other-registry.example"}, {"aud": "0" * 64}, {"repository": "alice/hello2"}, {"repository": "Alice/Hello"}, {"repository": ["alice/hello"]},
    {"exp": 1_767_225_600}, {"nbf": 1_767_225_600 + 3600}, {"exp": 1_767_225_600 + 90_000},
])  # fmt: skip
def test_a_token_of_another_build_or_for_another_place(built: World, changes: dict[str, Json]) -> None:
    with pytest.raises(Refused) as refused:
        exchange(built.services, id_token(built, **changes), HELLO)
    assert refused.value.code == "registry.oidc"


def test_a_stolen_token_publishes_nothing_that_the_publisher_did_not_sign(built: World) -> None:
    issued = exchange(built.services, id_token(built), HELLO)
    thief = authenticate(built.services, f"Bearer {issued.token}", "POST", TARGET, EMPTY)
    for data in (package(BOB), package(ALICE, "com.example.other")):
        with pytest.raises(Refused) as refused:
            publish(built.services, data, thief)
        assert refused.value.code == "registry.forbidden"
    with pytest.raises(Refused):
        set_status(built.services, HELLO, "1.0.0", "revoked", "x", thief)


def test_a_token_ends_with_its_time_its_publisher_and_with_one_letter_changed(built: World) -> None:
    issued = exchange(built.services, id_token(built), HELLO)
    assert ask(built, f"Bearer {issued.token}") == ALICE.id
    assert ask(built, f"Bearer {issued.token[:-1]}x") == "registry.token"
    assert ask(built, f"Bearer {issued.token} ") == "registry.token"
    set_publisher_status(built.services, ALICE.id, "suspended", "odd")
    assert ask(built, f"Bearer {issued.token}") == "registry.token"
    set_publisher_status(built.services, ALICE.id, "active", "")
    assert ask(built, f"Bearer {issued.token}") == "registry.token", "it does not come back"


def test_whoever_reads_the_database_has_no_token(built: World) -> None:
    issued = exchange(built.services, id_token(built), HELLO)
    with built.services.database.read() as rows:
        (row,) = rows.all("SELECT token_hash FROM tokens")
    assert issued.token not in str(row)
    assert ask(built, f"Bearer {row[0]!s}") == "registry.token"


def test_a_key_that_nobody_registered(world: World) -> None:
    stranger = fixed_signer("stranger")
    assert ask(world, world.header(stranger)) == "registry.key"
    assert key_id(stranger.public_key) not in str(world.kinds())


# --- what changes while a request is on the way


@pytest.mark.parametrize("meanwhile", ["suspended", "rotated"])
def test_who_was_stopped_or_rotated_out_meanwhile_changes_nothing(built: World, meanwhile: str) -> None:
    """Attack: a request that was judged a moment before the publisher is stopped, and takes effect a moment after."""
    built.publish(ALICE)
    actor, newer = built.actor(ALICE), rotated(ALICE, "two", revoke=True)
    newcomer = built.newcomer(newer)
    if meanwhile == "suspended":
        set_publisher_status(built.services, ALICE.id, "suspended", "odd")
        with pytest.raises(Refused) as refused:
            rotate_root(built.services, ALICE.id, newer.chain.data, newcomer)
        assert refused.value.code == "registry.suspended"
        assert built.cell("SELECT status FROM publishers WHERE publisher_id = ?", ALICE.id) == "suspended"
    else:
        rotate_root(built.services, ALICE.id, newer.chain.data, newcomer)
    before = built.kinds()
    rule = read_rule(json.dumps({"issuer": ISSUER, "claims": {"repository": "a/b"}, "packages": [HELLO]}).encode(), where="rule.json")
    there = Places(txt=lambda _: (f"mpp-publisher={ALICE.id}",), fetch=lambda _: b"")
    body = AdvisoryBody(advisory_id="MPP-1", package_id=HELLO, versions=("1.0.0",), severity="low", title="x", text="y")
    for call in (
        lambda: set_status(built.services, HELLO, "1.0.0", "yanked", "x", actor),
        lambda: change_owners(built.services, HELLO, (Owner(publisher_id=BOB.id, role="owner"),), actor),
        lambda: claim_namespace(built.services, "com.example", "dns", actor, there),
        lambda: add_rule(built.services, rule, actor),
        lambda: ask_recovery(built.services, BOB.id, "lost", actor),
        lambda: publish_advisory(built.services, body, actor),
        lambda: publish(built.services, package(ALICE, version="1.1.0"), actor),
    ):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.code in {"registry.suspended", "registry.key", "signature.key_revoked"}
    assert built.kinds() == before
