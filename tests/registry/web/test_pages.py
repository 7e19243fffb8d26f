"""Each page of a friendly registry: well formed, accessible, linked, under the strict policy; and says what it has to say."""

from __future__ import annotations

import re

import pytest

from mpp.model.jsontext import Json
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW
from mpp.protocol.registry.peerlist import Peer
from mpp_registry.federation.peers import Evidence, Seen, add_peer, keep_evidence, keep_seen
from mpp_registry.web.headers import POLICY, SECURITY
from tests.registry.web.markup import Page
from tests.registry.web.world import World

PACKAGE = "/packages/com.example.notes"
PAGES = (
    "/", "/about", "/search", "/search?q=notes", "/search?q=nothing-has-this", "/search?order=popular", "/search?order=name&sound=1", PACKAGE,
    f"{PACKAGE}/versions", f"{PACKAGE}/versions/1.0.0", f"{PACKAGE}/versions/1.1.0-beta.1", f"{PACKAGE}/report", "/packages/org.northwind.mailer",
    "/packages/org.northwind.orders", "/namespaces/com.example", "/namespaces/org.northwind", "/log", "/log?before=4", "/log/0", "/log/9", "/log/checkpoints",
    "/log/consistency", "/log/consistency?from=3&to=9", "/log/consistency?from=3&to=9999", "/status", "/advisories", "/admin/login",
)  # fmt: skip
FAULTY = (
    ("/packages/com.example.gone", 404), (f"{PACKAGE}/versions/9.9.9", 404), ("/publishers/none", 404), ("/namespaces/net.nobody", 404), ("/log/99999", 404),
    ("/log/x", 400), ("/log?before=-1", 400), ("/log?before=1e5", 400), ("/search?cursor=nonsense", 400), ("/static/nothing.css", 404),
    (f"{PACKAGE}/versions/1.1.0/nothing", 404), ("/packages/com.example.gone/report", 404), ("/packages/com.example.gone/versions", 404), ("/advisories?cursor=x", 400),
)  # fmt: skip


def publishers(site: World) -> list[str]:
    with site.services.database.read() as rows:
        return [f"/publishers/{one[0]}" for one in rows.all("SELECT publisher_id FROM publishers")]


@pytest.mark.parametrize("place", PAGES)
def test_a_page_is_well_formed_labelled_and_complete(site: World, place: str):
    answer = site.browser.get(place)
    assert answer.status == 200
    assert Page(answer.text).faults == []


@pytest.mark.parametrize(("place", "status"), FAULTY)
def test_what_is_not_there_is_a_page_too(site: World, place: str, status: int):
    answer = site.browser.get(place)
    assert (answer.status, answer.header("content-type")) == (status, "text/html; charset=utf-8")
    assert Page(answer.text).faults == []
    assert answer.header("cache-control") == "no-store"


def test_each_answer_has_the_headers_that_protect_it(site: World):
    for place in (*PAGES, *(one for one, _ in FAULTY), "/static/site.css", f"{PACKAGE}/versions/1.1.0/readme.md"):
        answer = site.browser.get(place)
        assert [answer.header(name) for name, _ in SECURITY] == [item for _, item in SECURITY], place
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "http:" not in POLICY


def test_every_link_leads_somewhere(site: World):
    """Walks the whole site. Addresses of the programming interface are others'."""
    seen: set[str] = set()
    wanted = ["/"]
    while wanted:
        place = wanted.pop()
        seen.add(place)
        answer = site.browser.get(place)
        assert answer.status in ({200, 303} if place.startswith(("/admin", "/me")) else {200}), place
        if answer.status == 200 and answer.header("content-type").startswith("text/html"):
            page = Page(answer.text)
            assert page.faults == [], place
            wanted += [one for one in {*page.inner(place), *page.loads} if one not in seen and not one.startswith(("/v1/", "/health")) and one not in wanted]
    assert {"/log/0", PACKAGE, f"{PACKAGE}/versions/1.0.0", "/namespaces/com.example", *publishers(site)} <= seen
    assert len(seen) > 60


