"""T96: the web site of a registry. Texts of strangers that want to be markup, forms from elsewhere, and administrators who are none."""

from __future__ import annotations

import json
import re
import time
from hashlib import sha256
from urllib.parse import quote

import pytest

from mpp.testing.keys import publisher
from mpp_registry.web.limits import FORM_BYTES_MAX, LOGINS_ALL_PER_MINUTE, LOGINS_PER_MINUTE, SESSION_SECONDS
from mpp_registry.web.markdown import readme_markup
from tests.registry.web.markup import Page
from tests.registry.web.world import TOKEN, Browser, World

EVIL = "\"'><script src=//evil.example/x.js></script><img src=x onerror=alert(1)><svg/onload=alert(2)>{{77777*2}}</title></textarea></a>"
HIDDEN = "safe\u202egnp.exe\u200b\u2066\U000e0041\u00ad\ufeffname"
LONG = "w" * 100_000


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "registry")
    yield made
    made.close()


@pytest.fixture
def hostile(tmp_path):
    """A registry in whose tables each text is an attack, as if everything that judges texts before had failed."""
    world = World(tmp_path / "registry", name="Registry")
    who = publisher("Mallory")
    world.register(who, name=EVIL + HIDDEN)
    world.prove("com.evil", who)
    readme = f"# {EVIL}\n\n{EVIL}\n\n[click](javascript:alert(1)) [b](data:text/html,x) [c](/admin/logout) ![p](https://evil.example/p.png) <b>x</b>\n\n{HIDDEN}\n\n{LONG}".encode()
    document = json.dumps(
        {"components": [{"name": EVIL, "version": HIDDEN, "type": LONG, "hashes": [{"alg": "SHA-256", "content": EVIL}]}], "bomFormat": EVIL}
    ).encode()
    made = json.dumps(
        {"predicate": {"buildDefinition": {"externalParameters": {"language": EVIL}}, "runDetails": {"builder": {"version": {EVIL: HIDDEN}}}}}
    ).encode()
    tool = {
        "name": "evil", "title": "A title", "description": EVIL, "security_level": "low",
        "parameters": {
            "type": "object",
            "properties": {"x'; rm -rf ~ #": {"type": "string", "description": EVIL, "pattern": "^[<>\"']+$", "enum": [EVIL, "b"]}, 'a"><b>': {"type": "integer", "title": EVIL}},
            "required": ["x'; rm -rf ~ #"],
        },
    }  # fmt: skip
    changes = {"description": EVIL, "tool_definitions": [tool], "license": "MIT", "capabilities/filesystem/read": ["/data/<script>x"]}
    world.publish(
        who, "com.evil.first", "1.0.0", changes=changes, readme=readme, sbom=document, provenance=made, title=EVIL + HIDDEN, summary=EVIL + LONG, downloads=5
    )
    world.publish(
        who, "com.evil.second", "1.0.0", raw_manifest=b"{" + EVIL.encode() * 50, readme=b"\xff\xfe" + EVIL.encode(), sbom=b"[[[", provenance=b"[" * 90_000
    )
    with world.services.database.write() as rows:
        rows.run("UPDATE versions SET reason = ?, status = 'yanked' WHERE package_id = 'com.evil.first'", EVIL + HIDDEN)
        rows.run("UPDATE versions SET reason = ?, status = 'quarantined' WHERE package_id = 'com.evil.second'", EVIL + HIDDEN)
        rows.run("UPDATE packages SET status = ?, latest = latest WHERE package_id = 'com.evil.second'", EVIL)
        leaf = {"kind": "version.status", "package_id": EVIL, "version": HIDDEN, "status": EVIL, "reason": EVIL + LONG, "by": EVIL}
        rows.run("UPDATE log_leaves SET leaf = ?, kind = 'version.status' WHERE idx = 1", json.dumps(leaf).encode())
        rows.run("UPDATE log_leaves SET leaf = ?, kind = ? WHERE idx = 2", EVIL.encode(), EVIL)
        rows.run("INSERT INTO cosignatures (size, witness, line) VALUES (?, ?, 'x')", world.services.ledger.size(rows), EVIL)
        doc = {"advisory_id": EVIL, "package_id": "com.evil.first", "versions": [EVIL], "severity": EVIL, "title": EVIL, "text": EVIL + HIDDEN}
        rows.run("INSERT INTO advisories VALUES ('x', 'com.evil.first', 'admin', 'high', ?, 1)", json.dumps(doc).encode())
        rows.run(
            "INSERT INTO reports (report_id, package_id, version, kind, words, contact, reporter, state, answer, at) VALUES (?, ?, ?, ?, ?, ?, '', 'open', '', 1)",
            EVIL, EVIL, EVIL, EVIL, EVIL + HIDDEN, EVIL,
        )  # fmt: skip
        rows.run("INSERT INTO recoveries (publisher_id, asked_at, successor, state, due, reason) VALUES (?, 1, ?, 'wanted', 0, ?)", who.id, "ab" * 32, EVIL)
        rows.run("UPDATE namespaces SET method = ?, failures = 2", EVIL)
    yield world, who
    world.close()


