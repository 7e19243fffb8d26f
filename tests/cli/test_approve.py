"""``mpp approve`` and what it does to the calls of ``mpp run``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpp.host.home import Home
from mpp.host.opening import open_services
from mpp.host.system import SystemClock, SystemRandom
from mpp.stages.approval import make_question
from mpp.testing.questions import asked as call_of, given, need
from tests.cli.conftest import EXECUTABLE, Mpp
from tests.cli.terminal import Terminal
from tests.cli.test_run import HELLO, STORES, Make, package, says  # noqa: F401 - the fixture
from tests.records import events

POLICY = """
mpp_policy = 1
name = "team"

[[rules]]
id = "reviewed"
effect = "allow"
packages = ["com.example.*"]

[[rules]]
id = "look-first"
effect = "ask"
packages = ["com.example.hello"]
arguments = [{ pointer = "/name", op = "starts_with", value = "G", optional = true }]
why = "somebody looks before we greet a G"

[[rules]]
id = "two-for-gus"
effect = "ask"
arguments = [{ pointer = "/name", op = "equals", value = "Gus", optional = true }]
limits = { approvers = 2 }

[[rules]]
id = "no-mallory"
effect = "deny"
arguments = [{ pointer = "/name", op = "contains", value = "mallory", ignore_case = true, optional = true }]
why = "we do not greet Mallory"
"""
GRACE = '{"name": "Grace"}'


@pytest.fixture
def asked(mpp: Mpp, package: Make, tmp_path: Path) -> Path:  # noqa: F811
    """A package whose calls need an approval when the name begins with G."""
    path = package(says(HELLO))
    Path("policy.toml").write_text(POLICY)
    assert mpp("policy", "use", "policy.toml", "--yes").code == 0
    return path


@pytest.fixture
def ada(mpp: Mpp, asked: Path, home: Path) -> Path:
    """The key of an approver of this host, which lies open."""
    assert mpp("approve", "enroll", "ada", "--name", "Ada Example", "--no-passphrase", "--yes").code == 0
    return home / "keys" / "approvers" / "ada.key"


def run(mpp: Mpp, path: Path, arguments: str = GRACE, *more: str) -> Any:
    return mpp("run", path, "--args", arguments, "--json", *more)


def ref_of(answer: Any) -> str:
    error = answer.json["error"]
    assert (answer.code, error["code"]) == (24, "approval.required")
    return str(error["where"])


def kinds(home: Path) -> list[str]:
    return [event.kind for event in events(home)]


def test_policy_denies_allows_and_asks(mpp: Mpp, asked: Path) -> None:
    denied = run(mpp, asked, '{"name": "MALLORY"}')
    assert (denied.code, denied.json["error"]["code"]) == (23, "policy.denied")
    assert "no-mallory" in denied.json["error"]["message"]
    assert run(mpp, asked, '{"name": "Ada"}').code == 0
    ref_of(run(mpp, asked))


def test_an_approval_is_for_one_call_and_no_other(mpp: Mpp, asked: Path, ada: Path, home: Path) -> None:
    ref = ref_of(run(mpp, asked))
    assert ref_of(run(mpp, asked)) == ref, "asking again is the same question"
    answer = mpp("approve", ref, "--key", ada, "--json")
    assert (answer.code, answer.json["state"], answer.json["approver"], answer.json["amr"]) == (0, "yes", "ada", "tty")
    # Attack: the arguments are changed once somebody said yes.
    other = ref_of(run(mpp, asked, '{"name": "Grace Hopper"}'))
    assert other != ref
    allowed = run(mpp, asked)
    assert allowed.code == 0
    assert (allowed.json["decision"]["because"], allowed.json["decision"]["approvers"]) == ("approval", ["ada"])
    # Attack: the same call again under the same answer.
    assert ref_of(run(mpp, asked)) not in {ref, other}
    told = kinds(home)
    first = told.index("approval-spent")
    assert told[first : first + 2] == ["approval-spent", "intent"], "spend, then intend, then run"
    assert {"question", "answer", "token-granted", "token-used", "result", "receipt"} <= set(told)


def test_an_answer_is_taken_once(mpp: Mpp, asked: Path, ada: Path) -> None:
    ref = ref_of(run(mpp, asked))
    assert mpp("approve", "show", ref, "-o", "q.json").code == 0
    assert mpp("approve", "sign", "q.json", "--key", ada, "--id", "ada", "-o", "a.json").code == 0
    assert mpp("approve", "submit", "a.json").code == 0
    again = mpp("approve", "submit", "a.json", "--json")
    assert again.json["error"]["code"] in {"approval.answered", "approval.unknown"}
    assert run(mpp, asked).code == 0
    # Attack: the old answer is submitted for the new question about the same call.
    ref_of(run(mpp, asked))
    assert mpp("approve", "submit", "a.json", "--json").json["error"]["code"] in {"approval.answered", "approval.unknown"}
    ref_of(run(mpp, asked))


def test_a_question_says_whether_its_details_come_first(mpp: Mpp, asked: Path) -> None:
    run(mpp, asked)
    run(mpp, asked, json.dumps({"name": "G" * 900}))
    short, long = mpp("approve", "pending", "--json").json["questions"]
    assert (short["must_open_details"], long["must_open_details"]) == (False, True)


def test_a_no_holds(mpp: Mpp, asked: Path) -> None:
    ref = ref_of(run(mpp, asked))
    assert mpp("approve", ref, "--deny").out == f"Denied {ref}.\n"
    refused = run(mpp, asked)
    assert (refused.code, refused.json["error"]["code"]) == (24, "approval.denied")


def test_a_no_has_a_reason_for_the_record_and_not_for_the_agent(mpp: Mpp, asked: Path, home: Path) -> None:
    ref = ref_of(run(mpp, asked))
    assert mpp("approve", ref, "--deny", "--why", "  not before\n the release ").out == f"Denied {ref}.\n"
    [said] = [event.body for event in events(home) if event.kind == "answer"]
    assert (said["answer"], said["why"]) == ("no", "not before the release")
    refused = run(mpp, asked)
    assert refused.json["error"]["code"] == "approval.denied"
    assert "release" not in refused.out + refused.err
    again = ref_of(run(mpp, asked, '{"name": "Gina"}'))
    for wrong in ("un\u202eseen", "x" * 201):
        answer = mpp("approve", again, "--deny", "--why", wrong, "--json")
        assert (answer.code, answer.json["error"]["code"]) == (2, "usage.text")
    assert mpp("approve", again, "--why", "because", "--json").json["error"]["code"] == "usage.option"
    assert mpp("approve", "pending", "--json").json["questions"][0]["ref"] == again, "what was refused has changed nothing"


def test_a_reason_goes_with_a_signed_no(mpp: Mpp, asked: Path, ada: Path, home: Path) -> None:
    ref = ref_of(run(mpp, asked))
    assert mpp("approve", ref, "--deny", "--key", ada, "--why", "no").out == f"Denied {ref}.\n"
    [said] = [event.body for event in events(home) if event.kind == "answer"]
    assert (said["signed"], said["why"]) == (True, "no")


def test_a_call_of_another_tenant_is_seen_and_a_yes_to_it_is_signed(mpp: Mpp, asked: Path, home: Path) -> None:
    with open_services(Home(path=str(home)), SystemClock(), SystemRandom()) as on:
        one = make_question(call_of(tenant="acme", now=on.clock.now()), need(), given({"name": "G"}), SystemRandom())
        kept, _ = on.approvals.ask(one, on.clock.now())
    shown = mpp("approve", "pending").out.splitlines()
    assert shown[0].split()[-1] == "tenant"
    assert shown[1].split()[-1] == "acme"
    assert mpp("approve", "pending", "--json").json["questions"][0]["tenant"] == "acme"
    with Terminal([*EXECUTABLE, "approve", kept.ref], env=dict(os.environ), cwd=home) as person:
        person.wait_for("Your answer: ")
        person.type("y\n")
        assert person.end() == 24, person.screen
    assert "approver's key" in person.screen
    assert mpp("approve", "enroll", "ada", "--no-passphrase", "--yes").code == 0
    answered = mpp("approve", kept.ref, "--key", home / "keys" / "approvers" / "ada.key", "--json")
    assert (answered.code, answered.json["state"]) == (0, "yes")


def test_two_persons_are_two(mpp: Mpp, asked: Path, ada: Path, home: Path) -> None:
    refused = mpp("approve", "enroll", "ben", "--role", "second", "--no-passphrase", "--yes", "--json")
    assert refused.json["error"]["code"] == "consent.fleet", "--yes makes the first approver alone"
    assert mpp("approve", "enroll", "ben", "--role", "second", "--no-passphrase", "--by", ada).code == 0
    ben = home / "keys" / "approvers" / "ben.key"
    ref = ref_of(run(mpp, asked, '{"name": "Gus"}'))
    assert mpp("approve", ref, "--key", ada).out == f"Answered {ref}; another approver must say yes, too.\n"
    ref_of(run(mpp, asked, '{"name": "Gus"}'))
    twice = mpp("approve", ref, "--key", ada, "--json")
    assert twice.json["error"]["code"] == "approval.same_approver"
    assert mpp("approve", ref, "--key", ben, "--json").json["state"] == "yes"
    found = run(mpp, asked, '{"name": "Gus"}').json
    assert sorted(found["decision"]["approvers"]) == ["ada", "ben"]


def test_always_lasts_until_it_is_revoked(mpp: Mpp, asked: Path, ada: Path) -> None:
    """What it declares is agreed to first, by a person: a rule that allows one call is no such yes."""
    assert run(mpp, asked, '{"name": "Ada"}').code == 0
    first = ref_of(run(mpp, asked))
    assert mpp("approve", first, "--key", ada, "--always", "--json").json["error"]["code"] == "approval.always"
    assert mpp("approve", first, "--key", ada).code == 0
    assert run(mpp, asked).code == 0
    ref = ref_of(run(mpp, asked))
    assert "for always" in mpp("approve", ref, "--key", ada, "--always").out
    for name in ("Grace", "Gwen"):
        assert run(mpp, asked, json.dumps({"name": name})).json["decision"]["because"] == "standing"
    listed = mpp("approve", "list", "--json").json["standing"]
    assert [(one["package"], one["calls"]) for one in listed] == [("com.example.hello", 98)]
    assert "98 calls left" in mpp("approve", "list").out
    identity = listed[0]["id"]
    assert mpp("approve", "show", identity[:8], "--json").json["standing"]["id"] == identity
    assert "com.example.hello" in mpp("approve", "show", identity).out
    assert mpp("approve", "revoke", identity[:8]).code == 0
    ref_of(run(mpp, asked))
    assert mpp("approve", "revoke", identity[:8], "--json").json["error"]["code"] == "approval.unknown"


def test_a_question_and_a_consent_are_taken_back(mpp: Mpp, asked: Path) -> None:
    assert run(mpp, asked, '{"name": "Ada"}').code == 0
    ref = ref_of(run(mpp, asked))
    assert mpp("approve", "revoke", ref).out == f"Question {ref} is withdrawn.\n"
    assert mpp("approve", "pending").out == "Nothing waits for an answer.\n"
    assert "com.example.hello" in mpp("approve", "list").out
    assert mpp("approve", "revoke", "com.example.hello", "--json").json["kind"] == "consent"
    assert "Nobody has agreed to a package yet" in mpp("approve", "list").out


def test_what_waits_is_shown(mpp: Mpp, asked: Path) -> None:
    ref = ref_of(run(mpp, asked))
    shown = mpp("approve", "show", ref)
    assert '/name = "Grace"' in shown.out
    assert "somebody looks" in shown.out
    assert "policy" in mpp("approve", "show", ref, "--details").out
    found = mpp("approve", "pending", "--json").json["questions"]
    assert [(one["ref"], one["tool"], one["answers"]) for one in found] == [(ref, "greet", 0)]
    assert mpp("approve", "show", ref, "--details", "--json").json["question"]["details"]
    assert ref in mpp("approve", "pending").out


def test_a_person_answers_at_the_terminal(mpp: Mpp, asked: Path, terminal: Callable[..., Terminal]) -> None:
    ref = ref_of(run(mpp, asked))
    with terminal("approve", ref) as screen:
        screen.wait_for("Your answer:")
        screen.type("y\n")
        assert screen.end() == 0
        assert f"Approved {ref}" in screen.screen
    assert run(mpp, asked).json["decision"]["amr"] == "tty"
    waiting = ref_of(run(mpp, asked))
    nobody = mpp("approve", waiting, "--json")
    assert nobody.json["error"]["code"] == "approval.unanswered"


HIGH = {"tool_definitions/0/security_level": "high"}


def test_what_is_high_needs_a_passphrase(mpp: Mpp, package: Make, home: Path, terminal: Callable[..., Terminal]) -> None:  # noqa: F811
    path = package(says(HELLO), HIGH)
    weak = mpp("run", path, "--yes", "--json")
    assert (weak.code, weak.json["error"]["code"]) == (24, "approval.weak")
    ref = mpp("approve", "pending", "--json").json["questions"][0]["ref"]
    with terminal("approve", ref) as screen:
        screen.wait_for("Your answer:")
        screen.type("y\n")
        assert screen.end() == 24
        assert "mpp approve enroll" in screen.screen
    Path("word").write_text("correct horse\n")
    with terminal("approve", "enroll", "ada", "--passphrase-file", "word") as screen:
        screen.wait_for("approve calls on this host")
        screen.type("yes\n")
        assert screen.end() == 0
    # Attack: a passphrase that lies in a file shows nobody who is there.
    by_file = mpp("approve", ref, "--key", home / "keys" / "approvers" / "ada.key", "--passphrase-file", "word", "--json")
    assert by_file.json["error"]["code"] == "approval.weak"
    with terminal("approve", ref) as screen:
        screen.wait_for("Your answer:")
        screen.type("y\n")
        screen.wait_for("Passphrase")
        screen.type("correct horse\n")
        assert screen.end() == 0, screen.screen
    found = mpp("run", path, "--json")
    assert (found.code, found.json["decision"]["amr"], found.json["decision"]["approvers"]) == (0, "passphrase", ["ada"])


def test_approvers_are_listed_and_dismissed(mpp: Mpp, ada: Path, asked: Path, terminal: Callable[..., Terminal]) -> None:
    assert mpp("approve", "approvers").out.startswith("ada")
    rows = mpp("approve", "approvers", "--json").json["approvers"]
    assert [(one["id"], one["roles"], one["most"]) for one in rows] == [("ada", ["approver"], "tty")]
    ref = ref_of(run(mpp, asked))
    assert mpp("approve", "enroll", "ada", "--by", ada, "--no-passphrase", "-o", "other.key", "--json").json["error"]["code"] == "approval.exists"
    assert mpp("approve", "dismiss", "ada", "--json").json["error"]["code"] == "consent.missing"
    assert mpp("approve", "dismiss", "ada", "--by", ada).code == 0
    assert mpp("approve", ref, "--key", ada, "--json").json["error"]["code"] == "approval.approver"
    assert mpp("approve", "dismiss", "ada", "--by", ada).code == 24
    public = rows[0]["public"]
    assert mpp("approve", "enroll", "ada", "--public", public, "--until", "2020-01-01", "--package", "com.example.*", "--yes").code == 0
    assert mpp("approve", ref, "--key", ada, "--json").json["error"]["code"] == "approval.approver_expired"
    # Whose time is over does not decide who approves, himself included.
    assert mpp("approve", "dismiss", "ada", "--by", ada, "--json").json["error"]["code"] == "approval.approver"
    with terminal("approve", "dismiss", "ada") as screen:
        screen.wait_for("Take the approver ada away?")
        screen.type("yes\n")
        assert screen.end() == 0
    assert mpp("approve", "approvers").out.startswith("Nobody is an approver yet")


def test_an_approver_by_a_flag_counts_no_more_than_a_terminal(mpp: Mpp, package: Make, home: Path) -> None:  # noqa: F811
    """Attack: an agent enrolls a key of its own with --yes, and signs with it that a passphrase was typed."""
    path = package(says(HELLO), HIGH)
    ref = ref_of(mpp("run", path, "--json"))
    Path("word").write_text("correct horse\n")
    known = mpp("agent", "keygen", "mal", "--no-passphrase", "-o", "mal.key", "--json").json["public_key"]
    for more in (("--passphrase-file", "word"), ("--public", known)):
        enrolled = mpp("approve", "enroll", "mal", *more, "--yes", "--json").json
        assert enrolled["approver"]["most"] == "tty"
        (home / "trust" / "approvers.json").unlink()
    assert mpp("approve", "show", ref).code == 0


def test_a_consent_through_another_tool_is_none(mpp: Mpp, package: Make) -> None:  # noqa: F811
    """Attack: a rule that allows a harmless tool, taken for a person's yes to all that the package declares."""
    tool = {"description": "Wipes", "parameters": {"type": "object"}, "security_level": "low"}
    path = package(says(HELLO), {**STORES, "tool_definitions": [{**tool, "name": "search"}, {**tool, "name": "wipe"}]})
    rules = """[[rules]]
id = "ask-wipe"
effect = "ask"
tools = ["wipe"]
consented = false
[[rules]]
id = "allow-search"
effect = "allow"
tools = ["search"]
[[rules]]
id = "allow-wipe"
effect = "allow"
tools = ["wipe"]
consented = true
"""
    Path("policy.toml").write_text('mpp_policy = 1\nname = "two"\n' + rules)
    assert mpp("policy", "use", "policy.toml", "--yes").code == 0
    ref_of(mpp("run", path, "--tool", "wipe", "--json"))
    assert mpp("run", path, "--tool", "search", "--json").code == 0
    ref_of(mpp("run", path, "--tool", "wipe", "--json"))
    assert mpp("run", path, "--tool", "wipe", "--yes", "--json").code == 0
    assert mpp("run", path, "--tool", "wipe", "--json").json["decision"]["because"] == "policy"


