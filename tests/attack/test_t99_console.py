"""T99: the console. Other pages, other ports and other users who want in; clients that push, stall and guess; names that want to be markup."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.console.headers import POLICY, cookie_name
from mpp.console.limits import (
    ENTRIES_WRONG_PER_MINUTE,
    FORM_BYTES_MAX,
    FORM_FIELDS_MAX,
    REQUESTS_PER_MINUTE,
    SESSION_IDLE_SECONDS,
    SESSION_SECONDS,
    SESSIONS_MAX,
    STRANGERS_PER_MINUTE,
)
from mpp.console.pages import agents, approvals
from mpp.console.views import agents as agent_views
from mpp.console.views.approvals import Past, waiting
from mpp.model.agents import AgentIdentity, Delegation
from mpp.stages.approval import vouch
from mpp.stages.policy.types import Reason, Risk
from tests.registry.web.markup import Page as Markup
from tests.unit.console.conftest import PORT, Console, make_console
from tests.unit.console.inbox import answer, answers, ask, told

EVIL = "\"'><script src=//evil.example/x.js></script><img src=x onerror=alert(1)><svg/onload=alert(2)>{{77777*2}}</title></textarea></pre></a>"
HIDDEN = "safe\u202egnp.exe\u200b\u2066\U000e0041\u00ad\ufeffname"
LONG = "w" * 100_000
SECONDS_MAX = 20


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return make_console(tmp_path / "home")


@pytest.fixture
def stranger(tmp_path: Path) -> Console:
    """In front of a console, and not in."""
    return make_console(tmp_path / "home", enter=False)


# --- who may come in


def test_without_a_session_nothing_is_shown(stranger: Console):
    for path in ("/", "/approvals", "/approvals/live", "/approvals/7f3a", "/agents", "/nothing", "/enter/x", "/calls/../approvals"):
        page = stranger.get(path)
        assert page.status in {303, 400}, path
        assert page.body == b"" or page.status == 400
    for path in ("/approvals/7f3a/answer", "/agents/stop", "/leave"):
        assert stranger.post(path, {"kind": "all"}, form_token="").status == 401
    assert stranger.get("/approvals/live", headers={"sec-fetch-dest": "empty"}).status == 401
    assert "areas" not in stranger.get("/enter").text.split("</head>")[1], "a stranger learns nothing of what there is"


def test_a_token_is_good_once_and_for_nobody_who_finds_it_later(stranger: Console):
    token = stranger.sessions.token
    stranger.enter()
    for _ in range(2):
        assert stranger.post("/enter", {"token": token}).status == 403
    thief = Console(desk=stranger.desk, sessions=stranger.sessions)
    thief.app = stranger.app
    assert (thief.post("/enter", {"token": token}).status, thief.cookies) == (403, {})


@pytest.mark.parametrize("guess", ["", "mppc_", "mppc_" + "A" * 43, "é\u202e", "\udcff", "x" * 10_000])
def test_what_is_no_token_opens_nothing(stranger: Console, guess: str):
    if "\udcff" in guess:
        assert stranger.ask("POST", "/enter", body=b"token=%ED%B3%BF").status == 400
        return
    assert (stranger.post("/enter", {"token": guess}).status, stranger.cookies) == (403, {})


def test_a_token_in_the_address_opens_nothing_and_is_on_no_page(stranger: Console):
    """What stands in an address is kept in histories, logs and headers; so it counts only in a form."""
    token = stranger.sessions.token
    page = stranger.get(f"/enter?token={token}")
    assert (page.status, stranger.cookies) == (200, {})
    assert token not in page.text
    assert stranger.ask("POST", f"/enter?token={token}", body=b"x=1").status == 403
    stranger.enter()
    for path in ("/approvals", "/agents", "/enter", "/nothing"):
        page = stranger.get(path)
        assert stranger.sessions.token not in page.text + str(page.headers)
        assert token not in page.text + str(page.headers)
        assert page.header("referrer-policy") == "same-origin"


def test_guessing_is_slowed_and_locks_nobody_out(stranger: Console):
    statuses = [stranger.post("/enter", {"token": f"mppc_{number}"}).status for number in range(ENTRIES_WRONG_PER_MINUTE + 3)]
    assert statuses == [403] * ENTRIES_WRONG_PER_MINUTE + [429] * 3
    stranger.enter()
    assert stranger.get("/approvals").status == 200


def test_floods_of_strangers_take_nothing_from_who_is_in(console: Console):
    cookies = dict(console.cookies)
    console.cookies.clear()
    statuses = {console.get("/approvals").status for _ in range(STRANGERS_PER_MINUTE + 1)}
    assert statuses == {303, 429}
    console.cookies.update(cookies)
    assert console.get("/approvals").status == 200


def test_one_browser_asks_so_often_and_no_more(console: Console):
    session = console.sessions.find(console.cookies[cookie_name(PORT)])
    session.rate._taken.extend([session.rate._moments()] * REQUESTS_PER_MINUTE)
    assert console.get("/approvals").status == 429
    assert console.another().get("/approvals").status == 200


def test_sessions_end_and_there_are_only_so_many(console: Console):
    assert console.get("/approvals").status == 200
    first = dict(console.cookies)
    console.clock.moment += SESSION_IDLE_SECONDS
    assert console.get("/approvals").status == 303
    console.enter()
    for _ in range(SESSION_SECONDS // (SESSION_IDLE_SECONDS - 1) + 1):
        console.clock.moment += SESSION_IDLE_SECONDS - 1
        page = console.get("/approvals")
    assert page.status == 303, "used or not, a day is enough"
    console.cookies.update(first)
    assert console.get("/approvals").status == 303
    browsers = []
    for _ in range(SESSIONS_MAX + 1):
        console.clock.moment += 1
        browsers.append(console.another())
    assert [one.get("/approvals").status for one in browsers] == [303] + [200] * SESSIONS_MAX


def test_a_page_that_was_left_open_keeps_no_session_alive(console: Console):
    for _ in range(3):
        console.clock.moment += SESSION_IDLE_SECONDS // 3
        status = console.get("/approvals/live", headers={"sec-fetch-dest": "empty"}).status
    assert status == 401


def test_who_left_is_out(console: Console):
    cookies = dict(console.cookies)
    assert console.post("/leave").status == 303
    assert console.cookies[cookie_name(PORT)] == ""
    console.cookies.update(cookies)
    assert console.get("/approvals").status == 303


# --- pages elsewhere


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8810",
        "127.0.0.1",
        "127.0.0.1:8811",
        "localhost",
        "127.0.0.1:8810.evil.example",
        "[::1]:8810",
        "0.0.0.0:8810",
        "127.1:8810",
    ],
)
def test_a_name_that_leads_here_is_no_name_of_ours(console: Console, host: str):
    """DNS rebinding: the browser takes the page of a stranger and ours for one."""
    page = console.get("/approvals", headers={"host": host})
    assert (page.status, page.header("content-type")) == (421, "text/plain; charset=utf-8")
    assert "<" not in page.text


def test_two_hosts_are_none(console: Console):
    assert console.get("/approvals", more=(("host", "evil.example"),)).status == 421
    assert console.get("/approvals", headers={"host": "LOCALHOST:8810"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:3000", "sec-fetch-site": "same-site"},
        {"origin": "http://localhost:8810"},
        {"origin": "https://127.0.0.1:8810"},
        {"origin": "null"},
        {"origin": ""},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_form_from_elsewhere_is_not_taken(console: Console, headers: dict[str, str]):
    """Even one that knew the token of our forms."""
    one = ask(console)
    token = console.session_token
    page = console.post(f"/approvals/{one.id}/answer", {"answer": "yes", "text_sha256": one.text_sha256}, form_token=token, headers=headers)
    assert page.status in {401, 403}
    assert answers(console, one) == ()


@pytest.mark.parametrize("form_token", ["", "x", "é", "A" * 43])
def test_a_form_without_its_token_is_not_taken(console: Console, form_token: str):
    one = ask(console)
    page = console.post(f"/approvals/{one.id}/answer", {"answer": "yes", "text_sha256": one.text_sha256}, form_token=form_token)
    assert (page.status, answers(console, one)) == (403, ())
    twice = f"form_token={console.session_token}&form_token=x&answer=yes&text_sha256={one.text_sha256}"
    assert console.ask("POST", f"/approvals/{one.id}/answer", body=twice.encode()).status == 403
    other = console.another().session_token
    assert console.post(f"/approvals/{one.id}/answer", {"answer": "yes"}, form_token=other).status == 403, "the token of another session"
    assert answers(console, one) == ()


@pytest.mark.parametrize("site", ["cross-site", "same-site", "odd"])
def test_what_a_page_elsewhere_asks_for_has_no_session(console: Console, site: str):
    """A page at another port of this machine: browsers send our cookie along with what it asks for."""
    assert console.get("/approvals", headers={"sec-fetch-site": site}).status == 303
    assert console.get("/approvals", headers={"sec-fetch-site": "none"}).status == 200


def test_a_cookie_is_of_its_port_and_never_two(console: Console, tmp_path: Path):
    other = make_console(tmp_path / "other", enter=False)
    other.cookies.update(console.cookies)
    assert other.get("/approvals").status == 303
    name = cookie_name(PORT)
    assert name != cookie_name(PORT + 1)
    cookie = console.cookies[name]
    for header in (f"{name}={cookie}; {name}=x", f"{name}=x; {name}={cookie}", f"{name}={cookie}x", f"{name.upper()}={cookie}", f"{name}="):
        assert console.get("/approvals", headers={"cookie": header}).status == 303, header
    assert console.get("/approvals", headers={"cookie": f"other=1; {name}={cookie}"}).status == 200


def test_the_cookie_is_for_browsers_alone_and_for_this_site(stranger: Console):
    page = stranger.post("/enter", {"token": stranger.sessions.token})
    assert re.fullmatch(rf"{cookie_name(PORT)}=[A-Za-z0-9_-]{{43}}; Path=/; Max-Age=\d+; HttpOnly; SameSite=Strict", page.header("set-cookie"))


def test_every_answer_forbids_frames_scripts_of_others_and_keeping(console: Console):
    for page in (
        console.get("/approvals"), console.get("/nothing"), console.get("/approvals", headers={"host": "evil.example"}), console.get("/enter"),
        console.post("/approvals/x/answer", form_token="no"), console.get("/approvals/live"), console.get("/static/none.js"), console.ask("PUT", "/approvals"),
    ):  # fmt: skip
        assert page.header("content-security-policy") == POLICY
        assert (page.header("x-frame-options"), page.header("x-content-type-options"), page.header("cache-control")) == ("DENY", "nosniff", "no-store")
        assert page.header("cross-origin-resource-policy") == "same-origin"
    assert "frame-ancestors 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert console.get("/static/console.css").header("cache-control").startswith("private")


# --- what is odd


@pytest.mark.parametrize(
    "raw",
    [
        b"/static/../pages/approvals.py", b"/static/%2e%2e/desk.py", b"/static/..%2fdesk.py", b"/static/..%5cdesk.py", b"//approvals", b"/approvals//", b"/approvals/%00",
        b"/approvals;x", b"/static/.", b"approvals", b"/%2E%2E/etc/passwd", b"/approvals\\", b"/a" * 300,
    ],
)  # fmt: skip
def test_paths_that_two_readers_read_differently(console: Console, raw: bytes):
    from urllib.parse import unquote_to_bytes

    page = console.get(unquote_to_bytes(raw).decode("latin-1").split("?")[0].replace("\0", "%00") or "/", raw_path=raw)
    assert page.status in {400, 414}
    assert b"def " not in page.body


def test_nothing_but_what_was_read_at_the_start_is_served(console: Console):
    for name in ("base.html", "console.py", "..", "console.css/", "CONSOLE.CSS", "%63onsole.css%20"):
        assert console.get(f"/static/{name}").status in {400, 404}, name
    assert console.get("/static/console.css").status == 200


def test_methods_and_lengths(console: Console):
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", ""):
        assert console.ask(method, "/approvals").status == 405, method
    assert console.get("/approvals?x=" + "y" * 3000).status == 414
    assert console.get("/approvals/end").status == 404, "what changes something is sent as a form"


def test_bodies_that_are_no_form(console: Console):
    path, token = "/agents/stop", console.session_token
    own = f"form_token={token}&kind=all&why="
    assert console.ask("POST", path, body=(own + "x" * FORM_BYTES_MAX).encode()).status == 413
    assert console.ask("POST", path, body=(own + "&a=" * (FORM_FIELDS_MAX + 1)).encode()).status == 400
    assert console.ask("POST", path, body=own.encode() + b"%ff").status == 400
    assert console.ask("POST", path, body=b"\xff\xfe").status == 400
    for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain", ""):
        assert console.ask("POST", path, body=own.encode(), headers={"content-type": kind}).status == 415, kind
    assert told(console, "stop") == []


# --- words of strangers


def judged(text: str) -> Markup:
    found = Markup(text)
    assert found.faults == []
    assert "<script src=//" not in text
    assert not re.search(r"<(img|svg/onload)", text)
    assert "155554" not in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u00ad\ufeff\U000e0000-\U000e0fff]", text)
    assert len(text) < 2_000_000
    return found


def hostile_question(console: Console):
    """Each word of it an attack, as if everything that judges words before had failed."""
    one = ask(console, {EVIL[:60]: EVIL + HIDDEN, "b": {"c": [HIDDEN, LONG]}}, uses=(EVIL, HIDDEN, LONG))
    worst = EVIL + HIDDEN
    agent = AgentIdentity(name=worst, level=worst, issuer=worst, behind=(Delegation(kind=worst, name=worst, level=worst),))
    action = replace(one.action, package_id=worst, tool=worst, user=worst, tenant=worst, agent=agent)
    risk = Risk(score=99, band=worst, reasons=(Reason(points=1, words=worst),))
    return replace(
        one, action=action, publisher_name=worst, version=worst, security_level=worst, risk=risk, origin=worst, rule=worst, text=worst + LONG, details=worst + LONG,
        arguments_shown=(worst, LONG), ref=worst, id=worst, growth=(worst,),
    )  # fmt: skip


def test_no_word_of_a_question_becomes_markup_and_none_is_hidden(console: Console, monkeypatch: pytest.MonkeyPatch):
    question = hostile_question(console)
    by = vouch(question, yes=True, user="ada", amr="tty", now=console.clock.now())
    row = waiting(question, [replace(by, approver=EVIL + HIDDEN)], console.clock.now())
    monkeypatch.setattr(approvals, "_waiting", lambda _desk: [row] * 3)
    page = judged(console.get("/approvals").text)
    assert EVIL in page.words
    assert "⟨U+202E⟩gnp.exe" in page.words
    one = approvals.One(row=row, question=question, offer=EVIL + HIDDEN, here=())
    monkeypatch.setattr(approvals, "_one", lambda _desk, _ref: one)
    for path in ("/approvals/7f3a", "/approvals/7f3a?details"):
        page = judged(console.get(path).text)
        assert EVIL in page.words


def test_no_word_of_the_record_or_of_agents_becomes_markup(console: Console, monkeypatch: pytest.MonkeyPatch):
    worst = EVIL + HIDDEN
    row = Past(id=worst, ref=worst, at=1, package=worst, tool=worst, agent=worst, level=worst, state="yes", by=(worst,), ways=(worst,), why=worst, answered=2)
    monkeypatch.setattr(approvals, "_past", lambda _desk: (row,))
    assert EVIL in judged(console.get("/approvals/earlier").text).words
    agent = agent_views.Agent(
        name=worst, is_known=True, is_user=False, until=None, keys=(worst,), tokens=(agent_views.Token(id=worst, until=1, label=worst, is_over=True),), level=worst,
        calls=(agent_views.Called(at=1, package=worst, tool=worst, ended=worst, call=worst),), count=1,
    )  # fmt: skip
    shown = agents.Shown(
        agents=(agent,), tokens=(agent_views.Network(id=worst, tenant=worst, agent=worst, user=worst, until=1, label=worst, rate=0, is_over=True),),
        organisations=((worst, worst, worst),), issuers=((worst, worst, worst),), stops=(agent_views.Stopped(kind=worst, name=worst, since=1, why=worst),), packages=(worst,),
    )  # fmt: skip
    monkeypatch.setattr(agents, "_shown", lambda _desk: shown)
    assert EVIL in judged(console.get("/agents").text).words


def test_real_arguments_are_shown_as_on_every_channel(console: Console):
    one = ask(console, {"path": EVIL, "note": HIDDEN, "password": "hunter2"}, agent=AgentIdentity(name="claude", level="launched"))
    text = console.get(f"/approvals/{one.id}?details").text + console.get("/approvals").text
    judged(console.get(f"/approvals/{one.id}?details").text)
    assert "hunter2" not in text
    assert "\\u202e" in text, "what is not seen stands there as its number"


def test_what_comes_from_an_address_is_no_markup(console: Console):
    for path in (f"/approvals/{'%3Cscript%3E'}", "/approvals/%3Cimg%20src=x%20onerror=alert(1)%3E?details", "/nothing/%22%3E%3Cscript%3E"):
        from urllib.parse import unquote

        page = console.get(unquote(path), raw_path=path.split("?")[0].encode())
        assert page.status == 404
        judged(page.text)


def test_two_browsers_at_once_of_which_exactly_one_wins(console: Console):
    """Threads that send their answers at the same moment; whoever is told yes must be right."""
    one = ask(console)
    browsers = [console.another() for _ in range(6)]
    gate = threading.Barrier(len(browsers))
    pages: dict[int, str] = {}

    def send(number: int) -> None:
        gate.wait()
        pages[number] = browsers[number].follow(answer(browsers[number], one, "yes" if number % 2 else "no")).words

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(browsers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS_MAX)
    won = [words for words in pages.values() if "Approved once" in words or "Denied:" in words]
    late = [words for words in pages.values() if "does not count" in words or "does not wait any more" in words]
    assert (len(won), len(late)) == (1, 5)
    [kept] = answers(console, one)
    assert ("Approved once" in won[0]) == kept.yes


def test_no_file_of_the_home_holds_a_secret_of_the_door(console: Console):
    session = console.sessions.find(console.cookies[cookie_name(PORT)])
    answer(console, ask(console))
    secrets = [console.sessions.token, console.cookies[cookie_name(PORT)], session.form_token]
    data = b"".join(path.read_bytes() for path in console.home.rglob("*") if path.is_file())
    assert data
    assert not [one for one in secrets if one.encode() in data]


@pytest.mark.parametrize("fields", [{}, {"passphrase": ""}, {"approver": "ada"}, {"answer": "always"}, {"tenant": "local"}])
def test_a_click_is_no_yes_for_another_tenant_whatever_stands_in_the_form(console: Console, fields: dict[str, str]):
    one = ask(console, tenant="acme")
    said = fields.pop("answer", "yes")
    assert answer(console, one, said, **fields).status == 409
    assert answers(console, one) == ()
    assert told(console, "answer") == []


def test_a_page_that_breaks_tells_no_log_what_was_typed(console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The passphrase of a yes, in a fault of the page that took it."""
    one = ask(console)
    secret = "my-own-passphrase"

    def broken(_desk: object, _question: object, given: object) -> None:
        raise RuntimeError(f"no such {given!r}")

    monkeypatch.setattr(approvals, "_give", broken)
    with pytest.raises(RuntimeError):
        # The frames of the server hear it after the page was sent, and have no log.
        answer(console, one, "yes", passphrase=secret)
    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert "/approvals/{ref:str}/answer" in said
    assert secret not in said
    assert one.id not in said
