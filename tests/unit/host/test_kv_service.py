from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.services.kv import KV_METHODS, answer_kv
from mpp.host.stores.kv import KvStore
from mpp.host.stores.kv_file import Space
from mpp.host.stores.limits import KV_KEY_BYTES_MAX, KV_LIST_MAX, KV_VALUE_BYTES_MAX
from mpp.model.calls import HostAnswer
from mpp.model.jsontext import Json
from mpp.model.rights import Rights

RIGHTS = Rights(tenant="t", publisher_id="ab" * 32, package_id="com.example.a", content_hash="cd" * 32, kv_max_bytes=4_000_000)


def b64(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.fixture
def store(tmp_path: Path) -> KvStore:
    return KvStore(str(tmp_path / "kv"))


def ask(store: KvStore, method: str, params: Json, rights: Rights = RIGHTS, tool: str = "count") -> HostAnswer:
    return answer_kv(store, method, params, rights, tool)


def good(store: KvStore, method: str, params: Json) -> Json:
    answer = ask(store, method, params)
    assert (answer.error, answer.message, answer.kv) == ("", "", method)
    return answer.result


def test_the_four_methods(store: KvStore) -> None:
    assert frozenset(("kv.get", "kv.set", "kv.delete", "kv.list")) == KV_METHODS
    assert good(store, "kv.get", {"key": "a"}) == {"value": None}
    assert good(store, "kv.set", {"key": "a", "value": b64(b"\0\1")}) == {"stored": True}
    assert good(store, "kv.get", {"key": "a"}) == {"value": b64(b"\0\1")}
    assert good(store, "kv.set", {"key": "a", "value": "", "expect": b64(b"x")}) == {"stored": False}
    assert good(store, "kv.set", {"key": "a", "value": "", "expect": None}) == {"stored": False}
    assert good(store, "kv.set", {"key": "b", "value": "", "expect": None}) == {"stored": True}
    assert good(store, "kv.set", {"key": "a", "value": "", "expect": b64(b"\0\1")}) == {"stored": True}
    assert good(store, "kv.list", {}) == {"keys": ["a", "b"], "more": False}
    assert good(store, "kv.list", {"limit": 1}) == {"keys": ["a"], "more": True}
    assert good(store, "kv.list", {"prefix": "b", "after": "a", "limit": 5}) == {"keys": ["b"], "more": False}
    assert good(store, "kv.delete", {"key": "a"}) == {"existed": True}
    assert good(store, "kv.delete", {"key": "a"}) == {"existed": False}


def test_what_tools_of_a_package_share_is_apart_from_what_each_keeps(store: KvStore) -> None:
    """Spec: call-contract C-70."""
    shared: dict[str, Json] = {"key": "a", "scope": "package"}
    assert good(store, "kv.set", {**shared, "value": b64(b"all")}) == {"stored": True}
    assert good(store, "kv.get", {"key": "a"}) == {"value": None}
    assert good(store, "kv.set", {"key": "a", "value": b64(b"mine"), "scope": "tool"}) == {"stored": True}
    assert ask(store, "kv.get", shared, tool="other").result == {"value": b64(b"all")}
    assert ask(store, "kv.get", {"key": "a"}, tool="other").result == {"value": None}
    assert ask(store, "kv.list", {"scope": "package"}, tool="other").result == {"keys": ["a"], "more": False}
    assert ask(store, "kv.get", shared, replace(RIGHTS, package_id="com.example.b")).result == {"value": None}
    assert ask(store, "kv.delete", shared, tool="other").result == {"existed": True}
    assert good(store, "kv.get", {"key": "a"}) == {"value": b64(b"mine")}


@pytest.mark.parametrize("scope", ["", "count", "tenant", None, 1, ["package"]])
def test_no_other_scope_is_known(store: KvStore, scope: Json) -> None:
    """Attack: the name of another tool as a scope."""
    assert ask(store, "kv.get", {"key": "a", "scope": scope}).error == "bad_request"


def test_the_quota_counts_both(store: KvStore) -> None:
    rights = replace(RIGHTS, kv_max_bytes=10)
    assert ask(store, "kv.set", {"key": "a", "value": b64(b"1234"), "scope": "package"}, rights).error == ""
    assert ask(store, "kv.set", {"key": "b", "value": b64(b"123456789")}, rights).error == "quota"


def test_the_state_is_that_of_the_rights(store: KvStore) -> None:
    good(store, "kv.set", {"key": "a", "value": b64(b"1")})
    space = Space(tenant=RIGHTS.tenant, publisher_id=RIGHTS.publisher_id, package_id=RIGHTS.package_id)
    assert store.get(space, "count", b"a") == b"1"
    for rights in (replace(RIGHTS, tenant="u"), replace(RIGHTS, publisher_id="x"), replace(RIGHTS, package_id="com.example.b")):
        assert ask(store, "kv.get", {"key": "a"}, rights).result == {"value": None}
    assert ask(store, "kv.get", {"key": "a"}, tool="other").result == {"value": None}
    assert ask(store, "kv.get", {"key": "a"}, replace(RIGHTS, content_hash="ef" * 32)).result == {"value": b64(b"1")}


EDGE = [
    ("key", {"key": "k" * KV_KEY_BYTES_MAX, "value": ""}),
    ("key in bytes", {"key": "é" * (KV_KEY_BYTES_MAX // 2), "value": ""}),
    ("value", {"key": "a", "value": b64(bytes(KV_VALUE_BYTES_MAX))}),
    ("control characters", {"key": "a\n\t\x01\x7f", "value": ""}),
]


@pytest.mark.parametrize("params", [params for _, params in EDGE], ids=[name for name, _ in EDGE])
def test_the_largest_is_taken(store: KvStore, params: dict[str, Json]) -> None:
    good(store, "kv.set", dict(params))
    assert good(store, "kv.get", {"key": params["key"]}) == {"value": params["value"]}


BAD: list[tuple[str, str, Json, str]] = [
    ("no object", "kv.get", [], "bad_request"),
    ("null", "kv.get", None, "bad_request"),
    ("no key", "kv.get", {}, "bad_request"),
    ("an empty key", "kv.get", {"key": ""}, "bad_request"),
    ("a number as key", "kv.get", {"key": 1}, "bad_request"),
    ("null as key", "kv.get", {"key": None}, "bad_request"),
    ("a key with NUL", "kv.get", {"key": "a\0b"}, "bad_request"),
    ("half of a character", "kv.get", {"key": "\ud800"}, "bad_request"),
    ("a long key", "kv.get", {"key": "k" * (KV_KEY_BYTES_MAX + 1)}, "too_large"),
    ("a long key in bytes", "kv.get", {"key": "é" * (KV_KEY_BYTES_MAX // 2 + 1)}, "too_large"),
    ("an unknown key", "kv.get", {"key": "a", "tenant": "u"}, "bad_request"),
    ("a value of another method", "kv.delete", {"key": "a", "value": ""}, "bad_request"),
    ("no value", "kv.set", {"key": "a"}, "bad_request"),
    ("null as value", "kv.set", {"key": "a", "value": None}, "bad_request"),
    ("a value that is no base64", "kv.set", {"key": "a", "value": "a"}, "bad_request"),
    ("a value in the alphabet of addresses", "kv.set", {"key": "a", "value": "-_-_"}, "bad_request"),
    ("a value without padding", "kv.set", {"key": "a", "value": "YQ"}, "bad_request"),
    ("a value with spare bits", "kv.set", {"key": "a", "value": "YR=="}, "bad_request"),
    ("a value with a line end", "kv.set", {"key": "a", "value": "YQ==\n"}, "bad_request"),
    ("a large value", "kv.set", {"key": "a", "value": b64(bytes(KV_VALUE_BYTES_MAX + 1))}, "too_large"),
    ("a huge value", "kv.set", {"key": "a", "value": "A" * 3_000_000}, "too_large"),
    ("a number as expectation", "kv.set", {"key": "a", "value": "", "expect": 1}, "bad_request"),
    ("a limit of 0", "kv.list", {"limit": 0}, "bad_request"),
    ("a limit below", "kv.list", {"limit": -1}, "bad_request"),
    ("a limit above", "kv.list", {"limit": KV_LIST_MAX + 1}, "bad_request"),
    ("true as limit", "kv.list", {"limit": True}, "bad_request"),
    ("a limit with a fraction", "kv.list", {"limit": 1.0}, "bad_request"),
    ("null as prefix", "kv.list", {"prefix": None}, "bad_request"),
    ("a prefix with NUL", "kv.list", {"prefix": "\0"}, "bad_request"),
    ("a long after", "kv.list", {"after": "k" * (KV_KEY_BYTES_MAX + 1)}, "too_large"),
    ("an unknown method", "kv.drop", {}, "unknown_method"),
    ("a method of Python", "__class__", {}, "unknown_method"),
]


@pytest.mark.parametrize(("method", "params", "code"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_wrong_message_changes_nothing(store: KvStore, tmp_path: Path, method: str, params: Json, code: str) -> None:
    answer = ask(store, method, params)
    assert (answer.error, answer.result, answer.kv) == (code, None, "")
    assert answer.message
    assert len(answer.message) < 300
    assert not (tmp_path / "kv").exists()


@pytest.mark.parametrize("method", sorted(KV_METHODS))
def test_what_is_not_declared_is_not_there(store: KvStore, tmp_path: Path, method: str) -> None:
    assert ask(store, method, {"key": "a"}, replace(RIGHTS, kv_max_bytes=0)).error == "not_declared"
    assert not (tmp_path / "kv").exists()


def test_over_the_quota(store: KvStore) -> None:
    small = replace(RIGHTS, kv_max_bytes=3)
    assert ask(store, "kv.set", {"key": "a", "value": b64(b"12")}, small).result == {"stored": True}
    answer = ask(store, "kv.set", {"key": "a", "value": b64(b"123")}, small)
    assert (answer.error, answer.result, answer.kv) == ("quota", None, "kv.set")
    assert ask(store, "kv.get", {"key": "a"}, small).result == {"value": b64(b"12")}


def test_what_fails_here_is_reported_here(store: KvStore, tmp_path: Path) -> None:
    good(store, "kv.set", {"key": "a", "value": ""})
    store.close()
    next((tmp_path / "kv").glob("*.sqlite")).write_bytes(b"")
    seen: list[HostFailed] = []
    for report in (None, seen.append):
        answer = answer_kv(store, "kv.get", {"key": "a"}, RIGHTS, "count", report=report)
        assert (answer.error, answer.result) == ("unavailable", None)
        assert str(tmp_path) not in answer.message
    assert [fault.code for fault in seen] == ["host.kv"]
