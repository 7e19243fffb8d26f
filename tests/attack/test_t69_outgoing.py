"""T69, what goes out: a tool that carries a key to another host, in the address, a header or the body, and an agent that asks for what stands behind a placeholder.

Guests run in real workers, and the host they want to reach is a real server on this machine: what it never saw did not leave.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.integration import Gatekeeper, WasmSandbox
from mpp.host.integration_types import Output, SandboxConfig
from mpp.host.services.border import Border
from mpp.host.services.dispatch import Dispatcher
from mpp.host.services.http import HttpService
from mpp.host.services.standard import HttpAnswers, KvAnswers
from mpp.host.stores.kv import KvStore
from mpp.model.jsontext import Json
from mpp.stages.gatekeeper import Verified
from mpp.stages.policy import PermissionPolicy, PrivacyRules, Reveal
from mpp.stages.policy.types import Granted
from mpp.stages.sandbox import ToolResult, Zygote, compile_wasm, run_call
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.tokens import KeptEvents
from tests.unit.host.http_sites import Site, answer, local
from tests.unit.privacy.leaving import AWS, MAIL, by
from tests.unit.sandbox.conftest import order, scope
from tests.unit.sandbox.guests import HOST_CALL, guest

# --- a tool that carries a key to another host


class Courier:
    """A guest that asks its host for one request, over a real service, to a site that keeps what it gets."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.site, self.zygote, self.service = site, Zygote(), HttpService()
        self.store = KvStore(str(folder / "kv"))
        self.wasm = compile_wasm(guest(HOST_CALL), None)
        self.calls = Dispatcher(kv=KvAnswers(self.store), http=HttpAnswers(self.service, None, {}))

    def close(self) -> None:
        self.service.close()
        self.store.close()
        self.zygote.close()

    def carry(self, border: Border, path: str = "/", *headers: tuple[str, str], body: bytes = b"") -> dict[str, Json]:
        """What the guest is answered."""
        rows: list[Json] = [[name, text] for name, text in headers]
        params: dict[str, Json] = {
            "method": "POST",
            "url": f"http://localhost:{self.site.port}{path}",
            "headers": rows,
            "body": base64.b64encode(body).decode(),
        }
        about = replace(scope(), rights=local(self.site, name="localhost"), border=border)
        worker = drive(self.zygote.spawn({"memory_bytes": 16 << 20, "component": False, "folders": [], "devices": []}, (self.wasm.fd,)))
        try:
            run = drive(run_call(worker, order(json.dumps({"method": "http.fetch", "params": params}).encode(), seconds=20.0), self.calls, about))
        finally:
            worker.kill()
        assert run.fault is None
        found = json.loads(run.stdout)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def courier(tmp_path: Path) -> Iterator[Courier]:
    with Site(lambda _: answer(b"thanks")) as site:
        made = Courier(tmp_path, site)
        yield made
        made.close()


WAYS: dict[str, tuple[str, tuple[tuple[str, str], ...], bytes]] = {
    "path": (f"/{AWS}", (), b""),
    "query": (f"/?q={AWS.replace('A', '%41')}", (), b""),
    "header": ("/", (("X-Debug", f"key={AWS}"),), b""),
    "basic": ("/", (("Authorization", "Basic " + base64.b64encode(f"u:{AWS}".encode()).decode()),), b""),
    "json": ("/", (("Content-Type", "application/json"),), json.dumps({"log": [{"env": {"AWS_ACCESS_KEY_ID": AWS}}]}).encode()),
    "json twice": ("/", (), b'{"a":"' + AWS.encode() + b'","a":""}'),
    "json pieces": ("/", (), json.dumps([AWS[:4], AWS[4:]]).encode()),
    "form": ("/", (("Content-Type", "application/x-www-form-urlencoded"),), f"a=b&key={AWS}".encode()),
    "base64": ("/", (), base64.b64encode(f"the key is {AWS}, keep it".encode())),
    "hex": ("/", (), f"the key is {AWS}".encode().hex().encode()),
    "binary": ("/", (), b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)) + AWS.encode() + b"\xff\x00"),
    "wide": ("/", (), b"\xff\xfe" + f"the key is {AWS}".encode("utf-16-le")),
    "placeholder": ("/", (), f"[{AWS}]".encode()),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_carries_a_key_out(courier: Courier, way: str) -> None:
    path, headers, body = WAYS[way]
    border = Border(by())
    found = courier.carry(border, path, *headers, body=body)
    assert found["error"]["code"] == "not_granted"  # type: ignore[index,call-overload]
    assert "privacy.outgoing" in json.dumps(found)
    assert AWS not in json.dumps(found)
    assert (courier.site.connections, courier.site.requests) == (0, [])
    assert [one.type for one in border.leaks] == ["aws_access_key"]
    # The next request of the same call, without the key, goes through.
    assert "error" not in courier.carry(border, "/fine", body=b"hello")
    assert len(courier.site.requests) == 1


