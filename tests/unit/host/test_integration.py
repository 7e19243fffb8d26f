"""The integration API: a file, a policy, a token, a run; and everything that is refused on the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mpp.errors import MppError, Refused, ToolFailed
from mpp.host.home import Home
from mpp.host.integration import Gatekeeper, WasmSandbox, approve, extract_approved_dirs, extract_approved_env_vars
from mpp.host.integration_types import Output, SandboxConfig, read_request
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import open_secrets
from mpp.host.stops import Stop, StopStore, with_stop
from mpp.host.trust_store import TrustStore, with_first_use
from mpp.model.agents import AgentIdentity
from mpp.model.capabilities import NetworkRule
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.model.scope import NOTHING, Scope
from mpp.stages.gatekeeper import Verified
from mpp.stages.policy.permission import PermissionPolicy
from mpp.stages.policy.token import CapabilityToken
from mpp.stages.policy.types import Granted
from mpp.stages.sandbox import ToolResult
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.tokens import KeptEvents, SpentOnce, token_for
from mpp.testing.tools import answering, greeting, saying
from mpp.testing.wasm import module
from tests import records

WHO = publisher()
ID = "com.example.hello"
REQUEST = b'{"tool": "greet", "arguments": {"name": "Ada"}}'
TOLD = ["token-narrowed", "intent", "token-used", "result"]
"""What one run tells the record."""

TRUSTING = PermissionPolicy().trust_package(ID)
FULL: dict[str, Json] = {
    "capabilities/network": ["*.example.com", {"host": "api.example.org", "methods": ["GET"], "ports": [443, 8443]}],
    "capabilities/filesystem": {"read": ["/srv/in", "${workspace}"], "write": ["/srv/out"]},
    "capabilities/env_vars": ["REGION", "ZONE"],
    "capabilities/storage": {"kv": {"max_bytes": 1000}},
}
"""A package that asks for a little of everything."""


def made(folder: Path, changes: dict[str, Json] | None = None, wasm: bytes = b"") -> Verified:
    path = folder / "tool.mpp"
    path.write_bytes(packages.signed(WHO, changes, {packages.ENTRYPOINT: wasm or greeting()}))
    return Gatekeeper.verify_file(path, packages.trusting(WHO), packages.NOW)


@pytest.fixture
def found(tmp_path: Path) -> Verified:
    return made(tmp_path)


@pytest.fixture
def full(tmp_path: Path) -> Verified:
    return made(tmp_path, FULL)


@pytest.fixture
def events() -> KeptEvents:
    return KeptEvents()


@pytest.fixture
def box(home: Path, tmp_path: Path, events: KeptEvents) -> Iterator[WasmSandbox]:
    (tmp_path / "work").mkdir()
    with WasmSandbox(home=Home(path=str(home)), workspace=str(tmp_path / "work"), events=events) as made_box:
        yield made_box
    assert (made_box._sandbox._pool.size, len(made_box._ready.kept), len(made_box._sandbox._ready)) == (0, 0, 0)


def token_of(found: Verified, policy: PermissionPolicy = TRUSTING) -> CapabilityToken:
    decision = policy.evaluate(found.manifest)
    assert isinstance(decision, Granted)
    return decision.token


def config(token: CapabilityToken | None, data: bytes = REQUEST, **more: object) -> SandboxConfig:
    return SandboxConfig(**{"stdin_data": data, "capability_token": token, **more})  # type: ignore[arg-type]


def code(attempt: Callable[[], object]) -> str:
    with pytest.raises(MppError) as fault:
        attempt()
    return fault.value.code


def rights_in(box: WasmSandbox) -> list[Rights]:
    return [one.rights for one in box._ready.kept]


# --- verifying


def test_a_file_is_verified_against_the_trust_of_the_home(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "tool.mpp"
    path.write_bytes(packages.signed(WHO))
    assert code(lambda: Gatekeeper.verify_file(str(path))) == "publisher.unknown"
    TrustStore(Home(path=str(home)).trust).change(lambda state: with_first_use(state, WHO.chain, ID))
    both = Gatekeeper.verify_file(str(path))
    assert both.package.trusted_because == "pinned"
    assert both.manifest.package_id == ID
    assert both.package.verified_at > packages.NOW


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    data = bytearray(packages.signed(WHO))
    data[200] ^= 1
    path = tmp_path / "tool.mpp"
    path.write_bytes(data)
    assert code(lambda: Gatekeeper.verify_file(path, packages.trusting(WHO))) == "content.mismatch"


# --- running


def test_a_verified_package_answers(box: WasmSandbox, found: Verified, events: KeptEvents) -> None:
    output = box.execute(found.wasm_binary, config(token_of(found)))
    assert isinstance(output, Output)
    assert isinstance(output.result, ToolResult)
    assert output.result.to_json()["content"] == [{"type": "text", "text": "Hello!"}]
    assert (json.loads(output.response("x"))["id"], output.stderr, len(output.invocation)) == ("x", "", 32)
    assert events.kinds() == TOLD
    assert [one.invocation for one in events.events] == [output.invocation] * 4
    narrowed, intent, used, result = (one.body for one in events.events)
    assert (intent["because"], intent["tool"], result["outcome"]) == ("policy", "greet", "ok")
    assert intent["token"] == narrowed["token"] == used["token"] != token_of(found).digest
    assert [one.kind for one in events.durable] == ["intent"]


@pytest.mark.parametrize(
    "data",
    [
        b'{"arguments": {"name": "Ada"}}',
        b"{}",
        b'{"tool": "greet"}',
        b'{"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": {"name": "greet", "arguments": {"name": "Ada"}}}\n',
        b'{"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "greet", "_meta": {"agent": "somebody else"}}}',
    ],
)
def test_a_request_has_two_forms(box: WasmSandbox, found: Verified, data: bytes) -> None:
    assert box.execute(found.wasm_binary, config(token_of(found), data)).result


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "call.json"),
        (b"[]", "call.type"),
        (b'{"tool": "wipe"}', "call.tool"),
        (b'{"tool": 5}', "call.type"),
        (b'{"tool": "greet", "arguments": []}', "call.form"),
        (b'{"tool": "greet", "arguments": {"name": 5}}', "call.arguments"),
        (b'{"tool": "greet", "more": 1}', "call.unknown_key"),
        (b'{"jsonrpc": "1.0", "method": "tools/call", "params": {"name": "greet"}}', "call.choice"),
        (b'{"jsonrpc": "2.0", "method": "tools/list", "params": {"name": "greet"}}', "call.choice"),
        (b'{"jsonrpc": "2.0", "method": "tools/call"}', "call.missing"),
        (b'{"jsonrpc": "2.0", "method": "tools/call", "params": {"arguments": {}}}', "call.missing"),
        (b'{"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "greet", "more": 1}}', "call.unknown_key"),
        (b'{"tool": "greet", "tool": "wipe"}', "call.json"),
        (b" " * (2 << 20), "call.size"),
    ],
)
def test_a_request_that_is_none_is_refused(box: WasmSandbox, found: Verified, events: KeptEvents, data: bytes, expected: str) -> None:
    assert code(lambda: box.execute(found.wasm_binary, config(token_of(found), data))) == expected
    assert events.events == []


def test_arguments_are_hashed_as_the_tool_gets_them(found: Verified) -> None:
    first = read_request(b'{"tool":"greet","arguments":{"name":"\\u00e9"}}', found.package.manifest)[1]
    second = read_request('{"arguments": { "name": "é" }}'.encode(), found.package.manifest)[1]
    assert first.data == second.data == '{"name":"é"}'.encode()
    assert first.sha256 == second.sha256


def test_a_tool_that_fails_is_raised_and_recorded(box: WasmSandbox, tmp_path: Path, events: KeptEvents) -> None:
    for wasm, expected in ((saying(b"nonsense\n"), "tool.reply"), (saying(b""), "tool.reply"), (module(body=b"\0"), "tool.trap")):
        with pytest.raises(ToolFailed) as fault:
            broken = made(tmp_path, wasm=wasm)
            box.execute(broken.wasm_binary, config(token_of(broken)))
        assert (fault.value.code, events.events[-1].body["outcome"]) == (expected, expected)


def test_an_answer_that_says_error_is_an_answer(box: WasmSandbox, tmp_path: Path) -> None:
    failing = made(tmp_path, wasm=answering({"content": [], "isError": True}))
    result = box.execute(failing.wasm_binary, config(token_of(failing))).result
    assert isinstance(result, ToolResult)
    assert result.is_error


def test_many_threads_share_one_sandbox(box: WasmSandbox, found: Verified, events: KeptEvents) -> None:
    token, done = token_of(found), []

    def work() -> None:
        done.extend(box.execute(found.wasm_binary, config(token)).invocation for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(done)) == 20
    assert len(box._ready.kept) == 1
    assert sorted(events.kinds()) == sorted(TOLD * 20)


def test_the_record_of_the_home_is_used_if_no_other_is_given(home: Path, found: Verified) -> None:
    sandbox = WasmSandbox()
    sandbox.execute(found.wasm_binary, config(token_of(found)))
    sandbox.close()
    sandbox.close()
    assert [event.kind for event in records.events(home)] == TOLD
    assert code(lambda: sandbox.execute(found.wasm_binary, config(token_of(found)))).startswith("host.")


def test_who_calls_stands_in_the_record(home: Path, found: Verified, events: KeptEvents) -> None:
    agent = AgentIdentity(name="bot", level="launched")
    with WasmSandbox(home=Home(path=str(home)), events=events, once=SpentOnce(), agent=agent, user="ada") as sandbox:
        sandbox.execute(found.wasm_binary, config(token_of(found)))
    assert events.events[1].body["agent"] == {"name": "bot", "proof": "launched"}


# --- tokens


def test_nothing_runs_without_a_genuine_token_of_this_package(box: WasmSandbox, found: Verified, tmp_path: Path, events: KeptEvents) -> None:
    other = made(tmp_path, wasm=greeting("Other"))
    cases: list[tuple[object, str]] = [
        (None, "token.absent"),
        (object.__new__(CapabilityToken), "token.forged"),
        ("token", "token.forged"),
        (token_of(other), "token.package"),
        (token_of(found, TRUSTING.for_tenant("other")), "token.package"),
        (token_of(found).attenuate(NOTHING), "token.tool"),
        (token_for(found.package, Scope(tools=("greet",), until=1)), "token.expired"),
    ]
    for token, expected in cases:
        assert code(lambda token=token: box.execute(found.wasm_binary, config(token))) == expected  # type: ignore[arg-type]
    assert "intent" not in events.kinds()


@pytest.mark.parametrize("binary", [b"\0asm\1\0\0\0", None, "tool.mpp"])
def test_only_verified_code_runs(box: WasmSandbox, found: Verified, binary: object) -> None:
    assert code(lambda: box.execute(binary, config(token_of(found)))) == "policy.unverified"  # type: ignore[arg-type]


def test_what_is_stopped_does_not_run(box: WasmSandbox, found: Verified, home: Path) -> None:
    store = StopStore(Home(path=str(home)).stops)
    store.change(lambda stops: with_stop(stops, "package", ID, Stop(since=1, why="")))
    assert code(lambda: box.execute(found.wasm_binary, config(token_of(found)))) == "policy.stopped"


# --- a configuration only narrows


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    for name in ("in/deep", "out"):
        (tmp_path / name).mkdir(parents=True)
    return {"/srv/in": str(tmp_path / "in"), "/srv/out": str(tmp_path / "out"), "${workspace}": "${workspace}"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"env_vars": {"PATH": "/bin"}}, "token.beyond"),
        ({"env_vars": {"REGION": "a\0b"}}, "secret.value"),
        ({"env_vars": {"REGION": "\ud800"}}, "secret.value"),
        ({"dir_mappings": {"/srv": "/srv"}}, "token.beyond"),
        ({"dir_mappings": {"/srv/input": "/tmp"}}, "token.beyond"),
        ({"dir_mappings": {"/srv/in": "/no/such/folder"}}, "call.path_missing"),
        ({"dir_mappings": {"/srv/in": "/proc"}}, "call.path_never"),
        ({"allowed_network_domains": ["api.other.com"]}, "token.beyond"),
        ({"allowed_network_domains": ["example.com"]}, "token.beyond"),
        ({"allowed_network_domains": ["*.com"]}, "capability.wildcard"),
        ({"allowed_network_domains": ["*.api.example.org"]}, "token.beyond"),
        ({"allowed_network_domains": ["api.example.org:80"]}, "token.beyond"),
        ({"allowed_network_domains": ["localhost"]}, "capability.host_private"),
        ({"timeout": float("nan")}, "call.limit"),
        ({"timeout": -1.0}, "call.limit"),
        ({"timeout": timedelta(seconds=-1)}, "call.limit"),
        ({"memory_limit_bytes": 1000}, "call.limit"),
    ],
)
def test_what_the_token_does_not_open_is_refused(box: WasmSandbox, full: Verified, events: KeptEvents, more: dict[str, object], expected: str) -> None:
    assert code(lambda: box.execute(full.wasm_binary, config(token_of(full), **more))) == expected
    assert events.events == []


def test_what_is_not_listed_is_not_opened(box: WasmSandbox, full: Verified) -> None:
    box.execute(full.wasm_binary, config(token_of(full)))
    (rights,) = rights_in(box)
    assert (rights.folders, rights.network, rights.env, rights.kv_max_bytes) == ((), (), (), 1000)


def test_what_is_listed_is_opened_as_the_token_says(box: WasmSandbox, full: Verified, folders: dict[str, str], tmp_path: Path) -> None:
    token = token_of(full)
    assert extract_approved_dirs(token) == {one: one for one in ("/srv/in", "${workspace}", "/srv/out")}
    box.execute(
        full.wasm_binary,
        config(token, dir_mappings=folders, env_vars={"REGION": "eu"}, allowed_network_domains=full.manifest.capabilities.network, timeout=timedelta(seconds=2)),
    )  # fmt: skip
    (rights,) = rights_in(box)
    assert {(one.guest, one.host, one.write) for one in rights.folders} == {
        ("/srv/in", str(tmp_path / "in"), False), ("/srv/out", str(tmp_path / "out"), True), ("/workspace", str(tmp_path / "work"), False),
    }  # fmt: skip
    assert (rights.env, rights.network) == (("REGION",), full.manifest.capabilities.network)


def test_a_path_below_an_opened_one_may_be_listed_alone(box: WasmSandbox, full: Verified, folders: dict[str, str]) -> None:
    box.execute(full.wasm_binary, config(token_of(full), dir_mappings={"/srv/in/deep": folders["/srv/in"] + "/deep"}))
    (rights,) = rights_in(box)
    assert [(one.guest, one.host, one.write) for one in rights.folders] == [("/srv/in/deep", folders["/srv/in"] + "/deep", False)]


def test_a_path_to_read_does_not_open_what_lies_below_it_for_writing(box: WasmSandbox, tmp_path: Path) -> None:
    (tmp_path / "data" / "out").mkdir(parents=True)
    nested = made(tmp_path, {"capabilities/filesystem": {"read": ["/srv/data"], "write": ["/srv/data/out"]}})
    place = str(tmp_path / "data")
    box.execute(nested.wasm_binary, config(token_of(nested), dir_mappings={"/srv/data": place}))
    assert [(one.guest, one.write) for one in rights_in(box)[0].folders] == [("/srv/data", False)]
    box.execute(nested.wasm_binary, config(token_of(nested), dir_mappings={"/srv/data": place, "/srv/data/out": f"{place}/out"}))
    assert [(one.guest, one.host, one.write) for one in rights_in(box)[1].folders] == [("/srv/data", place, False), ("/srv/data/out", f"{place}/out", True)]


def rule(host: str, **more: object) -> NetworkRule:
    return replace(NetworkRule(host=host, wildcard=False, schemes=("https",), ports=(443,), methods=(), paths=()), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listed", "opened"),
    [
        (["api.example.com"], (rule("api.example.com"),)),
        (["*.example.com"], (rule("example.com", wildcard=True),)),
        (["api.example.org"], (rule("api.example.org", methods=("GET",), ports=(443, 8443)),)),
        (["api.example.org:8443"], (rule("api.example.org", methods=("GET",), ports=(8443,)),)),
        ([rule("a.example.com", paths=("/v1",))], (rule("a.example.com", paths=("/v1",)),)),
        (["a.example.com", "api.example.org:443"], (rule("a.example.com"), rule("api.example.org", methods=("GET",)))),
    ],
)
def test_hosts_are_narrowed(box: WasmSandbox, full: Verified, listed: list[object], opened: tuple[NetworkRule, ...]) -> None:
    box.execute(full.wasm_binary, config(token_of(full), allowed_network_domains=listed))
    assert rights_in(box)[0].network == opened


def test_a_rule_wider_than_declared_is_refused_and_one_beyond_the_token_is_left_out(box: WasmSandbox, full: Verified) -> None:
    wide = rule("api.example.org", methods=("GET", "POST"))
    assert code(lambda: box.execute(full.wasm_binary, config(token_of(full), allowed_network_domains=[wide]))) == "token.beyond"
    narrow = token_of(full).attenuate(Scope(network=(rule("api.example.com"),), tools=("greet",)))
    box.execute(full.wasm_binary, config(narrow, allowed_network_domains=full.manifest.capabilities.network))
    box.execute(full.wasm_binary, config(narrow, allowed_network_domains=["api.example.org"]))
    assert [one.network for one in rights_in(box)] == [(rule("api.example.com"),), ()]


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(0.0, 5.0), (2, 2.0), (100, 5.0), (timedelta(milliseconds=1500), 1.5), (timedelta(days=1), 5.0)],
)  # fmt: skip
def test_time_is_never_longer_than_the_manifest_says(timeout: float | timedelta, seconds: float) -> None:
    assert SandboxConfig(stdin_data=b"", timeout=timeout).seconds(5.0) == seconds


@pytest.mark.parametrize(("wanted", "bytes_"), [(0, 16 << 20), (1 << 20, 1 << 20), (99 << 20, 16 << 20)])
def test_memory_is_never_more_than_the_manifest_says(wanted: int, bytes_: int) -> None:
    assert SandboxConfig(stdin_data=b"", memory_limit_bytes=wanted).memory(16 << 20) == bytes_


def test_variables_come_from_the_store_of_the_owner(full: Verified, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGION", "of this process")
    token = token_of(full)
    assert code(lambda: extract_approved_env_vars(token)) == "secret.missing"
    store = open_secrets(Home(path=str(home)))
    store.change(lambda entries: {**entries, **{name: make_entry(name, f"my {name}", created=1) for name in ("REGION", "ZONE")}})
    assert extract_approved_env_vars(token) == {"REGION": "my REGION", "ZONE": "my ZONE"}
    assert extract_approved_env_vars(token.attenuate(Scope(env=("ZONE",))), store) == {"ZONE": "my ZONE"}


def test_a_secret_that_is_not_stored_stops_the_run(box: WasmSandbox, tmp_path: Path) -> None:
    secret: Json = [{"name": "KEY", "host": "api.example.com", "header": "X-Key"}]
    wanting = made(tmp_path, {"capabilities/network": ["api.example.com"], "capabilities/secrets": secret})
    assert code(lambda: box.execute(wanting.wasm_binary, config(token_of(wanting)))) == "secret.missing"


def test_only_so_many_packages_are_kept_ready(box: WasmSandbox, full: Verified, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box._ready, "_most", 2)
    for host in ("a", "b", "c", "b"):
        box.execute(full.wasm_binary, config(token_of(full), allowed_network_domains=[f"{host}.example.com"]))
    assert [one.network[0].host for one in rights_in(box)] == ["c.example.com", "b.example.com"]
    assert box._ready.used == 0


# --- a person's yes


def ask(found: Verified, data: bytes = REQUEST, policy: PermissionPolicy | None = None, **more: object) -> CapabilityToken:
    return approve(policy or PermissionPolicy(), found.manifest, data, by="ada", **more)  # type: ignore[arg-type]


def test_a_yes_is_for_one_run_of_this_request(box: WasmSandbox, found: Verified, events: KeptEvents) -> None:
    token = ask(found)
    other = b'{"tool": "greet", "arguments": {"name": "Eve"}}'
    assert code(lambda: box.execute(found.wasm_binary, config(token, other))) == "token.call"
    assert box.execute(found.wasm_binary, config(token)).result
    assert code(lambda: box.execute(found.wasm_binary, config(token))) == "approval.spent"
    ran = events.events[: len(TOLD) + 1]
    assert [one.kind for one in ran] == ["token-narrowed", "approval-spent", *TOLD[1:]]
    spent, intent = ran[1].body, ran[2].body
    assert (intent["because"], intent["rule"], spent["approvers"], spent["amr"]) == ("approval", "host code/default", ["ada"], "tty")


def test_a_new_sandbox_does_not_renew_a_yes(box: WasmSandbox, found: Verified, home: Path, events: KeptEvents) -> None:
    """Attack: one yes, and a sandbox of its own for each run with it."""
    token = ask(found)
    assert box.execute(found.wasm_binary, config(token)).result
    with WasmSandbox(home=Home(path=str(home)), events=events) as second:
        assert code(lambda: second.execute(found.wasm_binary, config(token))) == "approval.spent"


def test_a_yes_is_not_shaken_off_by_narrowing(box: WasmSandbox, found: Verified) -> None:
    narrowed = ask(found).attenuate(Scope(tools=("greet",)))
    assert code(lambda: box.execute(found.wasm_binary, config(narrowed))) == "token.tool"


def test_of_many_threads_with_one_yes_one_runs(box: WasmSandbox, found: Verified) -> None:
    token, start = ask(found), threading.Barrier(8)
    outcomes: list[str] = []

    def attempt() -> None:
        start.wait()
        try:
            box.execute(found.wasm_binary, config(token))
            outcomes.append("ran")
        except Refused as fault:
            outcomes.append(fault.code)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == ["approval.spent"] * 7 + ["ran"]


def test_a_yes_grows_old(box: WasmSandbox, found: Verified) -> None:
    assert code(lambda: box.execute(found.wasm_binary, config(ask(found, now=packages.NOW)))) == "approval.expired"


@pytest.mark.parametrize(
    ("level", "amr", "expected"),
    [
        ("low", "flag", ""),
        ("medium", "elicitation", ""),
        ("medium", "tty", ""),
        ("high", "tty", "approval.weak"),
        ("critical", "tty", "approval.weak"),
        ("low", "passphrase", "approval.weak"),
        ("low", "because I say so", "approval.weak"),
    ],
)
def test_a_host_cannot_vouch_for_more_than_it_saw(tmp_path: Path, level: str, amr: str, expected: str) -> None:
    rated = made(tmp_path, {"tool_definitions/0/security_level": level})
    if expected:
        assert code(lambda: ask(rated, amr=amr)) == expected
    else:
        assert ask(rated, amr=amr)


def test_what_is_granted_needs_no_yes_and_what_is_denied_gets_none(box: WasmSandbox, found: Verified) -> None:
    token = ask(found, policy=TRUSTING)
    for _ in range(2):
        assert box.execute(found.wasm_binary, config(token)).result
    assert code(lambda: ask(found, policy=PermissionPolicy().deny_package(ID))) == "policy.denied"
    assert code(lambda: ask(found, b'{"arguments": {"name": 5}}')) == "call.arguments"
    with pytest.raises(Refused) as fault:
        approve(PermissionPolicy(), found.package.manifest, REQUEST, by="ada")  # type: ignore[arg-type]
    assert fault.value.code == "policy.unverified"


def test_an_approved_token_shows_what_it_would_open(tmp_path: Path) -> None:
    token = ask(made(tmp_path, {"capabilities/filesystem": {"read": ["/srv/in/a"], "write": ["/srv/out/b"]}}))
    assert set(extract_approved_dirs(token)) == {"/srv/in/a", "/srv/out/b"}
    assert token.scope.tools == ()