def test_the_verdict_comes_first_and_names_what_it_stands_on(site: World):
    page = Page(site.browser.get(PACKAGE).text)
    words = " ".join(page.words.split())
    assert words.index("Signed, logged and in good standing") < words.index("What it may do")
    for part in ("“Ada's Workshop”", "example.com, proven by a DNS record since 15 June 2025", "entry 8 of 21", "2 witnesses: witness.example.net", "Active."):
        assert part in words, part


def test_what_a_version_newly_asks_for_is_said_beside_it(site: World):
    words = " ".join(Page(site.browser.get(PACKAGE).text).words.split())
    new = words[words.index("New since 1.0.0") :]
    assert "May send requests to api.example.com over HTTPS." in new
    assert "Brings the new tool write_note (security level medium)." in new
    older = " ".join(Page(site.browser.get(f"{PACKAGE}/versions/1.0.0").text).words.split())
    assert "There is no earlier version to compare with." in older
    beta = " ".join(Page(site.browser.get(f"{PACKAGE}/versions/1.1.0-beta.1").text).words.split())
    assert "New since 1.0.0" in beta


def test_a_revoked_version_is_red_does_not_install_and_carries_its_advisory(site: World):
    text = site.browser.get("/packages/org.northwind.mailer").text
    words = " ".join(Page(text).words.split())
    assert "Revoked: do not use this version" in words
    assert "Reason: the key that signed it was stolen" in words
    assert "1 advisory about this package" in words
    assert "This version does not install." in words
    assert "mpp install" not in text
    assert 'class="card verdict bad"' in text


def test_a_tool_is_shown_as_a_form_that_is_sent_nowhere(site: World):
    text = site.browser.get(PACKAGE).text
    page = Page(text)
    tools = text[text.index('id="tools"') : text.index('id="versions"')]
    assert "<form" not in tools
    assert "name=" not in re.sub(r'data-field="[^"]*"', "", tools)
    assert re.search(r'<label for="(t0-\d+)"><bdi>query</bdi>', tools)
    assert "<option>newest</option>" in tools
    words = " ".join(page.words.split())
    assert "How many notes at most (at least 1, at most 50, otherwise 10)" in words
    assert """mpp run com.example.notes-1.1.0.mpp --tool search_notes --args '{"query": "text"}'""" in words


def test_materials_origin_and_documents_are_there(site: World):
    words = " ".join(Page(site.browser.get(PACKAGE).text).words.split())
    assert "CycloneDX 1.6, 2 parts, made with mpp 0.1.0, wasi-sdk 24." in words
    assert "textwrap-wasm library2.3.1MITefefefef" in words
    assert "rust, 2 source files, a build that gives the same bytes each time, made with rustc 1.91.0." in words
    for name, kind in (("manifest.json", "application/json"), ("sbom.json", "application/json"), ("readme.md", "text/plain; charset=utf-8")):
        answer = site.browser.get(f"{PACKAGE}/versions/1.1.0/{name}")
        assert answer.header("content-type") == kind
        assert answer.header("content-disposition") == f'attachment; filename="{name}"'
    assert site.browser.get(f"{PACKAGE}/versions/1.0.0/sbom.json").status == 404


def test_the_graph_adds_up(site: World):
    text = site.browser.get(PACKAGE).text
    bars = [int(one.replace(",", "")) for one in re.findall(r"<title>[^<]*: ([0-9,]+) downloads?</title>", text)]
    assert len(bars) == 90
    assert sum(bars) == 18_216
    assert f"{sum(bars[-7:]):,} in seven days" in text


def test_a_publisher_has_its_fingerprint_keys_and_their_history(site: World):
    pages = [Page(site.browser.get(place).text) for place in publishers(site)]
    words = next(" ".join(page.words.split()) for page in pages if "Northwind" in page.words)
    assert "Root document, version 2 in force" in words
    assert words.count("revoked pub_") == 2
    assert "stolen, for a test" in words
    assert "changed its keys: root document version 2" in words
    assert "The first version: its hash is the publisher id." in words


def test_proofs_of_the_log_hold_and_are_shown(site: World):
    for index in (0, 1, 7, 20):
        words = " ".join(Page(site.browser.get(f"/log/{index}").text).words.split())
        assert "The path below leads from the hash of this entry to the root that is signed." in words
    words = " ".join(Page(site.browser.get("/log/consistency?from=3&to=21").text).words.split())
    assert "The later tree begins with the earlier one." in words