def test_a_claimed_name_has_no_rate_of_its_own(mpp: Mpp, package: Make) -> None:  # noqa: F811
    path = package(says(HELLO))
    Path("policy.toml").write_text('mpp_policy = 1\nname = "slow"\n[[rules]]\nid = "one"\neffect = "allow"\nlimits = { calls_per_minute = 1 }\n')
    assert mpp("policy", "use", "policy.toml", "--yes").code == 0
    assert [run(mpp, path, "{}", "--agent", name).code for name in ("a", "b", "c")] == [0, 23, 23]


def test_what_is_no_text_is_refused_in_words(mpp: Mpp, package: Make, tmp_path: Path) -> None:  # noqa: F811
    path, odd = package(says(HELLO), {"capabilities/filesystem": {"read": ["/data"], "write": []}}), "a\udcff"
    (tmp_path / odd).mkdir()
    calls = [
        ("run", path, "--tool", odd),
        ("run", path, "--yes", "--map", f"/data={tmp_path / odd}"),
        ("run", path, "--yes", "--workspace", tmp_path / odd, "--map", "/data=${workspace}"),
        ("approve", "answer", odd),
        ("approve", "show", odd),
        ("approve", "revoke", odd),
        ("agent", "token", "tok", "--label", odd, "--yes"),
    ]
    for words in calls:
        answer = mpp(*words, "--json")
        assert answer.code > 1, words
        assert answer.json["error"]["hint"], words


