"""The services as one host has them: storage in its home, requests with the secrets of the call, everything closed at the end."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import SecretStore
from mpp.host.services import standard as subject
from mpp.host.services.http import HttpService
from mpp.host.services.http_types import HttpRefusal, HttpResponse
from mpp.host.services.standard import CALLS_KNOWN_MAX, HttpAnswers, KvAnswers, standard_calls
from mpp.host.stores.kv import KvStore
from mpp.model.calls import HostAnswer
from mpp.model.capabilities import NetworkRule, Secret
from mpp.model.rights import Rights
from mpp.model.secretvalue import SecretValue
from mpp.stages.sandbox import CallScope
from tests.unit.sandbox.conftest import RIGHTS, Listener, scope

VALUE = "sk-" + "abc" * 9
RULE = NetworkRule(host="api.example.com", wildcard=False, schemes=("https",), ports=(443,), methods=(), paths=())
SECRET = Secret(name="KEY", host="api.example.com", header="Authorization", format="Bearer {secret}")
NETWORK = replace(RIGHTS, network=(RULE,))
KEYED = replace(RIGHTS, network=(RULE,), secrets=(SECRET,))
RESPONSE = HttpResponse(
    status=200, headers=(("a", "b"),), body=b"ok", url="https://api.example.com/", observed=("api.example.com:443",), secrets=("KEY",), echoed=("KEY",)
)


class Network:
    """In the place of the process that would reach a network: keeps what it was asked with."""

    def __init__(self, found: HttpResponse | HttpRefusal = RESPONSE) -> None:
        self.found = found
        self.asked: list[tuple[object, Rights, tuple[SecretValue, ...]]] = []

    def answer(self, params, rights, secrets, until, declared=()):
        yield from ()
        self.asked.append((params, rights, secrets))
        return self.found


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    made = SecretStore(str(tmp_path / "secrets"), str(tmp_path / "seal" / "key"))
    made.put(make_entry("KEY", VALUE, created=1, host="api.example.com", header="authorization"), replace=True)
    return made


def http(network: Network, secrets: SecretStore | None = None) -> HttpAnswers:
    return HttpAnswers(cast("HttpService", network), secrets, {})


def ask(answers: HttpAnswers, where: CallScope, method: str = "http.fetch") -> HostAnswer:
    return drive(answers.answer(method, {"method": "GET", "url": "https://api.example.com/"}, where, 1.0))


def test_an_answer_comes_back_with_what_it_used(store: SecretStore) -> None:
    network = Network()
    answer = ask(http(network, store), scope(KEYED))
    assert answer == HostAnswer(
        result={"status": 200, "headers": [["a", "b"]], "body": "b2s=", "url": "https://api.example.com/"}, error="", message="",
        hosts=("api.example.com:443",), secrets=("KEY",), echoed=("KEY",),
    )  # fmt: skip
    ((params, rights, values),) = network.asked
    assert (params, rights) == ({"method": "GET", "url": "https://api.example.com/"}, KEYED)
    assert [(one.secret, one.value) for one in values] == [(SECRET, VALUE)]


def test_a_refusal_comes_back_with_what_it_used() -> None:
    network = Network(HttpRefusal(code="tls", message="no", observed=("h:1",), secrets=("KEY",), echoed=("KEY",)))
    assert ask(http(network), scope(NETWORK)) == HostAnswer(result=None, error="tls", message="no", hosts=("h:1",), secrets=("KEY",), echoed=("KEY",))


def test_without_a_declared_network_nothing_leaves() -> None:
    network = Network()
    assert ask(http(network), scope()).error == "not_declared"
    assert ask(http(network), replace(scope(), declared=(RULE,))).error == "not_granted"
    assert not network.asked


@pytest.mark.parametrize("method", ["http.post", "http", "http.fetch.x", "http.Fetch"])
def test_there_is_one_method(method: str) -> None:
    network = Network()
    assert ask(http(network), scope(NETWORK), method).error == "unknown_method"
    assert not network.asked


@pytest.mark.parametrize("declared", [False, True])
def test_no_store_or_no_secret_sends_none(store: SecretStore, declared: bool) -> None:
    network = Network()
    ask(http(network, None if declared else store), scope(KEYED if declared else NETWORK))
    assert network.asked[0][2] == ()


def test_a_secret_is_looked_up_once_in_a_call_and_anew_in_the_next(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    real = subject.resolve_secrets
    monkeypatch.setattr(subject, "resolve_secrets", lambda *given: looks.append("look") or real(*given))
    answers = http(Network(), store)
    for invocation in ("a", "a", "b", "a"):
        ask(answers, scope(KEYED, invocation=invocation))
    assert len(looks) == 2


def test_values_of_old_calls_are_not_kept(store: SecretStore) -> None:
    answers = http(Network(), store)
    for number in range(CALLS_KNOWN_MAX + 5):
        ask(answers, scope(KEYED, invocation=str(number)))
    assert len(answers._known) == CALLS_KNOWN_MAX
    assert "0" not in answers._known


def test_a_missing_secret_is_told_to_the_owner_and_not_to_the_guest(tmp_path: Path) -> None:
    network = Network()
    where = scope(KEYED)
    answer = ask(http(network, SecretStore(str(tmp_path / "none"), str(tmp_path / "key"))), where)
    assert (answer.error, network.asked) == ("unavailable", [])
    assert "KEY" not in answer.message
    ((level, message),) = cast("Listener", where.live).said  # type: ignore[misc]
    assert level == "warning"
    assert "mpp secret set KEY" in message


def test_a_lookup_that_fails_is_not_tried_again_in_the_same_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a guest that asks again and again has a command that fails run thousands of times."""
    looks: list[str] = []
    real = subject.resolve_secrets
    monkeypatch.setattr(subject, "resolve_secrets", lambda *given: looks.append("look") or real(*given))
    network = Network()
    answers = http(network, SecretStore(str(tmp_path / "none"), str(tmp_path / "key")))
    assert [ask(answers, scope(KEYED)).error for _ in range(3)] == ["unavailable"] * 3
    assert (len(looks), network.asked) == (1, [])


