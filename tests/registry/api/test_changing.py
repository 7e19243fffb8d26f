"""What publishers and administrators change, over HTTP."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.model.jsontext import Json
from mpp.ledger.notes import NoteKey, read_note, signature_line, cosign_text
from mpp.protocol.registry import answers
from mpp.protocol.registry.bundle import proven, read_bundle
from mpp.testing.keys import fixed_signer, rotated
from mpp.testing.packages import signed
from tests.registry.api.schema import fits
from tests.registry.api.world import PACKAGE, serving, somebody, TOKEN, World

HELLO = "/v1/packages/com.example.hello"
FIRST = HELLO + "/versions/0.1.0"
BY, OTHER = somebody(), somebody("Other Publisher")


def test_two_requests_register_and_publish(world: World) -> None:
    registered = world.register(BY)
    assert (registered.status, registered.headers["location"]) == (201, f"/v1/publishers/{BY.id}")
    assert fits("Publisher", registered.json) == []
    assert world.register(BY).status == 200
    reply = world.publish(BY)
    assert (reply.status, reply.headers["location"], reply.headers["cache-control"]) == (201, FIRST, "no-store")
    assert fits("Published", reply.json) == []
    published = answers.read_published(reply.body, where="here")
    found = proven(read_bundle(published.bundle), world.services.settings.registry_id, now=world.clock.now(), max_age=60)
    assert published.version is not None
    assert found.file_hash == published.version.file_hash == sha256(signed(BY)).hexdigest()


def test_the_same_bytes_again_change_nothing_and_others_are_refused(world: World) -> None:
    world.register(BY)
    world.publish(BY)
    assert world.publish(BY).status == 200
    reply = world.publish(BY, {"description": "Greets otherwise"})
    assert (reply.status, reply.code) == (409, "registry.exists")
    world.register(OTHER)
    taken = world.publish(OTHER, {"version": "0.2.0"})
    assert (taken.status, taken.code) == (403, "registry.owned")


def test_what_no_host_would_take_is_refused_with_the_code_of_the_check(world: World) -> None:
    world.register(BY)
    for data, code, status in ((b"PK", "archive", 422), (signed(BY)[:-3], "archive", 422), (signed(OTHER), "registry.forbidden", 403)):
        reply = world.signed(BY, "POST", "/v1/packages", data, PACKAGE)
        assert reply.status == status, reply
        assert str(reply.code).startswith(code), reply


def test_a_stranger_changes_nothing(world: World) -> None:
    for method, target in (("POST", "/v1/packages"), ("PUT", FIRST + "/status"), ("PUT", HELLO + "/owners"), ("POST", "/v1/namespaces"),
                           ("POST", "/v1/staged/x/approve"), ("POST", "/v1/advisories"), ("GET", "/v1/oidc/rules"), ("POST", "/v1/oci/token")):  # fmt: skip
        kind = PACKAGE if target == "/v1/packages" else "application/json"
        reply = world.ask(method, target, b"{}" if method != "GET" else None, {"content-type": kind})
        assert (reply.status, reply.code) == (401, "registry.unauthenticated"), target
    # One that is not registered, and whose key nobody knows.
    assert world.publish(BY).status == 401


def test_states_of_a_version(world: World) -> None:
    world.register(BY)
    world.register(OTHER)
    world.publish(BY)
    reply = world.signed(BY, "PUT", FIRST + "/status", b'{"status":"deprecated","reason":"Take 0.2.0."}')
    assert (reply.status, reply.json["status"], reply.json["reason"]) == (200, "deprecated", "Take 0.2.0.")
    assert world.signed(OTHER, "PUT", FIRST + "/status", b'{"status":"yanked","reason":"no"}').status == 403
    assert world.signed(BY, "PUT", FIRST + "/status", b'{"status":"quarantined","reason":"no"}').status == 403
    assert world.admin("PUT", FIRST + "/status", {"status": "revoked", "reason": "It steals."}).status == 200
    assert world.admin("PUT", FIRST + "/status", {"status": "active", "reason": ""}).status == 409
    leaves = answers.read_log(world.get("/v1/log/entries").body, where="here").leaves
    assert json.loads(leaves[-1])["by"] == "admin"


def test_owners_change_when_all_have_said_so(world: World) -> None:
    world.register(BY)
    world.register(OTHER)
    world.publish(BY)
    both = json.dumps({"owners": [{"publisher_id": one.id, "role": "owner"} for one in sorted((BY, OTHER), key=lambda one: one.id)]}).encode()
    first = world.signed(BY, "PUT", HELLO + "/owners", both)
    assert (first.status, first.json["waiting_for"]) == (202, [OTHER.id])
    second = world.signed(OTHER, "PUT", HELLO + "/owners", both)
    assert (second.status, second.json["is_done"]) == (200, True)
    assert fits("OwnersChange", second.json) == []
    alone: Json = {"owners": [{"publisher_id": OTHER.id, "role": "owner"}]}
    assert world.admin("PUT", HELLO + "/owners", alone).status == 200
    assert [one.publisher_id for one in answers.read_package(world.get(HELLO).body, where="here").owners] == [OTHER.id]


def test_a_newer_root_document(world: World) -> None:
    world.register(BY)
    newer = rotated(BY, "2")
    reply = world.signed(newer, "PUT", f"/v1/publishers/{BY.id}/root", newer.chain.data)
    assert (reply.status, reply.json["root_version"]) == (200, 2)
    assert world.publish(BY).status == 401
    assert world.publish(newer).status == 201
    assert world.signed(newer, "PUT", f"/v1/publishers/{OTHER.id}/root", newer.chain.data).status == 403


def test_an_administrator_stops_a_publisher(world: World) -> None:
    world.register(BY)
    target = f"/v1/publishers/{BY.id}/status"
    assert world.signed(BY, "PUT", target, b'{"status":"active","reason":""}').status == 404
    assert world.admin("PUT", target, {"status": "suspended", "reason": "We are looking."}).json["status"] == "suspended"
    reply = world.publish(BY)
    assert (reply.status, reply.code) == (403, "registry.suspended")


def test_a_recovery_is_asked_for_and_refused_by_the_root_key(world: World) -> None:
    world.register(BY)
    world.register(OTHER)
    target = f"/v1/publishers/{BY.id}/recovery"
    asked = world.signed(OTHER, "POST", target, b'{"action":"ask","reason":"The keys burned."}')
    assert asked.status == 202, asked
    assert asked.json["recovery"] is None, "what nobody has looked at is not public"
    assert world.signed(OTHER, "POST", target, b'{"action":"veto","reason":""}', root=True).status == 403


def test_a_name_space_waits_for_its_proof(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp_registry.api import publishers as endpoints
    from mpp_registry.namespaces import NamespaceClaim

    def claim(_services: object, namespace: str, method: str, actor: object) -> NamespaceClaim:
        state = "proven" if namespace == "com.example" else "asked"
        return NamespaceClaim(
            namespace=namespace, publisher_id=BY.id, method=method, state=state, record_name="_mpp.example.org", record_value="mpp=1", why="There is none.",
        )  # fmt: skip

    monkeypatch.setattr(endpoints, "claim_namespace", claim)
    world.register(BY)
    proven_now = world.signed(BY, "POST", "/v1/namespaces", b'{"namespace":"com.example","method":"dns"}')
    waiting = world.signed(BY, "POST", "/v1/namespaces", b'{"namespace":"org.example","method":"well-known"}')
    assert (proven_now.status, waiting.status, waiting.json["notes"]) == (200, 202, ["There is none."])
    assert fits("Namespace", waiting.json) == []


def test_a_name_space_that_is_proven_is_shown(world: World) -> None:
    from mpp_registry.namespaces import prove_by_hand

    world.register(BY)
    world.publish(BY)
    prove_by_hand(world.services, "com.example", BY.id)
    reply = world.get("/v1/namespaces/com.example")
    assert (reply.json["publisher_id"], reply.json["state"]) == (BY.id, "proven")
    assert world.get(HELLO).json["namespace"] == "com.example"
    assert answers.read_publisher(world.get(f"/v1/publishers/{BY.id}").body, where="here").namespaces[0].namespace == "com.example"


def test_a_second_person_approves(tmp_path: Path) -> None:
    with serving(str(tmp_path), staging=True) as world:
        world.register(BY)
        staged = world.publish(BY)
        assert (staged.status, staged.json["version"]) == (202, None)
        assert fits("Published", staged.json) == []
        assert world.get(FIRST).status == 404
        target = f"/v1/staged/{staged.json['staged_id']}"
        assert world.signed(BY, "POST", target + "/approve").status == 403
        approved = world.admin("POST", target + "/approve")
        assert approved.status == 201, approved
        assert world.get(FIRST).status == 200
        again = world.publish(BY, {"version": "0.2.0"}).json["staged_id"]
        assert world.admin("POST", f"/v1/staged/{again}/refuse", {"reason": "Not now."}).status == 204
        assert world.admin("POST", f"/v1/staged/{again}/approve").status == 409


def test_what_waits_is_seen_by_its_publisher_alone(tmp_path: Path) -> None:
    stranger = OTHER
    with serving(str(tmp_path), staging=True) as world:
        for one in (BY, stranger):
            assert world.register(one).status == 201
        staged_id = world.publish(BY).json["staged_id"]
        listed = world.signed(BY, "GET", "/v1/staged")
        assert fits("Staged", listed.json) == []
        (one,) = answers.read_staged(listed.body, where="here")
        assert (one.staged_id, one.package_id, one.approved_by) == (staged_id, "com.example.hello", ())
        assert listed.headers["cache-control"] == "no-store"
        target = f"/v1/staged/{staged_id}/download"
        assert sha256(world.signed(BY, "GET", target).body).hexdigest() == one.file_hash
        assert world.get("/v1/staged").status == world.get(target).status == 401
        assert world.signed(stranger, "GET", "/v1/staged").json["staged"] == []
        # Attack: a stranger who learns what will come out.
        unknown, theirs = (world.signed(stranger, "GET", path) for path in ("/v1/staged/1a2b/download", target))
        assert (unknown.status, theirs.status, unknown.json["detail"]) == (404, 404, theirs.json["detail"])
        # A root key has no business here.
        assert world.signed(BY, "GET", "/v1/staged", root=True).status == 403


def test_rules_of_builds(world: World) -> None:
    world.register(BY)
    world.publish(BY)
    rule = json.dumps({"issuer": "https://ci.example", "claims": {"repository": "example/hello"}, "packages": ["com.example.hello"]}).encode()
    made = world.signed(BY, "POST", "/v1/oidc/rules", rule)
    assert made.status in {201, 403, 422}, made
    listed = world.signed(BY, "GET", "/v1/oidc/rules")
    assert fits("Rules", listed.json) == []
    if made.status == 201:
        assert listed.json["rules"] == [made.json]
        assert world.signed(BY, "DELETE", f"/v1/oidc/rules/{made.json['rule_id']}").status == 204
    assert world.signed(BY, "DELETE", "/v1/oidc/rules/none").status == 404
    bad = world.ask("POST", "/v1/oidc/exchange", b'{"token":"x","package_id":"com.example.hello"}', {"content-type": "application/json"})
    assert bad.status in {401, 403, 422}, bad


def test_advisories_and_reports(world: World) -> None:
    world.register(BY)
    world.publish(BY)
    body = json.dumps({"advisory_id": "EX-2026-1", "package_id": "com.example.hello", "versions": ["0.1.0"], "severity": "high", "title": "It leaks",
                       "text": "It writes names to its log."}).encode()  # fmt: skip
    assert world.signed(BY, "POST", "/v1/advisories", body).status == 201
    page = answers.read_advisories(world.get("/v1/advisories").body, where="here")
    assert [(one.advisory_id, one.severity) for one in page.advisories] == [("EX-2026-1", "high")]
    report = b'{"package_id":"com.example.hello","kind":"malware","text":"It mines.","contact":"me@example.org"}'
    told = world.ask("POST", "/v1/reports", report, {"content-type": "application/json"})
    assert told.status == 201, told
    assert fits("Reported", told.json) == []


def test_witnesses_sign_the_newest_checkpoint(tmp_path: Path) -> None:
    signer = fixed_signer("witness")
    key = NoteKey(name="witness.example/one", public=signer.public_key, algorithm=4)
    with serving(str(tmp_path), witnesses=(key,)) as world:
        text = read_note(world.get("/v1/log/checkpoint").body, where="here").text
        line = signature_line(cosign_text(text, key.name, signer, world.clock.now())).encode()
        kind = {"content-type": "text/plain"}
        assert world.ask("POST", "/v1/log/cosignatures", line, kind).status == 204
        assert line in world.get("/v1/log/checkpoint").body
        world.register(BY)
        late = world.ask("POST", "/v1/log/cosignatures", line, kind)
        assert (late.status, late.code) == (409, "registry.checkpoint")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"status":"yanked"}x', b'{"status":"no"}', b'{"status":1}', b'{"status":"yanked","x":1}', b"\xff"])
def test_a_body_that_is_not_what_it_should_be(world: World, body: bytes) -> None:
    world.register(BY)
    world.publish(BY)
    headers = {"authorization": world.header(BY, "PUT", FIRST + "/status", body), "content-type": "application/json"}
    reply = world.ask("PUT", FIRST + "/status", body, headers)
    assert reply.status in {400, 422}, reply
    assert str(reply.code).startswith("registry.")


def test_the_administrator_is_known_by_the_token_alone(world: World) -> None:
    world.register(BY)
    world.publish(BY)
    for token in ("", "x", TOKEN + "x", TOKEN.upper()):
        reply = world.ask(
            "PUT", FIRST + "/status", b'{"status":"revoked","reason":"x"}', {"authorization": f"Bearer {token}", "content-type": "application/json"}
        )
        assert reply.status == 401, token
    assert world.get(FIRST).json["status"] == "active"