def test_enrolling_asks_a_person(mpp: Mpp, home: Path, terminal: Callable[..., Terminal]) -> None:
    assert mpp("approve", "enroll", "eve", "--no-passphrase", "--json").json["error"]["code"] == "consent.missing"
    with terminal("approve", "enroll", "eve", "--no-passphrase") as screen:
        screen.wait_for("approve calls on this host")
        screen.type("yes\n")
        assert screen.end() == 0
    (home / "trust").mkdir(exist_ok=True)
    (home / "trust" / "trust.json").write_text('{"mpp_trust":1,"first_use":false}')
    assert mpp("approve", "enroll", "mal", "--no-passphrase", "--yes", "--json").json["error"]["code"] == "consent.fleet"


def test_only_an_approver_makes_another_once_there_is_a_passphrase(mpp: Mpp, home: Path, terminal: Callable[..., Terminal]) -> None:
    """Attack: an agent of the same user makes itself an approver with a passphrase of its own choice."""
    Path("word").write_text("correct horse\n")
    with terminal("approve", "enroll", "ada", "--passphrase-file", "word") as screen:
        screen.wait_for("approve calls on this host")
        screen.type("yes\n")
        assert screen.end() == 0
    key = home / "keys" / "approvers" / "ada.key"
    for more in (("--yes",), ()):
        answer = mpp("approve", "enroll", "eve", "--passphrase-file", "word", *more, "--json")
        assert answer.json["error"]["code"] == "consent.missing"
    assert mpp("approve", "enroll", "eve", "--no-passphrase", "--by", key, "--json").json["error"]["code"] == "usage.passphrase"
    with terminal("approve", "enroll", "ben", "--no-passphrase", "--role", "second", "--by", key) as screen:
        screen.wait_for("Passphrase")
        screen.type("correct horse\n")
        assert screen.end() == 0
    ben = home / "keys" / "approvers" / "ben.key"
    assert mpp("approve", "enroll", "mal", "--no-passphrase", "--by", ben, "--json").json["error"]["code"] == "approval.approver"


