"""The same pages over PostgreSQL: each statement of the site runs there once, those of administrators too."""

from __future__ import annotations

import re

from mpp.testing.keys import publisher
from mpp_registry.publishers.entering import grant_entry
from mpp_registry.publishers.limits import SESSION_IDLE_SECONDS
from mpp_registry.web.site import make_site
from tests.registry.web.markup import Page
from tests.registry.web.test_me import actor
from tests.registry.web.world import BEGIN, TOKEN, World, friendly

PLACES = (
    "/", "/search", "/search?q=notes", "/search?order=popular", "/search?order=name", "/packages/com.example.notes", "/packages/com.example.notes/versions",
    "/packages/com.example.notes/versions/1.0.0", "/packages/org.northwind.mailer", "/packages/com.example.notes/report", "/namespaces/com.example", "/log",
    "/log/9", "/log/checkpoints", "/log/consistency?from=3", "/status", "/advisories", f"/publishers/{publisher('Northwind Tools', releases=2).id}",
)  # fmt: skip
DESK = ("/admin", "/admin/package?id=com.example.notes", f"/admin/publisher?id={publisher('Northwind Tools', releases=2).id}", "/admin/audit")


def test_pages_are_the_same_over_postgresql(postgres_url: str, tmp_path, site: World):
    world = World(tmp_path / "registry", start=BEGIN, database_url=postgres_url)
    try:
        friendly(world)
        for place in PLACES:
            answer, other = world.browser.get(place), site.browser.get(place)
            assert answer.status == 200, place
            assert Page(answer.text).faults == []
            if place != "/status":
                assert answer.text == other.text, place
        assert "answers (postgres)" in world.browser.get("/status").text
        world.browser.post("/admin/login", {"token": TOKEN})
        for place in DESK:
            answer = world.browser.get(place)
            assert answer.status == 200, place
            assert Page(answer.text).faults == []
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', world.browser.get("/admin").text)
        assert token
        form = {"act": "version-status", "package_id": "com.example.weather", "version": "2.0.0", "status": "quarantined", "reason": "Looked at"}
        form["form_token"] = token[1]
        assert world.browser.post("/admin/act", form).status == 303
        assert "com.example.weather" in world.browser.get("/admin").text
        form = {"version": "", "kind": "other", "text": "A report", "contact": ""}
        assert world.browser.post("/packages/com.example.notes/report", form).status == 303
        assert "A report" in world.browser.get("/admin").text
        world.browser.post("/admin/logout", {"form_token": token[1]})
        assert world.browser.get("/admin").status == 303
        # A publisher's own pages: each of their statements.
        who = publisher("Newcomer")
        world.register(who)
        world.publish(who, "com.newcomer.secret", "1.0.0", visibility="private")
        code = grant_entry(world.services, actor(who), "https://registry.test").code
        assert world.browser.get(f"/me/enter?code={code}").status == 200
        assert world.browser.post("/me/enter", {"code": code}).status == 303
        assert world.browser.post("/me/enter", {"code": code}).status == 403
        mine = world.browser.get("/me")
        assert mine.status == 200
        assert Page(mine.text).faults == []
        assert "com.newcomer.secret" in mine.text
        world.clock.moment += SESSION_IDLE_SECONDS - 60
        assert world.browser.get("/me").status == 200
        world.clock.moment += SESSION_IDLE_SECONDS - 60
        assert world.browser.get("/me").status == 200, "it was kept awake"
        assert make_site(world.services).services.database.kind == "postgres"
    finally:
        world.close()