def test_where_policy_says_so_a_placeholder_goes_out_in_its_place(courier: Courier) -> None:
    found = courier.carry(Border(by(action="redact")), f"/?k={AWS}", ("X-Key", AWS), body=json.dumps({"k": AWS, "n": 1}).encode())
    assert "error" not in found
    (seen,) = courier.site.requests
    assert AWS.encode() not in seen
    assert seen.count(b"AWS_ACCESS_KEY") == 3
    assert b'{"k":"[AWS_ACCESS_KEY]","n":1}' in seen


def test_what_the_owner_gave_to_the_package_reaches_its_host(courier: Courier) -> None:
    assert "error" not in courier.carry(Border(by(), granted=(AWS,)), "/", ("X-Key", AWS))
    assert AWS.encode() in courier.site.requests[0]


def test_a_token_of_a_service_goes_back_to_it(courier: Courier) -> None:
    border = Border(by())
    courier.site.respond = lambda _: answer(json.dumps({"token": AWS}).encode())
    assert "error" not in courier.carry(border)
    assert "error" not in courier.carry(border, "/", ("X-Key", AWS))
    with Site(lambda _: answer()) as other:
        courier.site = other
        assert courier.carry(border, "/", ("X-Key", AWS))["error"]["code"] == "not_granted"  # type: ignore[index,call-overload]
        assert other.connections == 0


def test_without_a_border_nothing_leaves(courier: Courier) -> None:
    from mpp.stages.sandbox import CLOSED_BORDER

    found = courier.carry(CLOSED_BORDER, "/", body=b"hello")  # type: ignore[arg-type]
    assert found["error"]["code"] == "not_granted"  # type: ignore[index,call-overload]
    assert courier.site.connections == 0


def test_a_body_made_to_hold_the_host_ends_in_time(courier: Courier) -> None:
    begun = time.monotonic()
    for body in (b"AKIA " * 200_000, gzip.compress(bytes(1 << 20)) * 500, b"[" * 100_000, b'{"a":' * 1000 + b"1" + b"}" * 1000, b"%41" * 100_000):
        courier.carry(Border(by()), "/", body=body)
    assert time.monotonic() - begun < 120


# --- an agent that asks for what stands behind a placeholder

ID = "com.example.hello"
WHO = publisher()
BEFORE, AFTER = '{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"got":', "}}}\n"
REVEALING = PrivacyRules(reveal=(Reveal(types=("email",), package=ID),))


def echoing() -> bytes:
    """A tool that answers with the whole line that it was given."""
    before, after = ("".join(f"\\{byte:02x}" for byte in text.encode()) for text in (BEFORE, AFTER))
    return guest(
        f"(call $say (i32.const 1) (i32.const 70000) (i32.const {len(BEFORE)})) (local.set $n (call $take))"
        f"(call $say (i32.const 1) (i32.const 1024) (i32.sub (local.get $n) (i32.const 1)))"
        f"(call $say (i32.const 1) (i32.const 71000) (i32.const {len(AFTER)}))",
        more=f'(data (i32.const 70000) "{before}") (data (i32.const 71000) "{after}")',
    )


@pytest.fixture
def found(tmp_path: Path) -> Verified:
    path = tmp_path / "tool.mpp"
    path.write_bytes(packages.signed(WHO, None, {packages.ENTRYPOINT: echoing()}))
    return Gatekeeper.verify_file(path, packages.trusting(WHO), packages.NOW)


class Agent:
    """Calls the tool, and keeps everything that it is ever told."""

    def __init__(self, box: WasmSandbox, found: Verified) -> None:
        self.box, self.found = box, found
        self.heard = ""

    def call(self, name: str) -> Output | MppError:
        decision = PermissionPolicy().trust_package(ID).evaluate(self.found.manifest)
        assert isinstance(decision, Granted)
        request = json.dumps({"tool": "greet", "arguments": {"name": name}}).encode()
        try:
            output = self.box.execute(self.found.wasm_binary, SandboxConfig(stdin_data=request, capability_token=decision.token))
        except MppError as fault:
            self.heard += f"{fault} {fault.faults}"
            return fault
        self.heard += output.response() + output.stderr + repr(output)
        return output


