"""What a publisher sees of its own on the web site: private packages, what waits, reports, and the command for each change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.testing.keys import publisher, TestPublisher
from mpp_registry.advisories.reporting import report
from mpp.protocol.registry.bodies import ReportBody
from mpp_registry.publishers.entering import enter, grant_entry
from mpp_registry.publishers.limits import SESSION_IDLE_SECONDS, SESSION_SECONDS
from mpp_registry.publishing.actor import Actor
from tests.registry.web.markup import Page
from tests.registry.web.world import World

WHO, OTHER = publisher("Ada"), publisher("Other")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "registry")
    for who, package_id in ((WHO, "com.example.notes"), (OTHER, "com.other.tool")):
        made.register(who)
        made.publish(who, package_id, "1.0.0")
    made.publish(WHO, "com.example.secret", "0.9.0", visibility="private")
    yield made
    made.close()


def actor(who: TestPublisher) -> Actor:
    return Actor(publisher_id=who.id, key_id=key_id(who.release[0].public_key), how="signed", roles=("release",))


def enters(world: World, who: TestPublisher = WHO) -> str:
    """As with the address that the command line printed."""
    code = grant_entry(world.services, actor(who), "https://registry.test").code
    shown = world.browser.get(f"/me/enter?code={code}")
    assert shown.status == 200, shown.text
    done = world.browser.post("/me/enter", {"code": code})
    assert (done.status, done.header("location")) == (303, "/me"), done.text
    return code


def test_the_way_in_is_shown_to_everybody_else(world: World) -> None:
    assert world.browser.get("/me").header("location") == "/me/login"
    page = world.browser.get("/me/login")
    assert (page.status, page.header("cache-control")) == (200, "no-store")
    assert "mpp registry login --site" in page.text
    assert 'href="/me"' in world.browser.get("/").text
    Page(page.text)


def test_a_publisher_sees_its_own(world: World) -> None:
    report(
        world.services,
        ReportBody(package_id="com.example.notes", version="1.0.0", kind="vulnerability", text="It reads too much.", contact="me@example.com"),
        "192.0.2.1",
    )
    report(world.services, ReportBody(package_id="com.example.notes", version="1.0.0", kind="malware", text="It steals.", contact=""), "192.0.2.1")
    report(world.services, ReportBody(package_id="com.other.tool", version="1.0.0", kind="other", text="Another's.", contact=""), "192.0.2.1")
    with world.services.database.write() as rows:
        columns = "staged_id, package_id, version, publisher_id, content_hash, file_hash, size, visibility, uploaded_by, signers, state, reason, at"
        for staged_id, who in (("aa" * 16, WHO), ("bb" * 16, OTHER)):
            rows.run(
                f"INSERT INTO staged ({columns}) VALUES (?, 'com.example.notes', '1.1.0', ?, ?, ?, 10, 'public', ?, ?, 'waiting', '', 1)",
                staged_id, who.id, "1" * 64, "2" * 64, "3" * 64, "3" * 64,
            )  # fmt: skip
    enters(world)
    page = world.browser.get("/me")
    assert (page.status, page.header("cache-control")) == (200, "no-store")
    Page(page.text)
    for words in (
        "com.example.secret", "com.example.notes", "It reads too much.", f"mpp registry staged {'aa' * 16} --save waiting.mpp",
        "mpp yank com.example.notes@1.0.0", "--deprecate",
    ):  # fmt: skip
        assert words in page.text, words
    for words in ("com.other.tool", "bb" * 16, "Another's.", "It steals.", "me@example.com"):
        assert words not in page.text, words
    # A private package has no page of its own for browsers.
    assert 'href="/packages/com.example.secret"' not in page.text


def test_going_out_ends_it(world: World) -> None:
    enters(world)
    cookie = world.browser.cookie
    token = world.browser.get("/me").text.split('name="form_token" value="')[1].split('"')[0]
    assert world.browser.post("/me/logout", {"form_token": token}).header("location") == "/me/login"
    world.browser.cookie = cookie
    assert world.browser.get("/me").status == 303


def test_it_sleeps_in_and_ends(world: World) -> None:
    enters(world)
    begun = world.clock.moment
    while world.clock.moment < begun + SESSION_SECONDS - SESSION_IDLE_SECONDS:
        world.clock.moment += SESSION_IDLE_SECONDS - 60
        assert world.browser.get("/me").status == 200
    world.clock.moment = begun + SESSION_SECONDS
    assert world.browser.get("/me").status == 303
    enters(world)
    world.clock.moment += SESSION_IDLE_SECONDS
    assert world.browser.get("/me").status == 303, "nobody was there"


def test_a_registry_that_is_not_for_everybody_lets_publishers_in(tmp_path: Path) -> None:
    world = World(tmp_path / "closed", is_public=False)
    try:
        world.register(WHO)
        assert world.browser.get("/").header("location") == "/admin/login"
        enters(world)
        assert world.browser.get("/me").status == 200
        # The session is for this page alone.
        assert world.browser.get("/").header("location") == "/admin/login"
    finally:
        world.close()


def test_over_https_the_cookie_has_its_prefix(world: World) -> None:
    code = grant_entry(world.services, actor(WHO), "https://registry.test/").code
    cookie = dict(world.browser.post("/me/enter", {"code": code}).headers)["set-cookie"]
    assert cookie.startswith("__Host-mpp-publisher=")
    for words in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/", f"Max-Age={SESSION_SECONDS}"):
        assert words in cookie
    assert enter(world.services, "x") == ""