def test_an_answer_comes_through_a_folder(mpp: Mpp, asked: Path, ada: Path, process: Mpp) -> None:
    import threading
    import time

    ref = ref_of(run(mpp, asked))

    def approver() -> None:
        until = time.monotonic() + 120
        while not Path("drop", f"{ref}.question.json").exists() and time.monotonic() < until:
            time.sleep(0.05)
        Path("drop", f"{ref}.answer.json").write_text("{}")
        time.sleep(0.3)
        process("approve", "sign", f"drop/{ref}.question.json", "--key", ada, "--id", "ada", "-o", f"drop/{ref}.answer.json")

    other = threading.Thread(target=approver)
    other.start()
    found = mpp("approve", "ask", ref, "--folder", "drop", "--wait", 120, "--json")
    other.join()
    assert (found.code, found.json["state"], found.json["approver"]) == (0, "yes", "ada")
    assert run(mpp, asked).code == 0
    assert mpp("approve", "ask", ref_of(run(mpp, asked)), "--folder", "drop", "--wait", 1, "--json").json["error"]["code"] == "approval.unanswered"


WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("approve", "ffff"), 24, "approval.unknown"),
    (("approve", "pendin"), 2, "did you mean 'pending'"),
    (("approve", "x"), 2, "usage.command"),
    (("approve", "ffff", "--always"), 2, "usage.option"),
    (("approve", "ffff", "--always", "--deny"), 2, "usage.option"),
    (("approve", "sign", "q", "--key", "k", "--id", "a", "--always", "--deny"), 2, "usage.option"),
    (("approve", "ask", "ffff"), 2, "usage.option"),
    (("approve", "show", "ffff"), 24, "approval.unknown"),
    (("approve", "submit", "absent.json"), 1, "host.file"),
]


