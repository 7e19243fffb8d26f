"""The tokens of the front over the network: a digest is kept, a row stands for one tenant, and what was revoked is gone at once."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.system import SystemRandom
from mpp.host.tenants import (
    NO_TOKENS,
    TENANT_TOKEN_PREFIX,
    TenantToken,
    TokenStore,
    digest_of,
    holder_of,
    judge_tenant,
    new_tenant_token,
    read_tokens,
    write_tokens,
)
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.jsontext import Json, canonical
from mpp.testing.packages import NOW, TestRandom

TEXT, NAME = new_tenant_token(TestRandom())
HELD = TenantToken(id=NAME, sha256=digest_of(TEXT), tenant="acme", agent="planner", until=NOW + 60, user="ada", label="build server", rate=60)
OTHER_TEXT, OTHER_NAME = new_tenant_token(SystemRandom())
OTHER = TenantToken(id=OTHER_NAME, sha256=digest_of(OTHER_TEXT), tenant="other", agent="scout", until=NOW + 60)
BOTH = {HELD.id: HELD, OTHER.id: OTHER}


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(str(tmp_path / "home" / "trust" / "tokens.json"))


def test_a_token_is_known_again_and_not_kept(store: TokenStore) -> None:
    store.change(lambda _: BOTH)
    assert holder_of(store.load(), TEXT, NOW) == HELD
    assert holder_of(store.load(), OTHER_TEXT, NOW) == OTHER
    written = Path(store.path).read_text()
    assert TEXT not in written
    assert TEXT.rpartition("_")[2] not in written
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600


def test_tokens_are_random_and_of_one_form() -> None:
    made = {new_tenant_token(SystemRandom())[0] for _ in range(100)}
    assert len(made) == 100
    assert {len(text) for text in made} == {65}
    assert all(text.startswith(TENANT_TOKEN_PREFIX) for text in made)


def test_whom_a_token_names() -> None:
    assert HELD.identity() == AgentIdentity(name="planner", level="token", behind=(Delegation(kind="user", name="ada", level="token"),))
    assert OTHER.identity() == AgentIdentity(name="scout", level="token")


FOREIGN = [
    ("", "agent.token"),
    ("planner", "agent.token"),
    (TEXT[:-1], "agent.token"),
    (TEXT + "A", "agent.token"),
    (TEXT[:-1] + ("A" if TEXT[-1] != "A" else "B"), "agent.token"),
    (TEXT.upper(), "agent.token"),
    (" " + TEXT, "agent.token"),
    (TEXT + "\n", "agent.token"),
    # The id of one with the secret of the other.
    (TEXT[:22] + OTHER_TEXT[22:], "agent.token"),
    (OTHER_TEXT[:22] + TEXT[22:], "agent.token"),
    # What the file holds opens nothing.
    (HELD.sha256, "agent.token"),
    (f"{TENANT_TOKEN_PREFIX}{HELD.id}_{HELD.sha256[:43]}", "agent.token"),
    (f"{TENANT_TOKEN_PREFIX}{'0' * 16}_{'A' * 43}", "agent.token"),
]


@pytest.mark.parametrize(("token", "code"), FOREIGN)
def test_what_is_no_token_here(token: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        holder_of(BOTH, token, NOW)
    assert refusal.value.code == code


def test_an_end_is_an_end() -> None:
    assert holder_of(BOTH, TEXT, NOW + 59) == HELD
    with pytest.raises(Refused) as refusal:
        holder_of(BOTH, TEXT, NOW + 60)
    assert refusal.value.code == "agent.expired"
    assert HELD.sha256 not in str(refusal.value)


@pytest.mark.parametrize("known", [NO_TOKENS, BOTH])
def test_what_is_written_comes_back(known: dict[str, TenantToken]) -> None:
    assert read_tokens(write_tokens(known), where="x") == known


ROW: dict[str, Json] = {"id": HELD.id, "sha256": HELD.sha256, "tenant": "acme", "agent": "planner", "until": NOW}
WRONG: list[tuple[dict[str, Json], str]] = [
    ({"id": "x"}, "form"),
    ({"sha256": "x"}, "form"),
    ({"tenant": "../etc"}, "form"),
    ({"tenant": ""}, "length"),
    ({"agent": "Planner"}, "form"),
    ({"user": ""}, "length"),
    ({"until": -1}, "range"),
    ({"until": "tomorrow"}, "type"),
    ({"rate": 10**9}, "range"),
    ({"label": "a" * 101}, "length"),
    ({"label": "a\u202eb"}, "form"),
    ({"admin": True}, "unknown_key"),
]


@pytest.mark.parametrize(("change", "name"), WRONG)
def test_a_document_is_judged(change: dict[str, Json], name: str) -> None:
    document: Json = {"mpp_tokens": 1, "tokens": [{**ROW, **change}]}
    with pytest.raises(Refused) as refusal:
        read_tokens(canonical(document), where="tokens.json")
    assert refusal.value.code == f"agent.{name}"


def test_a_row_stands_once() -> None:
    for twice in ([ROW, ROW], [ROW, {**ROW, "id": OTHER_NAME}], [ROW, {**ROW, "sha256": OTHER.sha256}]):
        with pytest.raises(Refused) as refusal:
            read_tokens(canonical({"mpp_tokens": 1, "tokens": twice}), where="x")
        assert refusal.value.code == "agent.duplicate"
    with pytest.raises(Refused):
        read_tokens(json.dumps({"mpp_tokens": 2, "tokens": []}).encode(), where="x")


def test_nobody_is_known_where_nothing_stands(store: TokenStore) -> None:
    assert store.load() == NO_TOKENS


def test_a_revoked_token_is_gone_with_the_next_look(store: TokenStore) -> None:
    reader = TokenStore(store.path)
    store.change(lambda _: BOTH)
    assert set(reader.load()) == set(BOTH)
    assert reader.load() is reader.load()
    store.change(lambda known: {name: one for name, one in known.items() if name != HELD.id})
    assert set(reader.load()) == {OTHER.id}
    os.unlink(store.path)
    assert reader.load() == NO_TOKENS


def test_a_change_of_the_same_size_and_time_is_seen(store: TokenStore) -> None:
    store.change(lambda _: BOTH)
    assert store.load()[HELD.id].tenant == "acme"
    found = os.stat(store.path)
    changed = Path(store.path).read_bytes().replace(b'"acme"', b'"emca"')
    Path(store.path).write_bytes(changed)
    os.utime(store.path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert store.load()[HELD.id].tenant == "emca"


def test_many_writers_lose_nothing(store: TokenStore) -> None:
    def add(_: int) -> None:
        text, name = new_tenant_token(SystemRandom())
        TokenStore(store.path).change(lambda known: {**known, name: replace(HELD, id=name, sha256=digest_of(text))})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(16)))
    assert len(store.load()) == 16


def test_only_who_owns_it_may_have_written_it(store: TokenStore) -> None:
    store.change(lambda _: BOTH)
    for path, mode in ((store.path, 0o666), (os.path.dirname(store.path), 0o777)):
        before = stat.S_IMODE(os.stat(path).st_mode)
        os.chmod(path, mode)
        with pytest.raises(Refused) as refusal:
            TokenStore(store.path).load()
        assert refusal.value.code == "policy.mode"
        os.chmod(path, before)
    os.rename(store.path, store.path + ".real")
    os.symlink(store.path + ".real", store.path)
    with pytest.raises(Refused) as refusal:
        TokenStore(store.path).load()
    assert refusal.value.code == "policy.mode"


def test_what_cannot_be_read_is_not_taken_for_empty(store: TokenStore) -> None:
    os.makedirs(store.path, mode=0o700)
    with pytest.raises((Refused, HostFailed)):
        store.load()


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a-", "a--b", "../x", "a/b", "a" * 41, "ä"])
def test_names_of_tenants(name: str) -> None:
    assert judge_tenant("acme-2", "x") == "acme-2"
    with pytest.raises(Refused):
        judge_tenant(name, "x")
