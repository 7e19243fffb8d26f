"""Capability tokens: handles that only ``mint`` makes and that only become narrower."""

from __future__ import annotations

import copy
import gc
import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.scope import NOTHING, Scope, covers
from mpp.stages.policy import events, token as subject
from mpp.stages.policy.events import token_event
from mpp.stages.policy.token import CapabilityToken, Held, held_by, held_digest, mint, scope_json

NAMES = {"tenant": "local", "publisher_id": "p" * 64, "package_id": "com.example.hello", "content_hash": "c" * 64}
SCOPE = Scope(
    network=(NetworkRule(host="example.com", wildcard=True, schemes=("https",), ports=(443,), methods=("GET",), paths=("/v1",)),),
    read=("/data",),
    write=("/data/out",),
    env=("A",),
    secrets=(Secret(name="K", host="api.example.com", header="X-Key", format="{secret}"),),
    kv_max_bytes=10,
    devices=(Hardware(device="serial-port", path="/dev/ttyUSB0", mode="r"),),
    tools=("greet", "part"),
    until=99,
)


def token(scope: Scope = SCOPE, **more: int) -> CapabilityToken:
    return mint(scope=scope, **NAMES, **more)


def test_a_token_shows_what_it_stands_for() -> None:
    found = token(timeout_ms=7)
    assert held_by(found) == Held(**NAMES, scope=SCOPE, narrowed=0, timeout_ms=7)
    assert (found.scope, found.package_id, found.content_hash) == (SCOPE, "com.example.hello", "c" * 64)
    assert repr(found) == "CapabilityToken(com.example.hello cccccccccccccccc)"
    assert repr(object.__new__(CapabilityToken)) == "CapabilityToken(forged)"


def test_its_digest_names_all_that_it_says_and_not_the_handle() -> None:
    first = token()
    written = json.dumps([*NAMES.values(), scope_json(SCOPE), 0], sort_keys=True, separators=(",", ":"))
    assert first.digest == hashlib.sha256(written.encode()).hexdigest() == token().digest == held_digest(held_by(first))
    others = [
        token(replace(SCOPE, **{name: getattr(NOTHING, name)}))
        for name in ("network", "read", "write", "env", "secrets", "kv_max_bytes", "devices", "tools", "until")
    ]
    others += [token(timeout_ms=1), *(mint(scope=SCOPE, **{**NAMES, name: "x"}) for name in NAMES)]
    assert len({one.digest for one in others} | {first.digest}) == len(others) + 1


def test_a_scope_as_it_is_written() -> None:
    assert scope_json(SCOPE) == {
        "network": [{"host": "*.example.com", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": ["/v1"]}],
        "read": ["/data"],
        "write": ["/data/out"],
        "env": ["A"],
        "secrets": [{"name": "K", "host": "api.example.com", "header": "X-Key", "format": "{secret}"}],
        "kv_max_bytes": 10,
        "devices": [{"device": "serial-port", "path": "/dev/ttyUSB0", "mode": "r"}],
        "tools": ["greet", "part"],
        "until": 99,
    }
    plain = replace(SCOPE, network=(replace(SCOPE.network[0], wildcard=False),))
    assert scope_json(plain)["network"] != scope_json(SCOPE)["network"]


def test_attenuating_gives_a_narrower_one_and_leaves_the_old() -> None:
    wide = token()
    narrow = wide.attenuate(Scope(read=("/data/in", "/etc"), tools=("greet", "other"), until=50))
    assert narrow.scope == Scope(read=("/data/in",), tools=("greet",), until=50)
    assert (wide.scope, held_by(narrow).narrowed, held_by(narrow.attenuate(SCOPE)).narrowed) == (SCOPE, 1, 2)
    assert covers(wide.scope, narrow.scope)
    again = narrow.attenuate(SCOPE)
    assert again.scope == narrow.scope
    assert (held_by(narrow).tenant, held_by(narrow).publisher_id, narrow.package_id, narrow.content_hash) == tuple(NAMES.values())


@pytest.mark.parametrize(("had", "given", "left"), [(0, 0, 0), (0, 5, 5), (5, 0, 5), (5, 9, 5), (9, 5, 5)])
def test_the_shorter_time_holds(had: int, given: int, left: int) -> None:
    assert held_by(token(timeout_ms=had).attenuate(SCOPE, timeout_ms=given)).timeout_ms == left


def test_a_token_is_not_made_copied_or_carried_away() -> None:
    found = token()
    attempts: tuple[Callable[[], object], ...] = (
        CapabilityToken, lambda: copy.copy(found), lambda: copy.deepcopy(found), lambda: pickle.dumps(found), lambda: type("T", (CapabilityToken,), {})
    )  # fmt: skip
    for attempt in attempts:
        with pytest.raises(Refused) as fault:
            attempt()
        assert fault.value.code == "token.forged"
    assert found.scope == SCOPE


def test_what_is_no_token_is_refused() -> None:
    for other in (None, b"token", "CapabilityToken", object(), held_by(token()), CapabilityToken, object.__new__(CapabilityToken)):
        with pytest.raises(Refused) as fault:
            held_by(other)
        assert (fault.value.code, bool(fault.value.hint)) == ("token.forged", True)


def test_nothing_is_kept_of_a_token_that_is_gone() -> None:
    gc.collect()
    before = len(subject._HELD)
    many = [token() for _ in range(100)]
    assert len(subject._HELD) == before + 100
    del many
    gc.collect()
    assert len(subject._HELD) == before


def test_what_stood_at_its_place_in_memory_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a token is gone, and an object made by hand has its number by now."""
    found, forged = token(), object.__new__(CapabilityToken)
    monkeypatch.setitem(subject._HELD, id(forged), subject._HELD[id(found)])
    with pytest.raises(Refused) as fault:
        held_by(forged)
    assert fault.value.code == "token.forged"
    assert held_by(found).scope == SCOPE


def test_a_token_that_is_ended_by_hand_stands_for_nothing() -> None:
    found, other = token(), token()
    found.__del__()
    with pytest.raises(Refused) as fault:
        held_by(found)
    assert fault.value.code == "token.forged"
    assert held_by(other).scope == SCOPE


def test_tokens_for_the_same_are_two_tokens() -> None:
    one, other = token(), token()
    assert one is not other
    assert held_by(one) is held_by(other)


def test_events_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_TOKENS", {})
    monkeypatch.setattr(events, "SCOPES_KNOWN_MAX", 2)
    tokens = [token(timeout_ms=number + 1) for number in range(5)]
    told = [token_event("token-used", one, "i" * 32, 1) for one in tokens]
    assert len(events._TOKENS) <= 2
    assert told == [token_event("token-used", one, "i" * 32, 1) for one in tokens]
