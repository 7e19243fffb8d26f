"""What an administrator does in a browser: each queue, each action, and what the log says afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest
from starlette.applications import Starlette

from mpp.protocol.registry.events import NamespaceProven, PublisherRecovery, PublisherStatusChanged, VersionPublished, VersionStatusChanged
from mpp_registry.publishers.recovering import ask_recovery
from mpp_registry.web.routes import web_routes
from tests.registry.publishing.worlds import ALICE, BOB, World
from tests.registry.web.markup import Page
from tests.registry.web.world import TOKEN, Answered, Browser


class Desk:
    """An administrator, logged in, at a registry whose publishers work through the front door."""

    def __init__(self, world: World) -> None:
        self.world = world
        settings = replace(world.services.settings, admin_token_sha256=sha256(TOKEN.encode()).hexdigest())
        self.services = replace(world.services, settings=settings)
        self.browser = Browser(Starlette(routes=web_routes(self.services)))
        assert self.browser.post("/admin/login", {"token": TOKEN}).header("location") == "/admin"

    def page(self, place: str = "/admin") -> str:
        answer = self.browser.get(place)
        assert answer.status == 200
        page = Page(answer.text)
        assert page.faults == []
        return " ".join(page.words.split())

    def press(self, act: str, place: str = "/admin", **fields: str) -> Answered:
        """Send the form of this action as it stands on the page, with what was filled in, and go where it leads."""
        text = self.browser.get(place).text
        forms = re.findall(r"<form [^>]*action=\"/admin/act\".*?</form>", text, re.DOTALL)
        given = [dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', one)) for one in forms]
        form = next(one for one in given if one["act"] == act and all(one.get(name, item) == item for name, item in fields.items()))
        answer = self.browser.post("/admin/act", {**form, **fields})
        return self.browser.get(answer.header("location")) if answer.status == 303 else answer


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    world = World(tmp_path)
    world.join(ALICE)
    world.join(BOB)
    yield Desk(world)
    world.close()


def test_an_empty_desk_says_so(desk: Desk):
    words = desk.page()
    for said in ("Nobody reported anything.", "Nothing waits.", "Nothing is held back.", "Nobody asked for one.", "None."):
        assert said in words


def test_a_report_of_a_stranger_reaches_the_desk_and_is_closed(desk: Desk):
    desk.world.publish(ALICE)
    stranger = Browser(desk.browser.app)
    form = {"version": "1.0.0", "kind": "malware", "text": "It reads my mail.\r\nSee the log.", "contact": "eve@example.com"}
    answer = stranger.post("/packages/com.example.hello/report", form)
    assert answer.header("location") == "/packages/com.example.hello/report?sent=1"
    assert "Your report is with the operator" in stranger.get(answer.header("location")).text
    words = desk.page()
    assert "com.example.hello 1.0.0 malware" in words
    assert "It reads my mail. See the log." in words
    assert "from eve@example.com" in words
    assert "The report is closed." in desk.press("close-report", reason="The key was changed").text
    assert "Nobody reported anything." in desk.page()
    assert desk.world.cell("SELECT answer FROM reports") == "The key was changed"


def test_a_report_that_is_refused_comes_back_with_what_was_written(desk: Desk):
    desk.world.publish(ALICE)
    place = "/packages/com.example.hello/report"
    hidden = desk.browser.post(place, {"version": "", "kind": "other", "text": "look\u202eat this", "contact": "me"})
    assert hidden.status == 400
    page = Page(hidden.text)
    assert page.faults == []
    assert "the report holds hidden characters" in page.words
    assert "look⟨U+202E⟩at this" in page.words
    assert desk.browser.post(place, {"kind": "nonsense", "text": "x"}).status == 400
    assert desk.browser.post(place, {"kind": "other", "text": ""}).status == 400
    for _ in range(5):
        assert desk.browser.post(place, {"kind": "other", "text": "fine"}).status == 303
    assert "too many reports within an hour" in desk.browser.post(place, {"kind": "other", "text": "fine"}).text
    desk.browser.address = "198.51.100.77"
    assert desk.browser.post(place, {"kind": "other", "text": "fine"}).status == 303


def test_what_is_staged_is_published_or_refused(tmp_path):
    world = World(tmp_path, staging=True)
    world.join(ALICE)
    desk = Desk(world)
    for version in ("1.0.0", "2.0.0"):
        world.clock.moment += 1
        assert world.publish(ALICE, version=version, description=f"Words of {version}").state == "staged"
    words = desk.page()
    assert "com.example.hello 1.0.0" in words
    assert "com.example.hello 2.0.0" in words
    assert "The version is published." in desk.press("approve").text
    assert isinstance(world.leaves()[-1], VersionPublished)
    assert "The version is refused." in desk.press("refuse", reason="It was built by nobody we know").text
    assert world.cell("SELECT state FROM staged WHERE version = '2.0.0'") == "refused"
    assert "Nothing waits." in desk.page()
    world.close()


def test_a_version_goes_into_quarantine_and_out_of_it(desk: Desk):
    desk.world.publish(ALICE)
    place = "/admin/package?id=com.example.hello&version=1.0.0"
    told = desk.press("version-status", place, version="1.0.0", status="quarantined", reason="It is looked at").text
    assert "The status is changed, and the change is in the log." in told
    assert "is now quarantined, said by the registry&#39;s operator" in told
    assert "Held back: do not use this version for now" in desk.browser.get("/packages/com.example.hello").text
    assert "It is looked at" in desk.page()
    desk.press("version-status", status="active", reason="Nothing was found")
    change = desk.world.leaves()[-1]
    assert isinstance(change, VersionStatusChanged)
    assert (change.status, change.reason, change.by) == ("active", "Nothing was found", "admin")
    desk.press("version-status", place, version="1.0.0", status="quarantined", reason="Once more")
    desk.press("version-status", status="revoked", reason="Something was found")
    refused = desk.press("version-status", place, version="1.0.0", status="active", reason="Sorry")
    assert refused.status == 409
    assert "what is revoked stays revoked" in refused.text


def test_a_publisher_is_suspended_and_its_page_says_so(desk: Desk):
    desk.world.publish(ALICE)
    place = f"/admin/publisher?id={ALICE.id}"
    told = desk.press("publisher-status", place, status="suspended", reason="Its key is on the web").text
    assert "The publisher&#39;s status is changed" in told
    assert isinstance(desk.world.leaves()[-1], PublisherStatusChanged)
    words = " ".join(Page(desk.browser.get("/packages/com.example.hello").text).words.split())
    assert "Signed, but something speaks against its publisher" in words
    assert "which is suspended here" in words


def test_a_namespace_is_proven_by_word_and_taken_away(desk: Desk):
    place = f"/admin/publisher?id={ALICE.id}"
    assert "proven by your word" in desk.press("prove", place, namespace="com.example").text
    assert desk.world.leaves()[-1] == NamespaceProven(namespace="com.example", publisher_id=ALICE.id, method="admin")
    desk.world.publish(ALICE)
    assert "by the word of the registry&#39;s operator" in desk.browser.get("/packages/com.example.hello").text
    assert "no longer proven" in desk.press("give-up", place, namespace="com.example").text
    assert "com.example" in desk.page()
    assert "is not any more" in desk.browser.get("/packages/com.example.hello").text
    assert desk.press("prove", place, namespace="not a namespace").status == 400


def test_a_recovery_is_made_public_or_refused(desk: Desk):
    ask_recovery(desk.services, ALICE.id, "The root key burned", desk.world.actor(BOB))
    assert "The root key burned" in desk.page()
    assert "The recovery is refused." in desk.press("refuse-recovery").text
    desk.world.clock.moment += 3600
    ask_recovery(desk.services, ALICE.id, "It really burned", desk.world.actor(BOB))
    assert "The recovery is public now." in desk.press("confirm-recovery").text
    change = desk.world.leaves()[-1]
    assert isinstance(change, PublisherRecovery)
    assert (change.state, change.successor) == ("asked", BOB.id)
    assert "due " in desk.page()
    assert "refuse-recovery" not in desk.browser.get("/admin").text


def test_what_was_done_is_read_from_the_log(desk: Desk):
    desk.world.publish(ALICE)
    desk.press("publisher-status", f"/admin/publisher?id={BOB.id}", status="suspended", reason="Nobody answers")
    desk.press("version-status", "/admin/package?id=com.example.hello", version="1.0.0", status="yanked", reason="Asked by its owner")
    words = desk.page("/admin/audit")
    assert "is now yanked, said by the registry's operator" in words
    assert "Reason: Nobody answers" in words
    assert "published by" not in words


def test_the_audit_goes_through_the_log_in_bounded_steps(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mpp_registry.web.admin.rows.AUDIT_LOOKED_AT", 2)
    desk.press("publisher-status", f"/admin/publisher?id={BOB.id}", status="suspended", reason="Nobody answers")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        desk.world.publish(ALICE, version=version, description=version)
    place, pages = "/admin/audit", 0
    while "Nobody answers" not in desk.page(place):
        place = next(one for one in Page(desk.browser.get(place).text).inner(place) if "before=" in one)
        pages += 1
    assert 0 < pages < 6


def test_an_administrator_sees_private_packages_on_the_desk_alone(desk: Desk):
    from mpp_registry.publishing import publish
    from tests.registry.publishing.worlds import package

    publish(desk.services, package(ALICE), desk.world.actor(ALICE), "private")
    assert "com.example.hello private" in desk.page("/admin/package?id=com.example.hello")
    assert desk.browser.get("/packages/com.example.hello").status == 404


def test_what_is_not_there_is_said(desk: Desk):
    assert desk.browser.get("/admin/package?id=com.example.none").status == 404
    assert desk.browser.get("/admin/publisher?id=none").status == 404
    assert desk.browser.get("/admin/audit?before=x").status == 400


def test_logging_out_ends_it(desk: Desk):
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', desk.browser.get("/admin").text)
    assert token
    answer = desk.browser.post("/admin/logout", {"form_token": token[1]})
    assert "Max-Age=0" in answer.header("set-cookie")
    assert desk.browser.get("/admin").header("location") == "/admin/login"
