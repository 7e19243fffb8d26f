"""Host calls find their service; the host's own three judge what they are given."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from mpp.host.drive import drive
from mpp.host.services.dispatch import LOG_CHARS_MAX, Dispatcher, granted
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.capabilities import NetworkRule
from mpp.model.jsontext import Json
from mpp.stages.sandbox import CallScope
from tests.unit.sandbox.conftest import CONTEXT, RIGHTS, Listener, scope


class Service:
    def __init__(self, name: str) -> None:
        self.name = name

    def answer(self, method, params, scope, until):
        yield from ()
        return granted({"by": self.name, "method": method, "params": dict(params), "until": until})


CALLS = Dispatcher(kv=Service("kv"), http=Service("http"))


def ask(method: str, params: Json = None, where: CallScope | None = None) -> HostAnswer:
    return drive(CALLS.answer(method, {} if params is None else params, where or scope(), 12.5))


@pytest.mark.parametrize(("method", "by"), [("kv.get", "kv"), ("kv.anything", "kv"), ("kv", "kv"), ("http.fetch", "http"), ("http.", "http")])
def test_a_method_goes_to_its_service_unchanged(method: str, by: str) -> None:
    assert ask(method, {"key": "a"}).result == {"by": by, "method": method, "params": {"key": "a"}, "until": 12.5}


@pytest.mark.parametrize("method", ["", ".", "kvx.get", "KV.get", " kv.get", "context", "context.get ", "log.x", "secrets.get", "__class__", "own.log"])
def test_an_unknown_method_is_an_answer(method: str) -> None:
    assert ask(method).error == "unknown_method"


@pytest.mark.parametrize("params", [[], "x", 1, True, 1.5])
@pytest.mark.parametrize("method", ["kv.get", "context.get", "log", "absent"])
def test_parameters_are_an_object(method: str, params: Json) -> None:
    assert ask(method, params).error == "bad_request"


def test_the_context_comes_from_the_host() -> None:
    assert ask("context.get").result == CONTEXT.shown()
    assert ask("context.get", {"user": "mallory"}).error == "bad_request"


class Contexts:
    """Says what it was asked to sign."""

    def token(self, context: CallContext, audience: str) -> str:
        return f"{context.tool} for {audience}"


SIGNING = Dispatcher(kv=Service("kv"), http=Service("http"), contexts=Contexts())
REACHING = replace(
    RIGHTS,
    network=(
        NetworkRule(host="crm.example.com", wildcard=False, schemes=("https",), ports=(443,), methods=("GET",), paths=("/v1",)),
        NetworkRule(host="example.org", wildcard=True, schemes=("https", "http"), ports=(8443, 80), methods=(), paths=()),
        NetworkRule(host="plain.example.com", wildcard=False, schemes=("http",), ports=(443,), methods=(), paths=()),
    ),
)


@pytest.mark.parametrize("audience", ["https://crm.example.com", "https://a.example.org:8443"])
def test_a_context_is_signed_for_whom_the_tool_may_reach(audience: str) -> None:
    answer = drive(SIGNING.answer("context.get", {"audience": audience}, scope(REACHING), 1.0))
    assert answer == granted({**CONTEXT.shown(), "token": f"greet for {audience}"})
    assert ask("context.get", {"audience": audience}, scope(REACHING)).error == "unavailable"


@pytest.mark.parametrize(
    "audience",
    [
        "https://other.example.com", "https://example.org:8443", "https://a.example.org", "https://a.example.org:8444", "https://plain.example.com",
        "https://crm.example.com:8443", "https://crm.example.com.evil.example", "https://evilcrm.example.com",
    ],
)  # fmt: skip
def test_no_context_is_signed_for_strangers(audience: str) -> None:
    assert drive(SIGNING.answer("context.get", {"audience": audience}, scope(REACHING), 1.0)).error == "not_granted"
    # Nor does a host without a key say to whom it would have signed.
    assert ask("context.get", {"audience": audience}, scope(REACHING)).error == "not_granted"


@pytest.mark.parametrize(
    "params",
    [
        {"audience": "crm.example.com"}, {"audience": "https://crm.example.com/"}, {"audience": "http://crm.example.com"}, {"audience": ""}, {"audience": None},
        {"audience": ["https://crm.example.com"]}, {"audience": "https://crm.example.com", "agent": "boss"}, {"agent": "boss"},
    ],
)  # fmt: skip
def test_another_audience_is_none(params: Json) -> None:
    assert drive(SIGNING.answer("context.get", params, scope(REACHING), 1.0)).error == "bad_request"


def said(method: str, params: Json) -> tuple[HostAnswer, list[object]]:
    where = scope()
    return ask(method, params, where), cast("Listener", where.live).said


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_a_log_line_arrives(level: str) -> None:
    answer, lines = said("log", {"level": level, "message": "hello\x1b"})
    # What comes here is raw: whoever shows it filters it.
    assert (answer, lines) == (granted({}), [(level, "hello\x1b")])


def test_a_long_line_is_cut() -> None:
    assert said("log", {"level": "info", "message": "x" * (LOG_CHARS_MAX + 1)})[1] == [("info", "x" * LOG_CHARS_MAX)]
    assert said("progress", {"progress": 1, "message": "x" * (LOG_CHARS_MAX + 1)})[1] == [(1.0, None, "x" * LOG_CHARS_MAX)]


BAD_LOGS: list[Json] = [
    {}, {"level": "info"}, {"message": "x"}, {"level": "trace", "message": "x"}, {"level": "INFO", "message": "x"}, {"level": None, "message": "x"},
    {"level": ["info"], "message": "x"}, {"level": "info", "message": 1}, {"level": "info", "message": None}, {"level": "info", "message": "x", "more": 1},
]  # fmt: skip


@pytest.mark.parametrize("params", BAD_LOGS)
def test_a_bad_log_line_says_nothing(params: Json) -> None:
    answer, lines = said("log", params)
    assert (answer.error, lines) == ("bad_request", [])


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"progress": 1}, (1.0, None, "")),
        ({"progress": 0.5, "total": 2, "message": "half"}, (0.5, 2.0, "half")),
        ({"progress": -1, "total": None}, (-1.0, None, "")),
    ],
)
def test_progress_arrives(params: Json, wanted: object) -> None:
    assert said("progress", params) == (granted({}), [wanted])


BAD_PROGRESS: list[Json] = [
    {}, {"total": 1}, {"progress": None}, {"progress": "1"}, {"progress": True}, {"progress": [1]}, {"progress": 10**400}, {"progress": float("inf")},
    {"progress": float("nan")}, {"progress": 1, "total": "2"}, {"progress": 1, "total": False}, {"progress": 1, "total": 10**400},
    {"progress": 1, "message": None}, {"progress": 1, "message": 5}, {"progress": 1, "more": 1},
]  # fmt: skip


@pytest.mark.parametrize("params", BAD_PROGRESS, ids=range(len(BAD_PROGRESS)))
def test_bad_progress_says_nothing(params: Json) -> None:
    answer, lines = said("progress", params)
    assert (answer.error, lines) == ("bad_request", [])
