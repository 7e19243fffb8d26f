"""The list of agents: read strictly, written whole, believed only where nobody else can write."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest

from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id
from mpp.errors import HostFailed, Refused
from mpp.files import write_atomic
from mpp.host import agent_store
from mpp.host.agent_store import (
    AGENT_KEYS_MAX,
    NOBODY,
    TOKEN_PREFIX,
    AgentStore,
    BearerToken,
    KnownAgent,
    KnownAgents,
    agent_of_token,
    named_agent,
    new_token,
    read_agents,
    token_digest,
    write_agents,
)
from mpp.host.oidc import Issuer, IssuerKey
from mpp.host.system import SystemRandom
from mpp.model.jsontext import Json, canonical
from mpp.stages.policy import Organisation
from mpp.testing.agents import agent
from mpp.testing.packages import NOW, TestRandom

TOKEN = new_token(TestRandom())
HELD = BearerToken(sha256=token_digest(TOKEN), until=NOW, label="build server")
PLANNER = KnownAgent(name="planner", keys=(agent("planner").public_key, agent("next").public_key), tokens=(HELD,), until=NOW + 5)
ADA = KnownAgent(name="ada", keys=(agent("ada").public_key,), is_user=True)
ACME = Organisation(name="Acme", key=agent("acme").public_key, may_name="acme/*")
ISSUER = Issuer(
    issuer="https://id.example.com", audience="mpp", keys=(IssuerKey(kid="1", kind="OKP", parts=(agent("issuer").public_key,)),), name_claim="sub", may_name="*"
)  # fmt: skip
FULL = KnownAgents(agents={"planner": PLANNER, "ada": ADA}, organisations={key_id(ACME.key): ACME}, issuers={ISSUER.issuer: ISSUER})


@pytest.fixture
def store(tmp_path: Path) -> AgentStore:
    return AgentStore(str(tmp_path / "home" / "trust" / "agents.json"))


@pytest.mark.parametrize("known", [NOBODY, FULL])
def test_what_is_written_comes_back(known: KnownAgents) -> None:
    assert read_agents(write_agents(known), where="x") == known


SCHEMA = jsonschema_rs.Draft202012Validator(
    json.loads((Path(__file__).resolve().parents[3] / "spec" / "schema" / "agents.schema.json").read_text(encoding="utf-8"))
)  # fmt: skip


@pytest.mark.parametrize("known", [NOBODY, FULL])
def test_the_schema_fits_what_is_written(known: KnownAgents) -> None:
    SCHEMA.validate(json.loads(write_agents(known)))


BEYOND_A_SCHEMA = frozenset((("agents/0/name", "duplicate"), ("agents/0/keys", "duplicate"), ("agents/0/keys", "base64"), ("agents/1/tokens/0/label", "form")))
"""What only the text can say: names and keys that stand twice, points that are none, characters that hide."""


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    for path, item, name in WRONG:
        taken = SCHEMA.is_valid(json.loads(changed(path, item)))
        assert not taken or (path, name) in BEYOND_A_SCHEMA, (path, item)


def test_lists_may_be_left_out() -> None:
    assert read_agents(b'{"mpp_agents":1}', where="x") == NOBODY
    assert read_agents(b'{"mpp_agents":1,"agents":[{"name":"a"}]}', where="x").agents == {"a": KnownAgent(name="a")}


def changed(path: str, item: Json) -> bytes:
    document: Json = json.loads(write_agents(FULL))
    at = document
    *steps, last = path.split("/")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]  # type: ignore[index,call-overload]
    if item is Ellipsis:
        del at[last]  # type: ignore[union-attr,arg-type]
    else:
        at[int(last) if isinstance(at, list) else last] = item  # type: ignore[index,call-overload]
    return canonical(document)


KEY = base64text.encode(agent("planner").public_key)
WRONG: list[tuple[str, Json, str]] = [
    ("mpp_agents", 2, "range"), ("agents", {}, "type"), ("agents/0", "ada", "type"), ("agents/0/name", "Ada", "form"), ("agents/0/name", ..., "missing"),
    ("agents/0/name", "planner", "duplicate"), ("agents/0/keys", [KEY], "duplicate"), ("agents/0/keys", [KEY[:-1]], "base64"),
    ("agents/0/keys", [base64text.encode(bytes(32))], "base64"), ("agents/0/keys", [1], "type"), ("agents/0/user", 1, "type"),
    ("agents/0/tokens", [{"sha256": "0" * 64, "until": 1, "label": ""}], "type"), ("agents/1/tokens/0/sha256", "x", "form"),
    ("agents/1/tokens/0/until", ..., "missing"), ("agents/1/tokens/0/label", ..., "missing"), ("agents/1/tokens/0/label", "a\u202eb", "form"),
    ("agents/1/tokens/0/more", 1, "unknown_key"), ("agents/1/until", -1, "range"), ("agents/1/admin", True, "unknown_key"),
    ("organisations/0/name", "", "length"), ("organisations/0/key", "x", "base64"), ("organisations/0/may_name", "**", "form"),
    ("organisations/0/may_name", ..., "missing"), ("organisations/0/more", 1, "unknown_key"), ("issuers/0/issuer", "http://id.example.com", "form"),
    ("issuers/0/audience", ..., "missing"), ("issuers/0/jwks", ..., "missing"), ("issuers/0/jwks/keys", [], "length"), ("issuers/0/jwks/more", 1, "unknown_key"),
    ("issuers/0/jwks/keys/0/alg", "HS256", "choice"), ("issuers/0/may_name", "A", "form"), ("issuers/0/more", 1, "unknown_key"), ("more", 1, "unknown_key"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "item", "name"), WRONG, ids=range(len(WRONG)))
def test_another_document_is_refused(path: str, item: Json, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_agents(changed(path, item), where="x")
    assert refusal.value.code == f"agent.{name}"


@pytest.mark.parametrize("data", [b"", b"[]", b'{"mpp_agents":1,"mpp_agents":1}', b"\xff"])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        read_agents(data, where="x")


@pytest.mark.parametrize("key", ["organisations", "issuers"])
def test_nobody_stands_twice(key: str) -> None:
    document = json.loads(write_agents(FULL))
    document[key] *= 2
    with pytest.raises(Refused) as refusal:
        read_agents(canonical(document), where="x")
    assert refusal.value.code == "agent.duplicate"


def test_one_name_of_a_key_is_one_key() -> None:
    document = json.loads(write_agents(FULL))
    document["issuers"][0]["jwks"]["keys"] *= 2
    with pytest.raises(Refused) as refusal:
        read_agents(canonical(document), where="x")
    assert refusal.value.code == "agent.duplicate"


def test_an_absent_document_is_nobody_and_a_change_makes_it(store: AgentStore) -> None:
    assert store.load() == NOBODY
    assert store.change(lambda known: known) == NOBODY
    assert not os.path.exists(store.path)
    store.change(lambda known: known.with_agent(PLANNER))
    assert os.stat(store.path).st_mode & 0o777 == 0o600
    assert store.load().agents == {"planner": PLANNER} == AgentStore(store.path).load().agents


def test_reading_again_is_cheap_and_sees_changes(store: AgentStore) -> None:
    store.change(lambda known: known.with_agent(PLANNER))
    first = store.load()
    assert store.load() is first
    AgentStore(store.path).change(lambda known: known.with_agent(ADA))
    assert store.load().agents.keys() == {"planner", "ada"}


def test_changes_at_once_are_all_kept(store: AgentStore) -> None:
    def one(number: int) -> None:
        AgentStore(store.path).change(lambda known: known.with_agent(named_agent(f"a{number}")))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(16)))
    assert len(store.load().agents) == 16


def test_what_could_not_be_read_is_not_written(store: AgentStore) -> None:
    store.change(lambda known: known.with_agent(PLANNER))
    before = Path(store.path).read_bytes()
    for step in (
        lambda known: known.with_agent(named_agent("twin", public=agent("planner").public_key)),
        lambda known: known.with_agent(replace(PLANNER, keys=PLANNER.keys * AGENT_KEYS_MAX)),
        lambda known: replace(known, organisations={"x": replace(ACME, may_name="**")}),
    ):
        with pytest.raises(Refused):
            store.change(step)
    assert Path(store.path).read_bytes() == before


def test_a_list_that_is_too_long_is_not_written(store: AgentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_store, "AGENTS_BYTES_MAX", 100)
    with pytest.raises(Refused) as refusal:
        store.change(lambda known: known.with_agent(PLANNER))
    assert refusal.value.code == "agent.length"


@pytest.fixture
def planted(store: AgentStore) -> Iterator[AgentStore]:
    store.change(lambda known: known.with_agent(PLANNER))
    yield store
    os.chmod(os.path.dirname(store.path), 0o700)


@pytest.mark.parametrize("up", [0, 1, 2])
@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_list_that_others_may_change_is_refused(planted: AgentStore, up: int, mode: int) -> None:
    path = Path(planted.path)
    os.chmod([path, path.parent, path.parent.parent][up], mode)
    for act in (planted.load, lambda: planted.change(lambda known: known.with_agent(ADA))):
        with pytest.raises(Refused) as refusal:
            act()
        assert refusal.value.code == "trust.mode"


def test_a_list_of_somebody_else_is_refused(planted: AgentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(planted.path, os.getuid(), -1)
    real = os.stat

    def stat(path: str) -> os.stat_result:
        found = real(path)
        return os.stat_result((*found[:4], 12345, *found[5:])) if path == planted.path else found

    monkeypatch.setattr("mpp.host.agent_store.os.stat", stat)
    with pytest.raises(Refused) as refusal:
        planted.load()
    assert refusal.value.code == "trust.mode"


def test_a_list_that_cannot_be_looked_at_is_a_failure(planted: AgentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(path: str) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mpp.host.agent_store.os.stat", no)
    with pytest.raises(HostFailed) as failure:
        planted.load()
    assert failure.value.code == "host.file"


def test_half_a_list_is_none(planted: AgentStore) -> None:
    write_atomic(planted.path, Path(planted.path).read_bytes()[:-10])
    with pytest.raises(Refused) as refusal:
        planted.load()
    assert refusal.value.code == "agent.json"


def test_a_token_is_known_by_its_digest_alone() -> None:
    assert TOKEN.startswith(TOKEN_PREFIX)
    assert len(TOKEN) == len(TOKEN_PREFIX) + 43
    assert HELD.sha256 == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert TOKEN.encode() not in write_agents(FULL)
    assert new_token(SystemRandom()) != new_token(SystemRandom())
    assert agent_of_token(FULL, TOKEN, NOW) == PLANNER


@pytest.mark.parametrize("text", ["", "mppa_", TOKEN[:-1], TOKEN + "A", TOKEN.upper(), TOKEN[5:], "x" * len(TOKEN), TOKEN[:-1] + "\u00e9", HELD.sha256])
def test_another_token_is_nobodys(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        agent_of_token(FULL, text, NOW)
    assert refusal.value.code == "agent.token"
    assert text not in str(refusal.value) or not text


def test_a_token_ends() -> None:
    with pytest.raises(Refused) as refusal:
        agent_of_token(FULL, TOKEN, NOW + 1)
    assert refusal.value.code == "agent.expired"


def test_an_agent_is_found_by_its_name() -> None:
    assert FULL.find("planner") is PLANNER
    with pytest.raises(Refused) as refusal:
        FULL.find("planer")
    assert refusal.value.code == "agent.unknown"
    assert "planner" in refusal.value.faults[0].hint
    with pytest.raises(Refused) as refusal:
        named_agent("Planner")
    assert refusal.value.code == "agent.name"