def places(who_id: str) -> tuple[str, ...]:
    package = "/packages/com.evil.first"
    return (
        "/", "/search", f"/search?q={quote(EVIL)}", package, f"{package}/versions", f"{package}/versions/1.0.0", f"{package}/report?version={quote(EVIL)}",
        "/packages/com.evil.second", "/namespaces/com.evil", f"/publishers/{who_id}", "/log", "/log/1", "/log/2", "/log/checkpoints", "/status", "/advisories",
        f"/search?order={quote(EVIL)}&cursor={quote(EVIL)}", f"/log/{quote(EVIL, safe='')}", f"/packages/{quote(EVIL, safe='')}", f"/namespaces/{quote(EVIL, safe='')}",
    )  # fmt: skip


def judged(answer) -> Page:
    """No text of a stranger became an element, and none of what it hides is hidden."""
    page = Page(answer.text)
    assert page.faults == []
    assert not set(page.tags) & {"img", "iframe", "object", "b", "marquee"}
    assert page.tags.count("script") == 1
    assert "<script src=//" not in answer.text
    assert "onerror=alert(1)>" not in answer.text.replace("&gt;", "")
    assert "155554" not in answer.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u00ad\ufeff\U000e0000-\U000e0fff]", answer.text)
    assert len(answer.body) < 900_000
    return page


def test_no_text_of_a_stranger_becomes_markup_and_none_is_hidden(hostile):
    world, who = hostile
    for place in places(who.id):
        answer = world.browser.get(place)
        assert answer.status in {200, 400, 404}, place
        judged(answer)
    page = judged(world.browser.get("/packages/com.evil.first"))
    assert "⟨U+202E⟩gnp.exe" in page.words
    assert EVIL in page.words


def test_an_administrator_is_not_attacked_by_what_waits(hostile):
    world, who = hostile
    world.browser.post("/admin/login", {"token": TOKEN})
    for place in (
        "/admin",
        "/admin/package?id=com.evil.first",
        f"/admin/publisher?id={who.id}",
        "/admin/audit",
        f"/admin?done={quote(EVIL)}",
        f"/admin/package?id={quote(EVIL)}",
    ):
        page = judged(world.browser.get(place))
    page = judged(world.browser.get("/admin"))
    assert EVIL in page.words
    assert "⟨U+200B⟩" in page.words


def test_a_readme_leads_nowhere_but_into_the_web(hostile):
    world, _ = hostile
    page = Page(world.browser.get("/packages/com.evil.first").text)
    assert not [one for one in page.links if "javascript" in one or one.startswith("data:") or "logout" in one]
    assert "[image: p]" in page.words


