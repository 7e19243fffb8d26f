"""``mpp agent``: who is known here, and what agents prove themselves with."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id
from mpp.crypto.keyfile import read_key
from mpp.host.agent_store import AgentStore, agent_of_token
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.host.oidc import key_row
from mpp.host.signed_context import SignedContexts
from mpp.host.system import SystemRandom
from mpp.stages.policy import CallFacts, read_and_verify, read_link, verify_delegations, verify_statement
from mpp.stages.sandbox import read_arguments
from mpp.testing.agents import agent
from mpp.testing.packages import NOW, TestClock
from tests.cli.conftest import Answer, Mpp
from tests.cli.terminal import Terminal
from tests.unit.host.id_tokens import keys as issuer_keys
from tests.unit.sandbox.conftest import CONTEXT
from tests.records import events

PACKAGE = f"{'a' * 64}/com.example.crm"
PUBLIC = base64text.encode(agent("planner").public_key)
HOST_ID = "1" * 64
PHRASE = "correct horse"


def made(mpp: Mpp, name: str, *more: str) -> str:
    """The path of a new key file."""
    found = mpp("agent", "keygen", name, "--no-passphrase", "--json", *more)
    assert found.code == 0, found
    path = found.json["file"]
    assert isinstance(path, str)
    return path


def store(home: Path) -> AgentStore:
    return AgentStore(str(home / "trust" / "agents.json"))


def code(found: Answer) -> str:
    error = found.json["error"]
    assert error["hint"], found
    text = error["code"]
    assert isinstance(text, str)
    return text


def test_nobody_is_known_at_first(mpp: Mpp) -> None:
    assert "No agent is known yet" in mpp("agent", "list").out
    assert mpp("agent", "list", "--json").json["agents"] == []


def test_a_key_is_made_added_and_shown(mpp: Mpp, home: Path) -> None:
    text = mpp("agent", "keygen", "acme/planner", "--no-passphrase")
    path = home / "keys" / "agent-acme-planner.key"
    key = read_key(path.read_bytes(), where="x")
    assert key.role == "agent"
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert key_id(key.public) in text.out
    assert "not sealed" in text.err
    added = mpp("agent", "add", "--yes", "acme/planner", "--key", path)
    assert added.code == 0
    assert "known by 1 key." in added.out
    shown = mpp("agent", "list")
    assert f"acme/planner\n  key   {key_id(key.public)}" in shown.out
    assert store(home).load().agents["acme/planner"].keys == (key.public,)


def test_a_key_is_never_overwritten(mpp: Mpp) -> None:
    made(mpp, "planner")
    assert code(mpp("agent", "keygen", "planner", "--no-passphrase", "--json")) == "key.exists"


def test_a_sealed_key_is_added_without_its_passphrase_and_signs_with_it(mpp: Mpp, home: Path) -> None:
    Path("phrase").write_text(PHRASE + "\n")
    os.chmod("phrase", 0o600)
    assert mpp("agent", "keygen", "planner", "-o", "p.key", "--passphrase-file", "phrase").code == 0
    assert mpp("agent", "add", "--yes", "planner", "--key", "p.key").code == 0
    words = ("agent", "prove", "planner", "--key", "p.key", "--host", HOST_ID, "--package", PACKAGE, "--tool", "lookup")
    assert mpp(*words).code != 0
    assert mpp(*words, "--passphrase-file", "phrase").code == 0


def test_further_keys_ends_and_users(mpp: Mpp, home: Path) -> None:
    assert mpp("agent", "add", "--yes", "planner", "--public", PUBLIC).code == 0
    assert "2 keys" in mpp("agent", "add", "--yes", "planner", "--public", agent("next").public_key.hex(), "--until", "2027-01-01").out
    assert "2 keys" in mpp("agent", "add", "--yes", "planner", "--public", PUBLIC).out
    assert mpp("agent", "add", "--yes", "ada", "--user", "--public", base64text.encode(agent("ada").public_key)).code == 0
    assert mpp("agent", "add", "--yes", "planner", "--until", "2028-01-01", "--json").json["agent"]["until"] == 1830297600
    shown = mpp("agent", "list").out
    assert "ada  (a user)" in shown
    assert "planner  until 2028-01-01 00:00:00 UTC" in shown
    rows = mpp("agent", "list", "--json").json["agents"]
    assert [(row["name"], row["user"], len(row["keys"])) for row in rows] == [("ada", True, 1), ("planner", False, 2)]
    assert code(mpp("agent", "add", "--yes", "planner", "--user", "--public", PUBLIC, "--json")) == "agent.user"
    assert code(mpp("agent", "add", "--yes", "ada", "--public", base64text.encode(agent("ada").public_key), "--json")) == "agent.user"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("add", "Planner", "--public", PUBLIC), "agent.name"),
        (("add", "planner"), "usage.option"),
        (("add", "planner", "--public", PUBLIC, "--key", "x"), "usage.option"),
        (("add", "planner", "--public", "x"), "key.public"),
        (("add", "planner", "--public", "z" * 64), "key.public"),
        (("add", "planner", "--public", "0" * 64), "key.public"),
        (("add", "stranger", "--until", "2027-01-01"), "agent.unknown"),
        (("add", "planner", "--key", "absent"), "host.file"),
        (("keygen", "Planner", "--no-passphrase"), "agent.name"),
        (("keygen", "planner"), "usage.passphrase"),
        (("token", "Planner"), "agent.name"),
        (("token", "planner", "--label", "a\u202eb", "--yes"), "agent.form"),
        (("remove", "planner"), "agent.unknown"),
        (("trust-org", "Acme", "--public", PUBLIC, "--may-name", "**"), "usage.option"),
        (("trust-org", "", "--public", PUBLIC, "--may-name", "a/*", "--yes"), "agent.length"),
        (("lst",), "usage.command"),
        (("prove", "planner", "--key", "x", "--host", "x", "--package", PACKAGE, "--tool", "t"), "usage.option"),
        (("prove", "planner", "--key", "x", "--host", HOST_ID, "--package", "com.example.crm", "--tool", "t"), "usage.option"),
        (("prove", "planner", "--key", "x", "--host", HOST_ID, "--package", PACKAGE, "--tool", "t", "--args", "[]"), "call.form"),
        (("delegate", "worker", "--key", "x", "--for", "ada", "--public", PUBLIC), "agent.behalf"),
        (("verify-context", "x", "--audience", "https://a.example", "--host-key", PUBLIC), "agent.jws"),
    ],
)
def test_wrong_words_say_what_to_do(mpp: Mpp, words: tuple[str, ...], wanted: str) -> None:
    found = mpp("agent", *words, "--json")
    assert code(found) == wanted
    assert found.code != 0


def test_a_word_that_is_nearly_right_is_named(mpp: Mpp) -> None:
    assert "did you mean 'keygen'?" in mpp("agent", "keygn", "planner").err
    assert "mpp agent --help" in mpp("agent", "zzz").err
    mpp("agent", "add", "--yes", "planner", "--public", PUBLIC)
    assert "did you mean 'planner'?" in mpp("agent", "remove", "planer").err


def test_one_key_is_one_agents(mpp: Mpp) -> None:
    mpp("agent", "add", "--yes", "planner", "--public", PUBLIC)
    assert code(mpp("agent", "add", "--yes", "worker", "--public", PUBLIC, "--json")) == "agent.duplicate"


def test_a_key_of_another_role_is_refused(mpp: Mpp, keys: Path) -> None:
    found = mpp("agent", "add", "--yes", "planner", "--key", keys / "publisher.key", "--json")
    assert code(found) == "key.role"
    acme = made(mpp, "acme", "--organisation")
    planner = made(mpp, "planner")
    assert code(mpp("agent", "vouch", "acme/bot", "--key", planner, "--public", PUBLIC, "--json")) == "key.role"
    words = ("prove", "planner", "--key", acme, "--host", HOST_ID, "--package", PACKAGE, "--tool", "t")
    assert code(mpp("agent", *words, "--json")) == "key.role"


def test_a_token_is_shown_once(mpp: Mpp, home: Path) -> None:
    found = mpp("agent", "token", "--yes", "planner", "--label", "build server", "--now", NOW)
    text = found.out.strip()
    assert agent_of_token(store(home).load(), text, NOW).name == "planner"
    assert text not in found.err
    listed = mpp("agent", "list").out
    assert text not in listed
    assert "'build server'" in listed
    assert text.encode() not in (home / "trust" / "agents.json").read_bytes()
    second = mpp("agent", "token", "--yes", "planner", "--until", "2027-01-01", "--json").json
    assert agent_of_token(store(home).load(), second["token"], NOW).name == "planner"
    assert "token" in mpp("agent", "list").out
    mpp("agent", "add", "--yes", "ada", "--user", "--public", PUBLIC)
    assert code(mpp("agent", "token", "--yes", "ada", "--json")) == "agent.user"


def test_what_is_removed_is_gone(mpp: Mpp, home: Path) -> None:
    mpp("agent", "add", "--yes", "planner", "--public", PUBLIC)
    mpp("agent", "add", "--yes", "planner", "--public", agent("next").public_key.hex())
    token = mpp("agent", "token", "--yes", "planner", "--json").json["id"]
    next_id = key_id(agent("next").public_key)
    for words in (("--token", token[:15]), ("--token", "0" * 16), ("--key", next_id, "--token", "0" * 16), ("--key", token)):
        assert code(mpp("agent", "remove", "planner", *words, "--json")) == "agent.unknown"
    assert mpp("agent", "remove", "planner", "--key", next_id[:16], "--token", token).code == 0
    known = store(home).load().agents["planner"]
    assert (known.keys, known.tokens) == ((agent("planner").public_key,), ())
    assert mpp("agent", "remove", "planner", "--json").json["changed"] == "planner"
    assert store(home).load().agents == {}


def test_the_key_of_the_host(mpp: Mpp, home: Path) -> None:
    found = mpp("agent", "host-key", "--json").json
    key = host_key(Home(path=str(home)))
    assert (found["key_id"], found["public_hex"]) == (key.key_id, key.public.hex())
    assert found["public_key"] == base64text.encode(key.public)
    assert key.key_id in mpp("agent", "host-key").out


ARGUMENTS = '{"id": 7}'
FACTS = CallFacts(
    audience=HOST_ID, tool="lookup", publisher_id="a" * 64, package_id="com.example.crm", argument_sha256=read_arguments(ARGUMENTS.encode()).sha256
)  # fmt: skip


@pytest.mark.parametrize("how", ["text", "file", "stdin"])
def test_a_proof_is_that_of_the_call(mpp: Mpp, process: Mpp, how: str) -> None:
    path = made(mpp, "planner")
    Path("args.json").write_text(ARGUMENTS)
    given = {"text": ARGUMENTS, "file": "@args.json", "stdin": "-"}[how]
    words = ("agent", "prove", "planner", "--key", path, "--host", HOST_ID, "--package", PACKAGE, "--tool", "lookup", "--args", given, "--now", NOW)
    if how == "stdin":
        with Path("args.json").open() as stream:
            found = process(*map(str, words), stdin=stream)
    else:
        found = mpp(*words)
    public = read_key(Path(path).read_bytes(), where="x").public
    proof = read_and_verify(found.out.removesuffix("\n").encode(), FACTS, lambda kind, name: {key_id(public): public}, NOW)
    assert (proof.agent, proof.issued) == ("planner", NOW)


def test_what_is_signed_can_be_written_to_a_file(mpp: Mpp) -> None:
    path = made(mpp, "planner")
    words = ("agent", "prove", "planner", "--key", path, "--host", HOST_ID, "--package", PACKAGE, "--tool", "lookup", "--user", "ada", "--with-key")
    assert mpp(*words, "-o", "proof.json").out == "Wrote proof.json.\n"
    body = json.loads(b64decode(json.loads(Path("proof.json").read_bytes())["payload"]))
    assert (body["user"], body["key"]) == ("ada", base64text.encode(read_key(Path(path).read_bytes(), where="x").public))
    assert mpp(*words, "-o", "proof.json", "--json").json["file"] == "proof.json"
    assert set(mpp(*words, "--json").json["document"]) == {"payload", "payloadType", "signatures"}


def test_an_organisation_vouches(mpp: Mpp, home: Path) -> None:
    acme = made(mpp, "acme", "--organisation", "-o", "acme.key")
    assert "trust-org" in mpp("agent", "keygen", "other", "--organisation", "--no-passphrase").out
    public = base64text.encode(read_key(Path(acme).read_bytes(), where="x").public)
    assert "may vouch for acme/*" in mpp("agent", "trust-org", "--yes", "Acme", "--public", public, "--may-name", "acme/*").out
    words = ("agent", "vouch", "acme/bot", "--key", acme, "--public", PUBLIC, "--role", "reader", "--now", NOW, "-o", "bot.statement")
    assert mpp(*words).code == 0
    known = store(home).load()
    found = verify_statement(Path("bot.statement").read_bytes(), known.organisations, NOW)
    assert (found.agent, found.roles, found.not_after) == ("acme/bot", ("reader",), NOW + 90 * 86400)
    assert mpp(*words[:-2], "--until", "2026-02-01", "--json").json["until"] == 1769904000
    assert "organisation 'Acme'  may name acme/*" in mpp("agent", "list").out
    assert mpp("agent", "list", "--json").json["organisations"][0]["name"] == "Acme"
    number = next(iter(known.organisations))
    assert code(mpp("agent", "remove", number[:15], "--json")) == "agent.unknown"
    assert mpp("agent", "remove", number[:16]).code == 0
    assert store(home).load().organisations == {}


def test_an_issuer_is_known_by_its_published_keys(mpp: Mpp, home: Path) -> None:
    published = {"keys": [key_row(issuer_keys()["rsa"]), {"kty": "oct", "kid": "shared"}]}
    Path("jwks.json").write_text(json.dumps(published))
    words = ("agent", "trust-issuer", "--yes", "https://id.example.com", "--audience", "mpp", "--jwks", "jwks.json", "--may-name", "*@example.com")
    found = mpp(*words)
    assert "with 1 keys" in found.out
    assert "left out: shared" in found.err
    assert mpp(*words, "--json").json["left_out"] == ["shared"]
    issuer = store(home).load().issuers["https://id.example.com"]
    assert (issuer.audience, issuer.name_claim, issuer.may_name, [key.kid for key in issuer.keys]) == ("mpp", "sub", "*@example.com", ["rsa"])
    assert "issuer https://id.example.com  may name *@example.com" in mpp("agent", "list").out
    assert mpp("agent", "list", "--json").json["issuers"][0]["keys"] == ["rsa"]
    assert mpp("agent", "remove", "https://id.example.com").code == 0
    assert store(home).load().issuers == {}


def test_who_acts_for_whom(mpp: Mpp) -> None:
    ada, planner, worker = (made(mpp, name, "-o", f"{name}.key") for name in ("ada", "planner", "worker"))
    publics = {path: read_key(Path(path).read_bytes(), where="x").public for path in (ada, planner, worker)}
    first = ("agent", "delegate", "planner", "--key", ada, "--for", "user:ada", "--public", base64text.encode(publics[planner]), "--now", NOW)
    assert mpp(*first, "--depth", 1, "-o", "one").code == 0
    second = ("agent", "delegate", "worker", "--key", planner, "--for", "agent:planner", "--public", base64text.encode(publics[worker]), "--now", NOW)
    Path("two").write_text(mpp(*second, "--parent", "one").out)
    links = tuple(read_link(Path(name).read_bytes().removesuffix(b"\n"), where=name) for name in ("one", "two"))

    def known(kind: str, name: str) -> dict[str, bytes] | None:
        return {key_id(publics[ada]): publics[ada]} if (kind, name) == ("user", "ada") else None

    behind = verify_delegations(links, "worker", publics[worker], known, NOW, where="x")
    assert [(one.kind, one.name) for one in behind] == [("agent", "planner"), ("user", "ada")]
    shown = mpp(*second, "--parent", "one", "--until", "2026-01-02", "--json").json
    assert (shown["of"], shown["for"], shown["until"]) == ("worker", "agent:planner", 1767312000)
    assert code(mpp(*second, "--parent", "one", "--depth", 1, "--json")) == "agent.delegation_depth"
    proof = mpp(
        "agent", "prove", "worker", "--key", worker, "--host", HOST_ID, "--package", PACKAGE, "--tool", "lookup", "--args", ARGUMENTS, "--now", NOW,
        "--delegation", "one", "--delegation", "two",
    )  # fmt: skip

    def all_known(kind: str, name: str) -> dict[str, bytes] | None:
        return {key_id(publics[worker]): publics[worker]} if name == "worker" else known(kind, name)

    assert read_and_verify(proof.out.removesuffix("\n").encode(), FACTS, all_known, NOW).behind == behind


def test_a_back_end_verifies_a_context(mpp: Mpp, process: Mpp, home: Path) -> None:
    key = host_key(Home(path=str(home)))
    token = SignedContexts(key.signer, TestClock(), SystemRandom()).token(CONTEXT, "https://crm.example.com")
    words = ("agent", "verify-context", token, "--audience", "https://crm.example.com", "--now", NOW)
    shown = mpp(*words, "--host-key", key.public.hex())
    assert shown.code == 0
    assert f"Host    {key.key_id}" in shown.out
    assert "unknown (anonymous)" in shown.out
    found = mpp(*words, "--host-key", base64text.encode(key.public), "--json").json
    assert (found["host"], found["context"]) == (key.key_id, CONTEXT.shown())
    Path("token").write_text(token + "\n")
    with Path("token").open() as stream:
        piped = process("agent", "verify-context", "-", *words[3:5], "--now", str(NOW), "--host-key", key.public.hex(), stdin=stream)
    assert piped.code == 0
    assert code(mpp(*words[:4], "https://other.example.com", *words[5:], "--host-key", key.public.hex(), "--json")) == "agent.audience"
    assert code(mpp(*words, "--host-key", PUBLIC, "--json")) == "agent.jws_key"


CHANGES = [
    ("add", "planner", "--public", PUBLIC),
    ("token", "planner"),
    ("trust-org", "Acme", "--public", PUBLIC, "--may-name", "acme/*"),
]


@pytest.mark.parametrize("words", CHANGES, ids=lambda words: words[0])
def test_who_is_known_is_for_a_person_to_say(mpp: Mpp, home: Path, words: tuple[str, ...], terminal: Callable[..., Terminal]) -> None:
    """Attack: an agent that can call commands makes its own key that of an agent or a user whom policy allows."""
    assert code(mpp("agent", *words, "--json")) == "consent.missing"
    assert not (home / "trust" / "agents.json").exists()
    with terminal("agent", *words) as screen:
        screen.wait_for("Type yes to allow it")
        screen.type("yes\n")
        assert screen.end() == 0
    event = events(home)[-1]
    assert (event.kind, event.body["amr"]) == ("trust", "tty")
    (home / "trust" / "trust.json").write_text('{"mpp_trust":1,"first_use":false}')
    assert code(mpp("agent", *words, "--yes", "--json")) == "consent.fleet"
