"""What a publisher asks of a real registry: owners, second persons, builds, recovery."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.author.keys import load_chain
from mpp.crypto.jws import encode_part
from mpp.crypto.keyfile import write_key
from mpp.crypto.roots import extend, root_body
from mpp.host.system import SystemRandom
from mpp.model.jsontext import Json
from mpp.testing.keys import TestPublisher, fixed_seed, fixed_signer
from mpp.testing.packages import signed
from mpp_registry.oidc import add_issuer
from mpp_registry.publishers import confirm_recovery
from mpp_registry.publishing import change_owners
from mpp.protocol.registry.events import Owner
from tests.cli.conftest import Answer, Mpp
from tests.registry.api.world import World, serving

HELLO = "com.example.hello"
ISSUER = "https://ci.example.com"


def team(name: str) -> TestPublisher:
    """A publisher with a second person."""
    root, release, second = (fixed_signer(f"{name} {role}") for role in ("root", "release", "second"))
    roles = {"root": ((root.public_key,), 1), "release": ((release.public_key,), 1), "publish-approve": ((second.public_key,), 1)}
    chain = extend(None, root_body(1, name, roles), (root,))  # type: ignore[arg-type] # the three names are those of roles
    return TestPublisher(chain=chain, root=(root,), release=(release,))


class Desk:
    """Two publishers with key files, at the command line of one home."""

    def __init__(self, mpp: Mpp, world: World, folder: Path) -> None:
        self._mpp, self.world, self.folder = mpp, world, folder
        self.ada, self.bob = "ada", "bob"
        self.publishers: dict[str, TestPublisher] = {}

    def keys(self, name: str, who: TestPublisher, *roles: str) -> None:
        self.publishers[name] = who
        for role in roles:
            label, kind = f"{who.chain.newest.name} {role}", "root" if role == "root" else "release"
            path = self.folder / f"{name}-{role}.key"
            path.write_bytes(write_key(fixed_seed(label), kind, None, SystemRandom()))
            path.chmod(0o600)

    def __call__(self, name: str, *words: object, role: str = "release") -> Answer:
        return self._mpp("registry", *words, "-k", self.folder / f"{name}-{role}.key", "--json")

    def says(self, name: str, *words: object, role: str = "release") -> Answer:
        return self._mpp("registry", *words, "-k", self.folder / f"{name}-{role}.key")


@pytest.fixture
def desk(mpp: Mpp, tmp_path: Path) -> Iterator[Desk]:
    with serving(str(tmp_path / "registry")) as world:
        world.clock.moment = int(time.time())
        found = Desk(mpp, world, tmp_path)
        for name, title in (("ada", "Ada"), ("bob", "Bob")):
            root, release = fixed_signer(f"{title} root"), fixed_signer(f"{title} release")
            body = root_body(1, title, {"root": ((root.public_key,), 1), "release": ((release.public_key,), 1)})
            found.keys(name, TestPublisher(chain=extend(None, body, (root,)), root=(root,), release=(release,)), "root", "release")
            assert world.register(found.publishers[name]).status == 201
        assert world.publish(found.publishers["ada"], {"package_id": HELLO}).status == 201
        answer = mpp("registry", "add", world.server.url, "--fingerprint", world.services.settings.registry_id, "--default")
        assert answer.code == 0, answer.err
        yield found


def test_a_package_changes_hands_when_both_ask(desk: Desk) -> None:
    ada, bob = desk.publishers["ada"].id, desk.publishers["bob"].id
    assert desk("ada", "owners", HELLO).json["owners"] == [{"publisher_id": ada, "role": "owner"}]
    asked = desk.says("ada", "owners", HELLO, "--owner", bob, "--maintainer", ada)
    assert (asked.code, bob in asked.out) == (1, True)
    done = desk("bob", "owners", HELLO, "--owner", bob, "--maintainer", ada)
    assert (done.code, done.json["is_done"]) == (0, True)
    assert f"maintainer  {ada}" in desk.says("ada", "owners", HELLO).out
    refused = desk("ada", "owners", HELLO, "--owner", ada)
    assert (refused.code, refused.json["error"]["code"]) == (41, "registry.owned")
    assert desk("ada", "owners", HELLO, "--owner", "ada").code == 2
    assert "has new owners" in desk.says("bob", "owners", HELLO, "--owner", bob).out


def test_a_second_person_approves_and_refuses(desk: Desk) -> None:
    who = team("Team")
    desk.keys("team", who, "root", "release", "second")
    desk.world.register(who)
    first = str(desk.world.publish(who, {"package_id": "com.example.team"}).json["staged_id"])
    second = str(desk.world.publish(who, {"package_id": "com.example.team", "version": "0.2.0"}).json["staged_id"])
    refused = desk("team", "staged", first)
    assert (refused.code, refused.json["error"]["code"]) == (41, "registry.forbidden")
    assert desk("team", "staged", first, role="second").json["state"] == "published"
    assert desk("team", "staged", second, "--refuse", "no README", role="second").json["state"] == "refused"
    third = str(desk.world.publish(who, {"package_id": "com.example.team", "version": "0.3.0"}).json["staged_id"])
    assert "is published" in desk.says("team", "staged", third, role="second").out


def test_two_second_persons(desk: Desk) -> None:
    root, release = fixed_signer("Pair root"), fixed_signer("Pair release")
    seconds = tuple(fixed_signer(f"Pair {label}").public_key for label in ("second", "third"))
    roles = {"root": ((root.public_key,), 1), "release": ((release.public_key,), 1), "publish-approve": (seconds, 2)}
    who = TestPublisher(chain=extend(None, root_body(1, "Pair", roles), (root,)), root=(root,), release=(release,))  # type: ignore[arg-type] # as above
    desk.keys("pair", who, "second", "third")
    desk.world.register(who)
    name = str(desk.world.publish(who, {"package_id": "com.example.pair"}).json["staged_id"])
    waits = desk("pair", "staged", name, role="second")
    assert (waits.code, waits.json["state"]) == (1, "staged")
    assert "more approvals" in desk.says("pair", "staged", name, role="second").out
    assert desk("pair", "staged", name, role="third").json["state"] == "published"


def test_a_lost_publisher_is_recovered_or_says_no(desk: Desk) -> None:
    ada, bob = desk.publishers["ada"].id, desk.publishers["bob"].id
    assert "has to agree" in desk.says("bob", "recover", ada, "--reason", "the root key burnt").out
    confirm_recovery(desk.world.services, ada, bob)
    assert desk("ada", "recover", ada, "--veto", role="root").code == 0
    refused = desk("bob", "recover", ada, "--veto", role="root")
    assert (refused.code, refused.json["error"]["code"]) == (41, "registry.forbidden")
    assert desk("bob", "recover", ada).code == 2
    assert desk("bob", "recover", "ada", "--reason", "x").code == 2
    assert desk("bob", "recover", ada, "--reason", "again").json["publisher_id"] == ada
    assert "It has ended." in desk.says("ada", "recover", ada, "--veto", role="root").out


def id_token(desk: Desk, **changes: Json) -> str:
    now = desk.world.clock.now()
    claims = {
        "iss": ISSUER, "aud": desk.world.services.settings.registry_id, "iat": now, "exp": now + 300, "jti": f"{changes}", "repository": "ada/hello", **changes,
    }  # fmt: skip
    text = f"{encode_part(json.dumps({'alg': 'EdDSA', 'kid': 'a', 'typ': 'JWT'}).encode())}.{encode_part(json.dumps(claims).encode())}"
    return f"{text}.{encode_part(fixed_signer('ci').sign(text.encode()))}"


@pytest.fixture
def built(desk: Desk) -> Desk:
    jwks = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA", "x": encode_part(fixed_signer("ci").public_key)}]}
    add_issuer(desk.world.services, ISSUER, keys=json.dumps(jwks).encode())
    return desk


def test_a_build_publishes(built: Desk, mpp: Mpp, tmp_path: Path) -> None:
    made = built.says("ada", "trusted", "add", HELLO, "--issuer", ISSUER, "--claim", "repository=ada/hello")
    assert made.code == 0, made.err
    assert "repository = ada/hello" in made.out
    file, token = tmp_path / "hello.mpp", tmp_path / "token"
    file.write_bytes(signed(built.publishers["ada"], {"package_id": HELLO, "version": "0.2.0"}))
    token.write_text(id_token(built, n="1") + "\n")
    done = mpp("registry", "trusted", "publish", file, "--id-token-file", token, "--json")
    assert (done.code, done.json["state"]) == (0, "published")
    again = mpp("registry", "trusted", "publish", file, "--id-token-file", token, "--json")
    assert (again.code, again.json["error"]["code"]) == (41, "registry.replay")
    file.write_bytes(signed(built.publishers["ada"], {"package_id": HELLO, "version": "0.3.0"}))
    token.write_text(id_token(built, repository="eve/hello"))
    assert mpp("registry", "trusted", "publish", file, "--id-token-file", token, "--json").json["error"]["code"] == "registry.oidc"
    token.write_text(id_token(built, n="2"))
    assert "Published com.example.hello 0.3.0" in mpp("registry", "trusted", "publish", file, "--id-token-file", token).out


def test_rules_are_listed_and_removed(built: Desk) -> None:
    assert "No build" in built.says("ada", "trusted", "list").out
    made = built("ada", "trusted", "add", HELLO, "--issuer", ISSUER, "--claim", "repository=ada/hello").json
    assert built("ada", "trusted", "list").json["rules"] == [
        {"rule_id": made["rule_id"], "issuer": ISSUER, "claims": {"repository": "ada/hello"}, "packages": [HELLO]}
    ]
    assert "ada/hello" in built.says("ada", "trusted", "list").out
    assert built("bob", "trusted", "remove", made["rule_id"]).json["error"]["code"] == "registry.absent"
    assert built("ada", "trusted", "remove", made["rule_id"]).json["ok"]
    assert built.says("ada", "trusted", "remove", made["rule_id"]).code == 41


@pytest.mark.parametrize(("claims", "code"), [(("workflow=x",), 41), (("repository",), 2), (("a=1", "a=2"), 2), (("=x",), 2)])
def test_a_rule_that_makes_no_sense_is_refused(built: Desk, claims: tuple[str, ...], code: int) -> None:
    words = [word for one in claims for word in ("--claim", one)]
    assert built("ada", "trusted", "add", HELLO, "--issuer", ISSUER, *words).code == code


def test_a_staged_version_of_a_build(built: Desk, mpp: Mpp, tmp_path: Path) -> None:
    who = team("Team")
    built.keys("team", who, "release")
    built.world.register(who)
    built("team", "trusted", "add", "com.example.team", "--issuer", ISSUER, "--claim", "repository=ada/hello")
    file, token = tmp_path / "team.mpp", tmp_path / "token"
    file.write_bytes(signed(who, {"package_id": "com.example.team"}))
    token.write_text(id_token(built))
    assert mpp("registry", "trusted", "publish", file, "--id-token-file", token, "--json").json["state"] == "staged"


def test_files_that_are_not_there_or_not_signed(desk: Desk, mpp: Mpp, tmp_path: Path) -> None:
    assert mpp("registry", "owners", HELLO, "-k", tmp_path / "none.key").code == 2
    from mpp.testing.packages import unsigned

    file = tmp_path / "plain.mpp"
    file.write_bytes(unsigned())
    token = tmp_path / "token"
    token.write_text("x")
    assert mpp("registry", "trusted", "publish", file, "--id-token-file", token).code == 15


def test_publishers_of_the_home_are_those_of_its_keys(desk: Desk, mpp: Mpp, home: Path) -> None:
    """Without -k, the key of this home asks."""
    assert mpp("keygen", "-o", home / "keys", "--name", "Home", "--no-passphrase").code == 0
    chain = load_chain(str(home / "keys" / "publisher.json"))
    assert mpp("register").code == 0
    both = tuple(Owner(publisher_id=one, role="owner") for one in sorted((desk.publishers["ada"].id, chain.publisher_id)))
    change_owners(desk.world.services, HELLO, both, None)
    assert mpp("registry", "owners", HELLO, "--owner", desk.publishers["ada"].id, "--json").json["is_done"]