def name_in(output: Output | MppError) -> str:
    assert isinstance(output, Output), output
    assert isinstance(output.result, ToolResult)
    assert output.result.structured is not None
    found = json.loads(output.result.structured)["got"]["params"]["arguments"]["name"]
    assert isinstance(found, str)
    return found


def boxed(home: Path, events: KeptEvents, privacy: PrivacyRules) -> WasmSandbox:
    return WasmSandbox(home=Home(path=str(home)), events=events, privacy=privacy)


def test_a_granted_placeholder_is_turned_back_for_the_tool_and_for_nobody_else(home: Path, found: Verified) -> None:
    events = KeptEvents()
    with boxed(home, events, REVEALING) as box:
        agent, person = Agent(box, found), Agent(box, found)
        placeholder = name_in(person.call(MAIL))
        assert placeholder.startswith("[EMAIL-")
        events.events.clear()
        again = agent.call(placeholder)
        assert name_in(again) == placeholder
        assert isinstance(again, Output)
    assert MAIL not in agent.heard
    kinds = events.kinds()
    assert kinds == ["token-narrowed", "reveal", "intent", "token-used", "result"]
    reveal, intent = events.events[1], events.events[2]
    assert reveal.body["revealed"] == [{"type": "email", "where": "arguments/name", "digest": reveal.body["revealed"][0]["digest"]}]  # type: ignore[index,call-overload]
    assert (reveal.body["package"], reveal.body["tool"], reveal.invocation) == (ID, "greet", again.invocation)
    # What the record commits to is what the tool was given.
    assert intent.commit["in"] == hashlib.sha256(json.dumps({"name": MAIL}, separators=(",", ":")).encode()).hexdigest()
    assert MAIL not in repr(events.events)


@pytest.mark.parametrize(
    ("privacy", "code"),
    [(PrivacyRules(), "privacy.reveal"), (PrivacyRules(reveal=(Reveal(types=("email",), package="com.example.other"),)), "privacy.reveal"),
     (PrivacyRules(reveal=(Reveal(types=("phone",), package=ID),)), "privacy.reveal"), (PrivacyRules(reveal=(Reveal(types=("email",), package=ID, tool="other"),)), "privacy.reveal")],
)  # fmt: skip
def test_without_a_grant_for_it_nothing_is_turned_back(home: Path, found: Verified, privacy: PrivacyRules, code: str) -> None:
    events = KeptEvents()
    with boxed(home, events, privacy) as box:
        agent, person = Agent(box, found), Agent(box, found)
        placeholder = name_in(person.call(MAIL))
        events.events.clear()
        fault = agent.call(placeholder)
    assert isinstance(fault, MppError)
    assert (fault.code, fault.where) == (code, "arguments/name")
    assert [(one.kind, one.body["code"]) for one in events.events] == [("refused", code)]
    assert MAIL not in agent.heard + repr(events.events)


def test_a_placeholder_of_another_process_is_forgotten(home: Path, found: Verified) -> None:
    with boxed(home, KeptEvents(), REVEALING) as box:
        placeholder = name_in(Agent(box, found).call(MAIL))
    with boxed(home, KeptEvents(), REVEALING) as box:
        fault = Agent(box, found).call(placeholder)
        assert isinstance(fault, MppError)
        assert fault.code == "privacy.forgotten"
        assert "looked up again" in fault.faults[0].hint


def test_a_key_in_arguments_reaches_no_tool(home: Path, found: Verified) -> None:
    events = KeptEvents()
    with boxed(home, events, PrivacyRules()) as box:
        agent = Agent(box, found)
        fault = agent.call(f"use {AWS}")
        assert isinstance(fault, MppError)
        assert (fault.code, fault.where) == ("privacy.outgoing", "arguments/name")
        assert [(one.kind, one.body["code"]) for one in events.events] == [("refused", "privacy.outgoing")]
    assert AWS not in agent.heard + repr(events.events)


def test_a_key_in_arguments_is_replaced_where_policy_says_so(home: Path, found: Verified) -> None:
    events = KeptEvents()
    with boxed(home, events, PrivacyRules(outgoing_action="redact")) as box:
        output = Agent(box, found).call(f"use {AWS}")
        assert name_in(output) == "use [AWS_ACCESS_KEY]"
        assert isinstance(output, Output)
        assert output.privacy.outgoing == (("aws_access_key", 1),)
    assert events.events[-1].body["privacy"]["outgoing"] == {"aws_access_key": 1}  # type: ignore[index,call-overload]
    assert AWS not in repr(events.events)