def test_a_root_that_does_not_fit_is_called_so(world: World):
    with world.services.database.write() as rows:
        rows.run("UPDATE log_leaves SET leaf = ? WHERE idx = 0", b'{"kind":"registry.opened","name":"forged"}')
    entry = Page(world.browser.get("/log/0").text)
    assert "The path does NOT lead to the signed root." in entry.words
    status = Page(world.browser.get("/status").text)
    assert "the newest entry is NOT in the signed root" in status.words
    assert "Something is wrong" in status.words


def test_the_status_page_checks_what_it_says(site: World, world: World):
    words = " ".join(Page(site.browser.get("/status").text).words.split())
    assert "Everything that can be checked here holds" in words
    assert "the log key signed exactly this head" in words
    alone = " ".join(Page(world.browser.get("/status").text).words.split())
    assert "It works; read what is marked" in alone
    world.clock.moment += 3 * 86_400
    assert "signed 3 days ago" in world.browser.get("/status").text
    world.clock.moment -= 10 * 86_400
    assert "a clock is wrong" in world.browser.get("/status").text
    with world.services.database.write() as rows:
        rows.run("UPDATE checkpoints SET root = ?", bytes(32))
    assert "what is signed is another head" in world.browser.get("/status").text
    with world.services.database.write() as rows:
        rows.run("UPDATE checkpoints SET note = ?", b"no note")
    assert "this is no signed note" in world.browser.get("/status").text


def test_search_finds_pages_through_and_leaves_out(world: World):
    who = publisher("Many")
    world.register(who)
    for number in range(25):
        world.publish(who, f"com.example.tool-{number:02d}", "1.0.0", changes={"name": f"tool-{number}", "description": "A tool among many"})
    first = world.browser.get("/search?q=tool").text
    assert first.count("<li>\n<h3>") == 20
    following = next(one for one in Page(first).inner("/search") if "cursor=" in one)
    assert world.browser.get(following).text.count("<li>\n<h3>") == 5
    world.set_status("com.example.tool-03", "1.0.0", "deprecated", "old")
    assert "tool-03" in world.browser.get("/search?q=tool-03").text
    listed = world.browser.get("/search?q=tool-03&sound=1").text
    assert "/packages/com.example.tool-03" not in listed
    by_name = world.browser.get("/search?order=name").text
    assert by_name.index("tool-00") < by_name.index("tool-01") < by_name.index("tool-19")
    assert world.browser.get("/publishers/" + who.id).text.count("<li>\n<h3>") == 20
    assert "cursor=" in world.browser.get("/namespaces/com.example").text


def test_a_page_that_did_not_change_is_not_sent_again(site: World):
    first = site.browser.get(PACKAGE)
    tag = first.header("etag")
    again = site.browser.get(PACKAGE, if_none_match=f'"other", W/{tag}')
    assert (again.status, again.body, again.header("etag")) == (304, b"", tag)
    assert site.browser.get(PACKAGE, if_none_match='"other"').status == 200


def test_files_of_the_site_are_kept_for_ever_under_the_address_of_their_bytes(site: World):
    for place in Page(site.browser.get("/").text).loads:
        answer = site.browser.get(place)
        assert "immutable" in answer.header("cache-control")
        assert site.browser.get(place.partition("?")[0]).header("cache-control") == "no-cache"
    assert "url(" not in site.browser.get("/static/site.css").text
    assert "innerHTML" not in site.browser.get("/static/site.js").text


def test_a_package_without_a_stable_version_shows_its_highest(world: World):
    who = publisher("Early")
    world.register(who)
    world.publish(who, "com.example.early", "1.0.0-alpha.1")
    world.publish(who, "com.example.early", "1.0.0-alpha.2")
    words = " ".join(Page(world.browser.get("/packages/com.example.early").text).words.split())
    assert "com.example.early 1.0.0-alpha.2" in words
    assert "nobody has proven the domain in this name" in words
    assert "none has countersigned a head that holds it" in words


