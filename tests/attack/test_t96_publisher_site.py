"""T96: publishers who log in to the web site with their key. Words that are stolen, passed on, made up or used twice; forms from elsewhere; keys that lost their role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.protocol.registry.requests import sign_request
from mpp.testing.keys import publisher
from mpp_registry.publishers.entering import enter, grant_entry
from mpp_registry.publishers.limits import ENTER_SECONDS, ENTERS_EACH_MAX
from mpp_registry.publishing.actor import Actor
from mpp_registry.web.limits import LOGINS_PER_MINUTE
from tests.registry.api.world import serving, somebody
from tests.registry.web.test_me import actor, enters, OTHER, WHO
from tests.registry.web.world import Browser, World

SITE = "https://registry.test"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "registry")
    for who in (WHO, OTHER):
        made.register(who)
    yield made
    made.close()


def word(world: World) -> str:
    return grant_entry(world.services, actor(WHO), SITE).code


def is_in(browser: Browser) -> bool:
    return browser.get("/me").status == 200


# -- what is signed


def test_a_request_that_a_server_elsewhere_passes_on_opens_nothing(tmp_path: Path) -> None:
    """The publisher's command line talks to a server that only repeats the registry's documents: the address that it signs is that server's."""
    with serving(str(tmp_path)) as world:
        who, own = somebody(), world.services.settings.url
        assert world.register(who).status == 201
        for site in ("https://evil.example", own + ".evil.example", own.replace("registry", "regisfry"), own + "/path", ""):
            answer = world.signed(who, "POST", "/v1/site/entry", json.dumps({"site": site}).encode())
            assert answer.status in {400, 401, 403, 409, 422}, (site, answer)
            assert "code" not in json.loads(answer.body) or json.loads(answer.body)["code"].startswith("registry.")
        body = json.dumps({"site": own}).encode()
        header = world.header(who, "POST", "/v1/site/entry", body)
        asked = {"authorization": header, "content-type": "application/json"}
        # Another body, another address, nobody's signature; then the true one, once.
        assert world.ask("POST", "/v1/site/entry", json.dumps({"site": own + "/"}).encode(), asked).status == 401
        assert world.ask("POST", "/v1/site/entry", body, {"content-type": "application/json"}).status == 401
        asked = {**asked, "authorization": world.header(who, "POST", "/v1/site/entry", body)}
        assert world.ask("POST", "/v1/site/entry", body, asked).status == 201
        again = world.ask("POST", "/v1/site/entry", body, asked)
        assert (again.status, again.json["code"]) == (401, "registry.replay")


def test_a_request_for_another_registry_opens_nothing(tmp_path: Path) -> None:
    with serving(str(tmp_path)) as world:
        who = somebody()
        assert world.register(who).status == 201
        body = json.dumps({"site": world.services.settings.url}).encode()
        header = sign_request(
            who.release[0],
            method="POST",
            target="/v1/site/entry",
            body_sha256=sha256(body).hexdigest(),
            audience="f" * 64,
            at=world.clock.now(),
            nonce="1" * 32,
        )
        answer = world.ask("POST", "/v1/site/entry", body, {"authorization": header, "content-type": "application/json"})
        assert (answer.status, answer.json["code"]) == (401, "registry.request")


def test_a_token_of_a_build_opens_nothing(world: World) -> None:
    for how in (
        Actor(publisher_id=WHO.id, key_id="oidc:1", how="token", packages=("com.example.notes",)),
        Actor(publisher_id=WHO.id, key_id="a" * 64, how="signed"),
    ):
        with pytest.raises(Refused) as caught:
            grant_entry(world.services, how, SITE)
        assert caught.value.code == "registry.forbidden"


def test_a_loop_gets_no_further(world: World) -> None:
    for _ in range(ENTERS_EACH_MAX):
        word(world)
    with pytest.raises(Refused) as caught:
        word(world)
    assert caught.value.code == "registry.rate"
    world.clock.moment += ENTER_SECONDS + 1
    word(world)


# -- the word


def test_a_word_works_once(world: World) -> None:
    """Attack: a history, a log of a proxy, a look over the shoulder."""
    code = enters(world)
    thief = Browser(world.app)
    assert thief.get(f"/me/enter?code={code}").status == 403
    assert thief.post("/me/enter", {"code": code}).status == 403
    assert not is_in(thief)
    assert is_in(world.browser)


def test_a_look_uses_nothing_up(world: World) -> None:
    """Browsers, mail programs and scanners look at addresses beforehand."""
    code = word(world)
    for _ in range(3):
        assert world.browser.get(f"/me/enter?code={code}").status == 200
    assert not is_in(world.browser)
    assert world.browser.post("/me/enter", {"code": code}).status == 303


def test_a_word_grows_old(world: World) -> None:
    code = word(world)
    world.clock.moment += ENTER_SECONDS
    assert world.browser.post("/me/enter", {"code": code}).status == 403