@pytest.mark.parametrize(
    "text",
    [
        "[a](JaVaScRiPt:alert(1))", "[a](java\tscript:alert(1))", "[a](&#106;avascript:alert(1))", "[a](//evil.example)", "[a](\\\\evil.example)", "<javascript:alert(1)>",
        "[a](vbscript:x)", "[a](file:///etc/passwd)", "[a](#main)", "[a](?q=x)", "[x]: javascript:alert(1)\n\n[x]", '[a](https://e.example/"onclick=alert(1))',
        "[a](https://e.example 'title\" onmouseover=alert(1)')", "<style>*{display:none}</style>", "<a href=https://e.example onclick=x>y</a>", "[a](blob:x)",
    ],
)  # fmt: skip
def test_an_address_of_a_readme_is_of_the_web_or_none(text: str):
    made = str(readme_markup(text.encode()))
    for tag in re.findall(r"<a\b[^>]*>", made):
        href = re.search(r'href="([^"]*)"', tag)
        assert href is None or href[1].startswith(("https://", "http://", "mailto:")), made
        assert not re.search(r"\son\w+=|title=|target=", tag), made
        assert 'rel="nofollow noopener noreferrer"' in tag
    assert "<style" not in made


def test_a_readme_of_nothing_but_signs_costs_little():
    """Seconds for each would let one publisher stop the site. The bound is generous: the machine may be busy."""
    size = 64 * 1024
    for text in (
        "![" * (size // 2),
        "a|b\n-|-\n" + "x|y\n" * (size // 4),
        "# a\n" * (size // 4),
        ">" * size,
        "[" * size,
        "*a **b" * (size // 6),
        "- " * (size // 2),
    ):
        assert any(seconds_of(text.encode()) < 5.0 for _ in range(5)), text[:10]


def seconds_of(text: bytes) -> float:
    begin = time.process_time()
    readme_markup(text)
    return time.process_time() - begin


def test_a_command_that_is_pasted_into_a_shell_runs_nothing_else(hostile):
    import shlex

    world, _ = hostile
    page = Page(world.browser.get("/packages/com.evil.first").text)
    line = next(one for one in page.words.splitlines() if one.startswith("mpp run com.evil.first")).removesuffix("Copy")
    words = shlex.split(line)
    assert words[:6] == ["mpp", "run", "com.evil.first-1.0.0.mpp", "--tool", "evil", "--args"]
    assert json.loads(words[6]) == {"x'; rm -rf ~ #": EVIL}
    assert len(words) == 7


def test_a_private_package_does_not_exist_for_strangers(world: World):
    who = publisher("Quiet")
    world.register(who)
    world.publish(who, "com.quiet.secret", "1.0.0", visibility="private", readme=b"secret", sbom=b"{}")
    place = "/packages/com.quiet.secret"
    known, unknown = world.browser.get(place), world.browser.get("/packages/com.quiet.secreT")
    assert (known.status, known.body) == (404, unknown.body)
    for other in (
        f"{place}/versions",
        f"{place}/versions/1.0.0",
        f"{place}/versions/1.0.0/readme.md",
        f"{place}/versions/1.0.0/manifest.json",
        f"{place}/report",
    ):
        assert world.browser.get(other).status == 404, other
    for listing in ("/", "/search", "/search?q=secret", "/search?order=name", f"/publishers/{who.id}", "/namespaces/com.quiet"):
        assert "com.quiet.secret" not in world.browser.get(listing).text, listing
    assert world.browser.post(f"{place}/report", {"kind": "other", "text": "x", "contact": "", "version": ""}).status == 404


def test_a_registry_that_is_not_for_everybody_shows_strangers_the_door_alone(tmp_path):
    world = World(tmp_path / "registry", is_public=False)
    who = publisher("Inside")
    world.register(who)
    world.publish(who, "com.inside.tool", "1.0.0")
    for place in (
        "/",
        "/packages/com.inside.tool",
        "/packages/com.inside.tool/versions/1.0.0/manifest.json",
        "/log",
        "/log/1",
        "/status",
        "/search?q=tool",
        "/nothing",
    ):
        answer = world.browser.get(place)
        assert answer.status in {303, 404}, place
        assert b"inside" not in answer.body
    assert world.browser.get("/admin/login").status == 200
    assert world.browser.get("/static/site.css").status == 200
    world.browser.post("/admin/login", {"token": TOKEN})
    assert "com.inside.tool" in world.browser.get("/").text
    world.close()


# ------------------------------------------------------------ administrators


def test_guessing_the_token_is_stopped_before_anything_is_compared(world: World):
    for _ in range(LOGINS_PER_MINUTE):
        assert world.browser.post("/admin/login", {"token": "wrong"}).status == 403
    assert world.browser.post("/admin/login", {"token": TOKEN}).status == 429
    assert world.browser.cookie == ""
    world.browser.address = "198.51.100.9"
    assert world.browser.post("/admin/login", {"token": TOKEN}).status == 303
    world.clock.moment += 60
    world.browser.address = "192.0.2.7"
    assert world.browser.post("/admin/login", {"token": TOKEN}).status == 303


def test_guessing_from_many_addresses_is_stopped_too(world: World):
    for number in range(LOGINS_ALL_PER_MINUTE):
        world.browser.address = f"198.51.100.{number}"
        assert world.browser.post("/admin/login", {"token": ""}).status == 403
    world.browser.address = "203.0.113.1"
    assert world.browser.post("/admin/login", {"token": TOKEN}).status == 429


def test_without_a_token_of_the_operator_nobody_comes_in(tmp_path):
    world = World(tmp_path / "registry", admin_token_sha256="")
    for token in ("", "-", sha256(b"").hexdigest()):
        assert world.browser.post("/admin/login", {"token": token}).status == 403
    world.browser.cookie = "mpp-admin=" + "0" * 64
    assert world.browser.get("/admin").header("location") == "/admin/login"
    world.close()


def test_a_cookie_is_hidden_from_scripts_and_from_other_sites(tmp_path):
    world = World(tmp_path / "registry", url="http://registry.test")
    cookie = world.browser.post("/admin/login", {"token": TOKEN}).header("set-cookie")
    assert re.fullmatch(r"mpp-admin=[0-9a-f]{64}; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict", cookie)
    safe = Browser(world.app, scheme="https")
    cookie = safe.post("/admin/login", {"token": TOKEN}, origin="https://registry.test").header("set-cookie")
    assert re.fullmatch(r"__Host-mpp-admin=[0-9a-f]{64}; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict; Secure", cookie)
    assert safe.get("/admin").status == 200
    world.close()


def test_the_database_holds_nothing_that_makes_a_cookie(world: World):
    world.browser.post("/admin/login", {"token": TOKEN})
    cookie = world.browser.cookie.partition("=")[2]
    with world.services.database.read() as rows:
        names = [str(row[0]) for row in rows.all("SELECT nonce FROM once")]
    assert len(names) == 1
    assert cookie not in names[0]
    thief = Browser(world.app)
    for guess in (names[0], names[0].removeprefix("web:"), cookie[:-1] + ("0" if cookie[-1] != "0" else "1"), cookie.replace("0", "\uff10"), "", cookie + "0"):
        thief.cookie = "__Host-mpp-admin=" + quote(guess)
        assert thief.get("/admin").status == 303, guess


def test_a_session_ends(world: World):
    world.browser.post("/admin/login", {"token": TOKEN})
    kept = world.browser.cookie
    token = _form_token(world)
    world.clock.moment += SESSION_SECONDS
    assert world.browser.get("/admin").status == 303
    world.clock.moment -= SESSION_SECONDS
    assert world.browser.get("/admin").status == 200
    assert world.browser.post("/admin/logout", {"form_token": "wrong"}).status == 303
    world.browser.cookie = kept
    assert world.browser.get("/admin").status == 200
    world.browser.post("/admin/logout", {"form_token": token})
    world.browser.cookie = kept
    assert world.browser.get("/admin").status == 303


def test_a_new_token_ends_all_sessions(tmp_path):
    world = World(tmp_path / "registry")
    world.browser.post("/admin/login", {"token": TOKEN})
    cookie = world.browser.cookie
    world.close()
    again = World(tmp_path / "registry", admin_token_sha256=sha256(b"another").hexdigest())
    again.browser.cookie = cookie
    assert again.browser.get("/admin").status == 303
    again.close()


def _form_token(world: World) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', world.browser.get("/admin").text)
    assert found
    return found[1]


def _published(world: World) -> None:
    who = publisher("Ada")
    world.register(who)
    world.publish(who, "com.example.tool", "1.0.0")


REVOKE = {"act": "version-status", "package_id": "com.example.tool", "version": "1.0.0", "status": "revoked", "reason": "because"}


def _status_of(world: World) -> object:
    with world.services.database.read() as rows:
        row = rows.one("SELECT status FROM versions")
        return row[0] if row else None


def test_a_form_from_elsewhere_changes_nothing(world: World):
    _published(world)
    assert world.browser.post("/admin/act", REVOKE).header("location") == "/admin/login"
    world.browser.post("/admin/login", {"token": TOKEN})
    token = _form_token(world)
    assert world.browser.post("/admin/act", REVOKE).status == 403
    assert world.browser.post("/admin/act", {**REVOKE, "form_token": "0" * 64}).status == 403
    assert world.browser.post("/admin/act", {**REVOKE, "form_token": "\u00e9"}).status == 403
    own = {**REVOKE, "form_token": token}
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}):
        assert world.browser.post("/admin/act", own, **headers).status == 403, headers
    assert world.browser.get("/admin/act?" + "&".join(f"{key}={item}" for key, item in own.items())).status == 405
    assert _status_of(world) == "active"
    other = Browser(world.app)
    other.post("/admin/login", {"token": TOKEN})
    assert other.post("/admin/act", own).status == 403
    assert world.browser.post("/admin/act", own, sec_fetch_site="same-origin").status == 303
    assert _status_of(world) == "revoked"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"act": "nothing"}, 400), ({"act": "__class__"}, 400), ({"reason": ""}, 400), ({"reason": "   "}, 400), ({"reason": "x\u202ey"}, 400), ({"reason": "x" * 5000}, 400),
        ({"status": "gone"}, 400), ({"version": "9.9.9"}, 404), ({"package_id": "com.example.none"}, 404), ({"package_id": "x'; DROP TABLE versions; --"}, 404),
    ],
)  # fmt: skip
def test_a_form_that_makes_no_sense_changes_nothing(world: World, change: dict[str, str], status: int):
    _published(world)
    world.browser.post("/admin/login", {"token": TOKEN})
    size = _size(world)
    answer = world.browser.post("/admin/act", {**REVOKE, "form_token": _form_token(world), **change})
    assert answer.status == status
    assert Page(answer.text).faults == []
    assert (_status_of(world), _size(world)) == ("active", size)