def test_many_versions_have_pages_of_their_own(world: World):
    who = publisher("Busy")
    world.register(who)
    for number in range(25):
        world.publish(who, "com.example.busy", f"1.{number}.0")
    text = world.browser.get("/packages/com.example.busy").text
    assert "All 25 versions" in text
    assert "Versions (25)" in text
    first = world.browser.get("/packages/com.example.busy/versions").text
    following = next(one for one in Page(first).inner("/") if "cursor=" in one)
    assert "1.4.0" in world.browser.get(following).text
    assert "Nothing more than" in text


def test_peers_are_shown_if_this_registry_signed_for_them(world: World):
    other = publisher("Neighbour")
    made = add_peer(world.services, Peer(chain=other.chain, url="https://other.example", namespaces=("*",)))
    assert len(made.peers) == 1
    words = " ".join(Page(world.browser.get("/status").text).words.split())
    assert "1 registry is asked" in words
    assert "“Neighbour”" in words
    with world.services.database.write() as rows:
        seen = Seen(registry_id=other.id, roots=other.chain.data, size=7, root=bytes(32), note=b"", at=NOW)
        keep_seen(rows, seen)
        keep_evidence(rows, Evidence(registry_id=other.id, kind="fork", at=NOW, words="two", before=b"a", after=b"b"))
    words = " ".join(Page(world.browser.get("/status").text).words.split())
    assert "proven last 2026-01-01 00:00:00 UTC, 7 entries" in words
    assert "of which 1 told two stories" in words
    with world.services.database.write() as rows:
        rows.run("UPDATE peer_lists SET document = ?", b"{}")
    page = Page(world.browser.get("/status").text)
    assert page.faults == []
    assert "Something is wrong" in page.words
    assert "Neighbour" not in page.words


def test_without_a_head_of_the_log_pages_say_so(world: World):
    who = publisher("Ada")
    world.register(who)
    world.publish(who, "com.example.tool", "1.0.0")
    with world.services.database.write() as rows:
        rows.run("DELETE FROM checkpoints")
    for place in ("/", "/status", "/log", "/log/1", "/log/checkpoints", "/log/consistency", "/packages/com.example.tool"):
        page = Page(world.browser.get(place).text)
        assert page.faults == [], place
    assert "there is none" in world.browser.get("/status").text
    assert "No signed head of the log holds it yet." in world.browser.get("/log/1").text


def test_a_root_document_that_does_not_read_shows_no_key(world: World):
    who = publisher("Ada")
    world.register(who)
    with world.services.database.write() as rows:
        rows.run("UPDATE publishers SET roots = ?", who.chain.data.replace(b'"release"', b'"relaese"'))
    words = Page(world.browser.get(f"/publishers/{who.id}").text).words
    assert "The root document cannot be read." in words
    assert "in force" not in words


def test_a_layer_is_called_so_and_what_stands_on_it_leads_there(world: World):
    who = publisher("Ada")
    world.register(who)
    layer: dict[str, Json] = {"runtime/type": "layer", "tool_definitions": None}
    world.publish(who, "com.example.python", "3.14.0", changes=layer)
    with world.services.database.read() as rows:
        row = rows.one("SELECT content_hash FROM versions")
    assert row is not None
    stands: dict[str, Json] = {
        "runtime/type": "python",
        "runtime/entrypoint": "main.py",
        "runtime/layer": {"id": "com.example.python", "version": "3.14.0", "sha256": str(row[0])},
    }
    world.publish(who, "com.example.tool", "1.0.0", changes=stands)
    text = world.browser.get("/packages/com.example.tool").text
    assert '<a href="/packages/com.example.python/versions/3.14.0">' in text
    assert "Runs on the layer com.example.python 3.14.0" in text
    words = " ".join(Page(world.browser.get("/packages/com.example.python").text).words.split())
    assert "Layer com.example.python 3.14.0" in words
    assert "A layer has no tools of its own" in words
    stands["runtime/layer"] = {"id": "com.example.other", "version": "1.0.0", "sha256": "ab" * 32}
    world.publish(who, "com.example.tool", "1.1.0", changes=stands)
    assert "which is not in this registry" in world.browser.get("/packages/com.example.tool").text


def test_the_first_page_leads_to_nothing_that_must_not_be_used(site: World):
    text = site.browser.get("/").text
    assert "com.example.weather" in text
    assert "org.northwind.mailer" not in text
    assert "org.northwind.mailer" in site.browser.get("/search?order=name").text