# --- storage


def test_storage_is_of_the_rights_and_the_tool(tmp_path: Path) -> None:
    store = KvStore(str(tmp_path / "kv"))
    answers = KvAnswers(store)
    stored = replace(RIGHTS, kv_max_bytes=1000)

    def kv(method: str, params: dict[str, object], where: CallScope) -> HostAnswer:
        return drive(answers.answer(method, params, where, 1.0))  # type: ignore[arg-type]

    assert kv("kv.set", {"key": "a2V5", "value": "dg=="}, scope(stored)).result == {"stored": True}
    assert kv("kv.get", {"key": "a2V5"}, scope(stored)) == HostAnswer(result={"value": "dg=="}, error="", message="", kv="kv.get")
    for other in (scope(stored, tool="other"), scope(replace(stored, tenant="t2")), scope(replace(stored, package_id="com.example.b"))):
        assert kv("kv.get", {"key": "a2V5"}, other).result == {"value": None}
    assert kv("kv.get", {"key": "a2V5"}, scope()).error == "not_declared"
    store.close()


def test_storage_that_fails_is_told_to_the_owner_and_not_to_the_guest(tmp_path: Path) -> None:
    (tmp_path / "kv").write_text("no folder")
    store = KvStore(str(tmp_path / "kv"))
    where = scope(replace(RIGHTS, kv_max_bytes=1000))
    answer = drive(KvAnswers(store).answer("kv.set", {"key": "a2V5", "value": "dg=="}, where, 1.0))
    store.close()
    assert answer.error == "unavailable"
    assert str(tmp_path) not in answer.message
    ((level, message),) = cast("Listener", where.live).said  # type: ignore[misc]
    assert level == "warning"
    assert message


def test_all_of_a_host_is_closed_at_the_end(tmp_path: Path) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    stored = scope(replace(RIGHTS, kv_max_bytes=1000))
    with standard_calls(Home(path=str(tmp_path)), None) as calls:
        assert drive(calls.answer("kv.set", {"key": "a2V5", "value": "dg=="}, stored, 1.0)).result == {"stored": True}
        assert drive(calls.answer("http.fetch", {}, stored, 1.0)).error == "not_declared"
        assert drive(calls.answer("context.get", {}, stored, 1.0)).error == ""
    assert sorted(os.listdir("/proc/self/fd")) == before