def _size(world: World) -> int:
    with world.services.database.read() as rows:
        return world.services.ledger.size(rows)


def test_a_body_without_end_is_not_read(world: World):
    def endless():
        for _ in range(FORM_BYTES_MAX // 1024 + 2):
            yield b"token=" + b"x" * 1018
        raise AssertionError("more was read than a form may have")

    pieces = endless()
    form = {"content_type": "application/x-www-form-urlencoded"}
    answer = world.browser.stream("POST", "/admin/login", pieces, form)
    assert answer.status == 413
    assert world.browser.ask("POST", "/admin/login", body=b"&".join(b"a=1" for _ in range(1000)), headers=form).status == 413
    assert world.browser.ask("POST", "/admin/login", body=b"{}", headers={"content_type": "application/json"}).status == 413
    assert world.browser.ask("POST", "/admin/login", body=b"token=%ff%00", headers=form).status == 403


def test_names_with_line_ends_do_not_become_headers(world: World):
    world.browser.post("/admin/login", {"token": TOKEN})
    form = {"act": "give-up", "namespace": "com.example", "publisher_id": "x\r\nset-cookie: evil=1", "form_token": _form_token(world)}
    answer = world.browser.post("/admin/act", form)
    assert not [one for one in answer.headers if one[0] == "set-cookie"]
    assert "\n" not in answer.header("location")


def test_a_page_of_an_administrator_is_kept_by_nobody(world: World):
    world.browser.post("/admin/login", {"token": TOKEN})
    for place in ("/admin", "/admin/audit", "/admin/login"):
        answer = world.browser.get(place)
        assert (answer.status, answer.header("cache-control"), answer.header("etag")) == (200, "no-store", "")