@pytest.mark.parametrize(("words", "code", "name"), WRONG)
def test_wrong_calls_say_what_to_do(mpp: Mpp, words: tuple[str, ...], code: int, name: str) -> None:
    answer = mpp(*words)
    assert (answer.code, name in answer.err, "hint:" in answer.err) == (code, True, True), answer.err


def test_a_signed_agent_shows_in_the_decision(mpp: Mpp, asked: Path, home: Path) -> None:
    assert mpp("agent", "keygen", "scout", "--no-passphrase", "-o", "scout.key").code == 0
    unknown = run(mpp, asked, '{"name": "Ada"}', "--agent", "scout", "--agent-key", "scout.key")
    assert unknown.code == 25
    assert mpp("agent", "add", "--yes", "scout", "--key", "scout.key").code == 0
    found = run(mpp, asked, '{"name": "Ada"}', "--agent", "scout", "--agent-key", "scout.key", "--on-behalf-of", "user:ada")
    assert found.code == 0
    agent = found.json["decision"]["agent"]
    assert (agent["name"], agent["proof"], agent["behalf"][0]["name"]) == ("scout", "signed", "ada")
    assert found.json["decision"]["origin"] == "model"
    assert run(mpp, asked, "{}", "--agent-key", "scout.key").code == 2
    assert "agent" in kinds(home)


