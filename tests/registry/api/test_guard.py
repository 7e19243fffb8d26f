"""The guard around all requests: who asks, how often, what every answer carries, and that nothing of a failure leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from mpp.testing.packages import TestClock, TestRandom
from mpp_registry.api.guard import Guard, HEADERS, Outside
from mpp_registry.api.limits import ADDRESS_WAITING_MAX, RATE_READ, RATE_WRITE_ADDRESS
from mpp_registry.api.metrics import Metrics


class Asking:
    """A guard around an application, asked without a socket."""

    def __init__(self, *, behind_proxy: bool = False, is_tls: bool = False) -> None:
        self.lines: list[str] = []
        self.moment = 0.0
        self.metrics = Metrics()
        outside = Outside(
            clock=TestClock(), random=TestRandom(), write_line=self.lines.append, now=lambda: self.moment, behind_proxy=behind_proxy, is_tls=is_tls
        )
        self.guard = Guard(Starlette(routes=[Route("/", fine), Route("/own", own), Route("/broken", broken)]), outside, self.metrics)

    def ask(
        self, path: str = "/", headers: Sequence[tuple[str, str]] = (), method: str = "GET", address: str = "192.0.2.1",
    ) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
        scope: Scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "client": (address, 1), "scheme": "http",
            "headers": [(name.encode(), text.encode("latin-1")) for name, text in headers], "asgi": {"version": "3.0", "spec_version": "2.4"},
        }  # fmt: skip
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        anyio.run(self.guard, scope, receive, send)
        found = {name.decode(): text.decode() for name, text in sent[0]["headers"]}
        return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


async def fine(_request: Request) -> Response:
    return PlainTextResponse("fine")


async def own(_request: Request) -> Response:
    return PlainTextResponse("own", headers={"content-security-policy": "default-src 'self'"})


async def broken(_request: Request) -> Response:
    raise RuntimeError("SELECT secret FROM keys")


def test_every_answer_has_the_headers_and_keeps_its_own() -> None:
    _, found, _ = Asking().ask()
    assert {name: found[name] for name, _ in HEADERS} == dict(HEADERS)
    assert (found["date"], len(found["x-request-id"])) == ("Thu, 01 Jan 2026 00:00:00 GMT", 16)
    assert "strict-transport-security" not in found
    assert Asking().ask("/own")[1]["content-security-policy"] == "default-src 'self'"
    for asking in (Asking(is_tls=True), Asking(behind_proxy=True)):
        assert asking.ask()[1]["strict-transport-security"]


@pytest.mark.parametrize("name", ["authorization", "content-length", "host", "range", "content-type", "transfer-encoding"])
def test_a_header_that_two_readers_take_differently(name: str) -> None:
    status, found, body = Asking().ask(headers=[(name, "1"), (name, "2")])
    assert (status, found["content-type"], json.loads(body)["code"]) == (400, "application/problem+json", "registry.header")


def test_an_address_that_asks_too_often_waits_and_others_do_not() -> None:
    asking = Asking()
    statuses = [asking.ask()[0] for _ in range(RATE_READ + 1)]
    assert statuses == [200] * RATE_READ + [429]
    assert asking.ask(address="192.0.2.2")[0] == 200
    assert asking.ask()[1]["retry-after"]
    asking.moment += 60 / RATE_READ
    assert asking.ask()[0] == 200
    assert asking.ask()[0] == 429


def test_changes_are_rarer_than_questions() -> None:
    asking = Asking()
    statuses = [asking.ask(method="POST")[0] for _ in range(RATE_WRITE_ADDRESS + 1)]
    assert statuses[-2:] == [405, 429]
    assert asking.ask()[0] == 200


def test_what_watches_the_registry_is_never_kept_away() -> None:
    asking = Asking()
    assert {asking.ask("/metrics")[0] for _ in range(RATE_READ + 5)} == {404}


@pytest.mark.parametrize(("written", "address"), [
    ("203.0.113.7", "203.0.113.7"), ("10.0.0.1, 203.0.113.8", "203.0.113.8"), ("2001:db8::1", "2001:db8::1"), ("evil", "192.0.2.1"),
    ("1.2.3", "192.0.2.1"), ("", "192.0.2.1"), ("203.0.113.7\t", "203.0.113.7"), ("9" * 100, "192.0.2.1"),
])  # fmt: skip
def test_behind_a_proxy_its_own_word_says_who_asks(written: str, address: str) -> None:
    asking = Asking(behind_proxy=True)
    asking.ask(headers=[("x-forwarded-for", written)])
    assert json.loads(asking.lines[0])["address"] == address


def test_without_a_proxy_nobody_chooses_an_address() -> None:
    asking = Asking()
    asking.ask(headers=[("x-forwarded-for", "203.0.113.7")])
    assert json.loads(asking.lines[0])["address"] == "192.0.2.1"


def test_a_failure_is_counted_and_raised_for_the_log_of_the_process() -> None:
    asking = Asking()
    with pytest.raises(RuntimeError):
        asking.ask("/broken")
    assert json.loads(asking.lines[0])["status"] == 500
    assert "mpp_registry_failures_total 1" in asking.metrics.text()


def test_one_address_takes_not_all_places() -> None:
    asking, inside, statuses = Asking(), [0], []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        inside[0] += 1
        await anyio.Event().wait() if inside[0] <= ADDRESS_WAITING_MAX else None
        await send({"type": "http.response.start", "status": 200, "headers": []})

    asking.guard = Guard(slow, Outside(clock=TestClock(), random=TestRandom(), write_line=asking.lines.append), asking.metrics)

    async def ask(address: str) -> None:
        async def send(message: Message) -> None:
            statuses.append(message.get("status", 0))

        async def receive() -> Message:
            return {"type": "http.request"}

        scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": (address, 1), "query_string": b""}
        await asking.guard(scope, receive, send)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(ADDRESS_WAITING_MAX):
                group.start_soon(ask, "192.0.2.1")
            await anyio.wait_all_tasks_blocked()
            await ask("192.0.2.1")
            await ask("192.0.2.2")
            group.cancel_scope.cancel()

    anyio.run(main)
    assert [status for status in statuses if status] == [429, 200]


def test_other_scopes_pass() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append(scope["type"])

    async def run() -> None:
        async def send(_message: Message) -> None: ...

        async def receive() -> Message:
            return {}

        await Guard(app, Outside(clock=TestClock(), random=TestRandom(), write_line=seen.append), Metrics())({"type": "lifespan"}, receive, send)

    anyio.run(run)
    assert seen == ["lifespan"]


def test_labels_never_hold_what_a_client_wrote() -> None:
    asking = Asking()
    for path in ('/"}{evil', "/a", "/b"):
        asking.ask(path, method="EVIL")
    text = asking.metrics.text()
    assert "evil" not in text.lower()
    assert 'route="none",method="other",status="404"} 3' in text


def test_series_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp_registry.api.metrics.METRIC_SERIES_MAX", 1)
    metrics = Metrics()
    for number in range(100):
        metrics.add("mpp_registry_requests_total", 1, (("route", str(number)),))
    assert metrics.text().count("route=") < 10