def test_a_word_is_not_made_up(world: World) -> None:
    secret, publisher_id, key = word(world).split(".")
    for made in (
        "",
        "x",
        f"{secret}.{OTHER.id}.{key}",
        f"{secret}.{publisher_id}.{'0' * 64}",
        f"{secret}.{publisher_id}",
        f"A{secret[1:]}.{publisher_id}.{key}",
        "\x00" * 194,
    ):
        assert enter(world.services, made) == ""
    for number in range(LOGINS_PER_MINUTE):
        assert world.browser.post("/me/enter", {"code": f"{number:064x}.{publisher_id}.{key}"}).status == 403
    assert world.browser.post("/me/enter", {"code": word(world)}).status == 429, "guessing is slow"
    assert world.browser.get(f"/me/enter?code={word(world)}").status == 429


def test_whoever_reads_the_database_has_no_word_and_no_cookie(world: World) -> None:
    code = word(world)
    cookie = enter(world.services, word(world))
    with world.services.database.read() as rows:
        kept = " ".join(str(row[0]) for row in rows.all("SELECT nonce FROM once"))
    for text in (code, cookie):
        assert text.split(".")[0] not in kept
    assert sha256(code.encode()).hexdigest() in kept


# -- phishing and forms from elsewhere


def test_somebody_elses_word_says_whose_it_is(world: World) -> None:
    """Attack: the attacker's own word, so that a publisher works in the attacker's session. Nothing happens before a person saw the name and pressed a button."""
    code = grant_entry(world.services, actor(OTHER), SITE).code
    shown = world.browser.get(f"/me/enter?code={code}")
    assert "Log in as “<bdi>Other</bdi>”?" in shown.text
    assert "close the page" in shown.text
    assert not shown.header("set-cookie")


def test_forms_from_elsewhere_are_refused(world: World) -> None:
    code = word(world)
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}):
        assert world.browser.post("/me/enter", {"code": code}, **headers).status == 403
    enters(world)
    assert world.browser.post("/me/logout", {}, origin="https://evil.example").status == 403
    world.browser.post("/me/logout", {"form_token": "0" * 64})
    assert is_in(world.browser), "logged out by nobody's form"


def test_its_pages_are_in_no_frame_and_no_cache(world: World) -> None:
    enters(world)
    for target in ("/me", "/me/login", f"/me/enter?code={word(world)}"):
        page = world.browser.get(target)
        assert page.header("cache-control") == "no-store", target
        assert "frame-ancestors 'none'" in page.header("content-security-policy")
        assert page.header("referrer-policy") == "same-origin", "the word stands in the address, and is told to nobody else"


def test_a_session_changes_nothing(tmp_path: Path) -> None:
    """Whoever steals the cookie reads for an hour. The interface takes signed requests alone."""
    with serving(str(tmp_path)) as world:
        who = somebody()
        world.register(who)
        world.publish(who)
        found = world.signed(who, "POST", "/v1/site/entry", json.dumps({"site": world.services.settings.url}).encode())
        cookie = enter(world.services, str(found.json["code"]))
        headers = {"cookie": f"mpp-publisher={cookie}", "content-type": "application/json"}
        body = json.dumps({"status": "revoked", "reason": "x"}).encode()
        assert world.ask("PUT", "/v1/packages/com.example.hello/versions/0.1.0/status", body, headers).status == 401
        assert world.ask("GET", "/v1/staged", None, headers).status == 401


# -- sessions


def test_a_session_begins_with_a_new_cookie(world: World) -> None:
    """Attack: a cookie that was put into the browser before."""
    planted = f"{'a' * 64}.{WHO.id}.{actor(WHO).key_id}"
    world.browser.cookie = f"mpp-publisher={planted}"
    enters(world)
    assert "a" * 64 not in world.browser.cookie
    world.browser.cookie = f"mpp-publisher={planted}"
    assert not is_in(world.browser)


def test_a_cookie_is_bound_to_its_publisher_and_key(world: World) -> None:
    enters(world)
    name, _, cookie = world.browser.cookie.partition("=")
    secret, publisher_id, key = cookie.split(".")
    for other in (f"{secret}.{OTHER.id}.{actor(OTHER).key_id}", f"{secret}.{OTHER.id}.{key}", f"{secret}.{publisher_id}.{actor(OTHER).key_id}"):
        world.browser.cookie = f"{name}={other}"
        assert not is_in(world.browser)


def test_a_key_that_is_taken_out_ends_its_sessions(world: World) -> None:
    enters(world)
    code = word(world)
    world.rotate(WHO, "new")
    assert not is_in(world.browser)
    assert world.browser.post("/me/enter", {"code": code}).status == 403


def test_a_publisher_that_is_stopped_is_out(world: World) -> None:
    enters(world)
    with world.services.database.write() as rows:
        rows.run("UPDATE publishers SET status = 'suspended' WHERE publisher_id = ?", WHO.id)
    assert not is_in(world.browser)


def test_names_that_want_to_be_markup(world: World) -> None:
    evil = publisher("<script>alert(1)</script>\"'>")
    world.register(evil)
    world.publish(evil, "com.evil.tool", "1.0.0")
    code = grant_entry(world.services, actor(evil), SITE).code
    assert "<script>alert" not in world.browser.get(f"/me/enter?code={code}").text
    world.browser.post("/me/enter", {"code": code})
    page = world.browser.get("/me")
    assert page.status == 200
    assert "<script>alert" not in page.text