def test_nobody_names_himself_the_user(mpp: Mpp, package: Make, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Attack: variables and start options that name whom the policy allows."""
    path = package(says(HELLO))
    Path("policy.toml").write_text('mpp_policy = 1\nname = "users"\n[[rules]]\nid = "boss"\neffect = "allow"\nusers = ["boss"]\n')
    assert mpp("policy", "use", "policy.toml", "--yes").code == 0
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "boss")
    assert run(mpp, path, "{}").code == 23
    assert run(mpp, path, "{}", "--agent", "scout", "--on-behalf-of", "user:boss").code == 23


def test_a_stop_ends_calls_at_once(mpp: Mpp, asked: Path, home: Path) -> None:
    assert run(mpp, asked, '{"name": "Ada"}').code == 0
    assert mpp("stop", "--package", "com.example.hello", "--why", "leaks").code == 0
    stopped = run(mpp, asked, '{"name": "Ada"}')
    assert (stopped.code, stopped.json["error"]["code"]) == (23, "policy.stopped")
    assert kinds(home)[-1] == "refused"
    assert mpp("stop", "--lift", "--package", "com.example.hello").code == 22
    assert run(mpp, asked, '{"name": "Ada"}').code == 23


def test_a_rate_is_kept_over_processes(mpp: Mpp, package: Make) -> None:  # noqa: F811
    path = package(says(HELLO))
    Path("policy.toml").write_text('mpp_policy = 1\nname = "slow"\n[[rules]]\nid = "two"\neffect = "allow"\nlimits = { calls_per_minute = 2 }\n')
    assert mpp("policy", "use", "policy.toml", "--yes").code == 0
    assert [run(mpp, path, "{}").code for _ in range(3)] == [0, 0, 23]
