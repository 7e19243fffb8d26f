"""The inbox: what it shows, what an answer on a page does, and what it never does."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import pytest

from mpp.console.limits import PASSPHRASES_WRONG_PER_MINUTE
from mpp.console.news import News, told as news_told
from mpp.console.pages.approvals import _fingerprint
from mpp.console.views.approvals import past
from mpp.errors import Refused
from mpp.host.answering import judge_tenant
from mpp.host.audit.reader import LogReader
from mpp.host.stores.approvals import ApprovalsStore
from mpp.stages.approval import Grant, vouch
from mpp.stages.audit import glance
from mpp.stages.policy.types import Limits, Risk
from mpp.testing.questions import need
from tests.unit.console.conftest import Console, Page, make_console
from tests.unit.console.inbox import PASSPHRASE, answer, answers, ask, enroll, judged, told, use

HIGH = Risk(score=80, band="high", reasons=())
MANY = {f"key{number:02}": "x" * 300 for number in range(60)}
"""Arguments for which the text of a question has no room."""


def opened_of(page: Page) -> str:
    found = re.search(r'name="opened" value="([0-9a-f]*)"', page.text)
    return found[1] if found is not None else ""


def test_an_empty_inbox_says_so(console: Console):
    assert "Nothing waits for an answer." in console.get("/approvals").words
    assert "There is none." in console.get("/approvals/in-force").words
    assert "no question yet" in console.get("/approvals/earlier").words


def test_a_row_has_what_a_person_decides_by(console: Console):
    one = ask(console, {"name": "Ada"})
    console.clock.moment += 120
    words = console.get("/approvals").words
    for part in (
        "greet of com.example.hello",
        "asked by claude (launched)",
        "tenant local",
        "risk 12 of 100",
        'name = "Ada"',
        "hours more",
        "asked because of user/developer/default",
        "Reads one folder.",
    ):
        assert part in words
    page = console.get(f"/approvals/{one.ref}")
    shown = re.findall(r'<span class="line">(.*?)</span>', page.text, re.DOTALL)
    assert [unescape(line) for line in shown] == one.text.splitlines(), "the text of every channel, line by line"


def test_yes_once_lets_the_same_call_through_once(console: Console):
    one = ask(console)
    page = console.follow(answer(console, one))
    assert f"Approved once: greet of com.example.hello ({one.ref})." in page.words
    assert "Nothing waits" in page.words
    [said] = told(console, "answer")
    assert (said["answer"], said["approver"], said["amr"], said["channel"], said["signed"]) == ("yes", "user:ada", "elicitation", "console", False)
    grant = judged(console)
    assert isinstance(grant, Grant)
    use(console, grant)
    assert not isinstance(judged(console), Grant), "it was good for one call"
    assert "yes user:ada (elicitation, console)" in console.get("/approvals/earlier").words


def test_a_no_has_a_reason_for_the_record(console: Console):
    one = ask(console)
    page = console.follow(answer(console, one, "no", why="  not\n this   week "))
    assert "Denied: greet" in page.words
    assert told(console, "answer")[0]["why"] == "not this week"
    assert "not this week" in console.get("/approvals/earlier").words
    assert "no user:ada" in console.get("/approvals/earlier").words


def test_always_becomes_an_approval_in_force_that_can_be_ended(console: Console):
    assert "Approved for always" in console.follow(answer(console, ask(console), "always")).words
    page = console.get("/approvals/in-force")
    assert "100 calls" in page.words
    assert isinstance(judged(console, {"name": "Bob"}), Grant)
    name = re.search(r'name="standing" value="([0-9a-f]+)"', page.text)[1]
    assert "is ended" in console.follow(console.post("/approvals/end", {"standing": name})).words
    assert not isinstance(judged(console, {"name": "Bob"}), Grant)
    changes = [(one["change"], one["channel"]) for one in told(console, "standing")]
    assert changes == [("given", "console"), ("revoked", "console")]
    assert console.post("/approvals/end", {"standing": name}).status == 404


def test_enter_in_the_field_for_the_reason_of_a_no_never_says_yes(console: Console):
    page = console.get(f"/approvals/{ask(console).id}")
    forms = re.findall(r"<form method=\"post\" action=\"/approvals/.*?</form>", page.text, re.DOTALL)
    assert [re.findall(r'name="answer" value="(\w+)"', form) for form in forms] == [["yes", "always"], ["no"]]
    assert ['name="why"' in form for form in forms] == [False, True]


def test_a_call_of_another_tenant_is_there_and_a_click_is_no_yes_to_it(console: Console):
    enroll(console)
    own, other = ask(console, {"name": "Own"}), ask(console, {"name": "Other"}, tenant="acme")
    assert (own.tenant, other.tenant) == ("local", "acme")
    inbox = console.get("/approvals")
    assert "tenant acme" in inbox.words
    assert inbox.text.count("needs a passphrase") == 1
    page = console.get(f"/approvals/{other.ref}")
    assert "A call of the tenant acme" in page.words
    refused = answer(console, other, "yes")
    assert (refused.status, "needs the passphrase" in refused.words) == (409, True)
    assert answers(console, other) == ()
    assert "Approved once" in console.follow(answer(console, other, "yes", passphrase=PASSPHRASE)).words
    assert [(one.approver, bool(one.envelope)) for one in answers(console, other)] == [("ada", True)]
    assert isinstance(judged(console, {"name": "Other"}, tenant="acme"), Grant)
    third = ask(console, {"name": "Third"}, tenant="acme")
    assert "Denied" in console.follow(answer(console, third, "no", why="not theirs")).words, "a no opens nothing"
    assert "Approved once" in console.follow(answer(console, own, "yes")).words


def test_the_host_does_not_vouch_for_a_yes_of_another_tenant(console: Console):
    """The rule itself, behind the page: a way to answer that forgets it is refused, too."""
    other = ask(console, tenant="acme")
    said = vouch(other, yes=True, user="ada", amr="tty", now=console.clock.now())
    with pytest.raises(Refused) as refused:
        judge_tenant(other, said, ("local", "development"))
    assert refused.value.code == "approval.no_key"
    judge_tenant(other, said, ("acme",))
    judge_tenant(other, vouch(other, yes=False, user="ada", amr="tty", now=console.clock.now()), ("local",))


def test_news_of_other_tenants_are_news(console: Console):
    store = ApprovalsStore(console.desk.home.approvals)
    before = _fingerprint(store, console.desk)
    ask(console, tenant="acme")
    assert _fingerprint(store, console.desk) != before
    store.close()


def test_an_approval_of_another_tenant_is_among_those_in_force_and_can_be_ended(console: Console):
    enroll(console)
    one = ask(console, tenant="acme")
    console.follow(answer(console, one, "always", passphrase=PASSPHRASE))
    page = console.get("/approvals/in-force")
    name = re.search(r'name="standing" value="([0-9a-f]+)"', page.text)
    assert name is not None
    assert "acme" in page.words
    assert "is ended" in console.follow(console.post("/approvals/end", {"standing": name[1]})).words


def test_a_consent_can_be_ended(busy: Console):
    from mpp.model.manifest import parse_manifest
    from mpp.stages.approval import consent_of
    from mpp.testing.packages import NOW, files

    data = files()["manifest.json"]
    with busy.desk.services() as on:
        on.approvals.put_consent(consent_of(parse_manifest(data), data, tenant="local", publisher_id="ab" * 32, by="user:ada", amr="tty", now=NOW))
        on.approvals.put_consent(consent_of(parse_manifest(data), data, tenant="acme", publisher_id="ab" * 32, by="user:ada", amr="tty", now=NOW))
    assert busy.get("/approvals/in-force").words.count("com.example.hello 0.1.0") == 2
    assert busy.post("/approvals/end-consent", {"package": "com.example.hello", "tenant": "none"}).status == 404
    assert "is ended" in busy.follow(busy.post("/approvals/end-consent", {"package": "com.example.hello", "tenant": "local"})).words
    assert told(busy, "consent")[-1]["channel"] == "console"
    assert busy.post("/approvals/end-consent", {"package": "com.example.hello", "tenant": "local"}).status == 404
    left = busy.get("/approvals/in-force").words
    assert "com.example.hello 0.1.0 tenant acme" in left, "of one tenant alone"


def test_high_needs_the_passphrase_of_an_approvers_key(console: Console):
    one = ask(console, what=need("high", risk=HIGH), security_level="high", risk=HIGH)
    page = console.get(f"/approvals/{one.id}")
    assert "none lies in this home" in page.words
    assert answer(console, one).status == 409
    enroll(console)
    page = console.get(f"/approvals/{one.id}")
    assert 'type="password"' in page.text
    assert "A yes to this needs it." in page.words
    refused = answer(console, one)
    assert (refused.status, answers(console, one)) == (409, ())
    assert "needs the passphrase" in refused.words
    wrong = answer(console, one, passphrase="guess", approver="ada")
    assert (wrong.status, answers(console, one)) == (409, ())
    assert "guess" not in wrong.text
    assert console.follow(answer(console, one, passphrase=PASSPHRASE, approver="ada")).status == 200
    [given] = answers(console, one)
    assert (given.amr, given.approver, bool(given.envelope)) == ("passphrase", "ada", True)
    assert told(console, "answer")[0]["signed"] is True
    assert isinstance(judged(console, what=need("high", risk=HIGH), security_level="high", risk=HIGH), Grant)
    assert PASSPHRASE.encode() not in b"".join(path.read_bytes() for path in console.home.rglob("*") if path.is_file())


def test_a_no_to_high_needs_nothing(console: Console):
    one = ask(console, what=need("high", risk=HIGH), risk=HIGH)
    assert answer(console, one, "no").status == 303


def test_a_key_that_lies_open_opens_nothing_more_than_a_click(console: Console):
    enroll(console, sealed=False)
    one = ask(console, what=need("low", limits=Limits(strength="tty")))
    page = console.get(f"/approvals/{one.id}")
    assert "passphrase" not in page.text.partition("<form")[2].partition("</form>")[2].partition("Reason")[0] or "none lies in this home" in page.words
    assert answer(console, one, approver="ada", passphrase="x").status == 409
    assert answer(console, one).status == 409


def test_two_approvers_say_yes_with_a_key_each(console: Console):
    enroll(console, "ada")
    enroll(console, "bob", "second")
    one = ask(console, what=need(limits=Limits(approvers=2)))
    assert "another approver must say yes" in console.follow(answer(console, one, approver="ada", passphrase=PASSPHRASE)).words.lower()
    assert "1 of 2 approvers" in console.get("/approvals").words
    again = answer(console, one, approver="ada", passphrase=PASSPHRASE)
    assert "another person must" in again.words
    assert console.follow(answer(console, one, approver="bob", passphrase=PASSPHRASE)).status == 200
    assert isinstance(judged(console, what=need(limits=Limits(approvers=2))), Grant)


def test_nobody_says_whose_key_it_is(console: Console):
    enroll(console, "bob")
    enroll(console, "eve")
    one = ask(console)
    assert "no such approver" in answer(console, one, passphrase=PASSPHRASE).words
    assert "no such approver" in answer(console, one, passphrase=PASSPHRASE, approver="nobody").words


def test_wrong_passphrases_are_counted(console: Console):
    enroll(console)
    one = ask(console, what=need("high", risk=HIGH), risk=HIGH)
    console.desk.passphrases._taken.extend([console.desk.passphrases._moments()] * PASSPHRASES_WRONG_PER_MINUTE)
    assert answer(console, one, passphrase=PASSPHRASE, approver="ada").status == 429
    assert answer(console, one, "no").status == 303, "a no is taken all the same"


def test_a_yes_to_what_was_left_out_is_taken_from_below_the_details_alone(console: Console):
    one = ask(console, MANY)
    assert one.must_open_details
    page = console.get(f"/approvals/{one.id}")
    assert 'value="yes"' not in page.text
    assert opened_of(page) == ""
    for opened in ("", "0" * 64, "é"):
        refused = answer(console, one, opened=opened)
        assert (refused.status, answers(console, one)) == (409, ())
    page = console.get(f"/approvals/{one.id}?details")
    assert "key59" in page.words
    other = console.another()
    assert answer(other, one, opened=opened_of(page)).status == 409, "what one browser was shown, another was not"
    assert console.follow(answer(console, one, opened=opened_of(page))).status == 200
    assert len(answers(console, one)) == 1


def test_an_answer_is_to_the_text_that_was_on_the_screen(console: Console):
    one = ask(console)
    page = console.post(f"/approvals/{one.id}/answer", {"answer": "yes", "text_sha256": "0" * 64})
    assert (page.status, answers(console, one)) == (409, ())
    assert "changed while you looked" in page.words


def test_what_is_no_answer_is_none(console: Console):
    one = ask(console)
    for said in ("", "YES", "maybe"):
        assert answer(console, one, said).status == 400
    assert answer(console, one, "no", why="un\u202eseen").status == 400
    assert answers(console, one) == ()


def test_a_question_that_is_gone(console: Console):
    one = ask(console)
    console.clock.moment = one.expires + 1
    console.enter()
    assert console.get(f"/approvals/{one.id}").status == 404
    page = console.follow(answer(console, one))
    assert "does not wait any more" in page.words
    assert "nobody in time" in page.words


def test_a_second_answer_is_told_that_it_came_late(console: Console):
    one, other = ask(console), console.another()
    assert answer(console, one).status == 303
    page = other.follow(answer(other, one, "no"))
    assert "does not wait any more" in page.words
    assert [said["answer"] for said in told(console, "answer")] == ["yes"]


def test_a_console_that_only_shows_takes_no_answer(tmp_path):
    console = make_console(tmp_path / "home", read_only=True)
    one = ask(console)
    page = console.get(f"/approvals/{one.id}")
    assert f"mpp approve {one.ref}" in page.words
    assert 'value="yes"' not in page.text
    assert (answer(console, one).status, answers(console, one)) == (403, ())
    assert console.get("/approvals/in-force").status == 200


def test_the_past_is_told_from_the_record_alone(busy: Console):
    lines = [found for line in LogReader(busy.desk.home.log).lines() if (found := glance(line)) is not None]
    found = past(lines, busy.desk.now(), 50)
    assert {one.state for one in found} == {"yes"}
    assert all(one.spent for one in found)
    assert len(past(lines, busy.desk.now(), 2)) == 2
    assert "com.example.crm" in busy.get("/approvals/earlier").words


@pytest.mark.parametrize(("body", "state"), [({}, "expired"), ({"expires": 10**10}, "waiting"), ({"expires": "soon", "approvers": "many"}, "expired")])
def test_odd_entries_of_the_record_break_nothing(body, state):
    line = glance(b'{"event":{"at":1,"body":{},"kind":"question","tenant":"local"},"prev":"' + b"0" * 64 + b'","seq":0}')
    assert line is not None
    assert past([line._replace(body={"question": "a", **body})], 10, 5)[0].state == state


def collected(look, may, looks: int) -> list[bytes]:
    async def sleep(_seconds: float) -> None:
        nonlocal looks
        looks -= 1

    async def run() -> list[bytes]:
        return [piece async for piece in news_told(look, lambda: looks > 0 and may(), sleep)]

    return asyncio.run(run())


def test_news_are_told_once_each():
    states = iter(["a", "a", "b", "b", "c", "c"])
    pieces = collected(lambda: next(states), lambda: True, 5)
    assert pieces[0].startswith(b"retry:")
    assert [piece for piece in pieces if b"changed" in piece] == [b"event: changed\ndata: \n\n"] * 2


def test_a_silent_stream_says_that_it_lives():
    assert collected(lambda: "a", lambda: True, 17).count(b":\n\n") == 1


def test_a_session_that_has_ended_is_told_nothing_more(console: Console):
    session = console.sessions.find(next(iter(console.cookies.values())))
    assert session is not None
    states = iter("abcdefgh")
    pieces = collected(lambda: next(states), lambda: console.sessions.holds(session), 3)
    assert len(pieces) == 3
    console.post("/leave")
    assert collected(lambda: next(states), lambda: console.sessions.holds(session), 3) == [b"retry: 2000\n\n"]


def test_the_stream_of_the_inbox(console: Console):
    page = console.get("/approvals/live", headers={"sec-fetch-dest": "empty"})
    assert page.status == 200
    assert page.header("content-type").startswith("text/event-stream")
    assert page.header("cache-control") == "no-store"


def test_too_many_streams_are_turned_away(monkeypatch):
    monkeypatch.setattr("mpp.console.news.STREAMS_MAX", 0)
    ended = []
    assert News().stream(None, lambda: "", lambda: True, lambda: ended.append(1)).status_code == 503  # type: ignore[arg-type]
    assert ended == [1]
