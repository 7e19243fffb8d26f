"""The host in one object: what it lists, what a call comes to, who may answer, and what is left when something goes wrong."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.backend import HostBackend, open_backend, ServeOptions
from mpp.host.home import Home
from mpp.host.host import Host, HostOptions, NobodyListens
from mpp.host.sources.ports import Offered
from mpp.host.stops import Stop, StopStore, with_stop
from mpp.host.store import PackageStore, remove
from mpp.host.system import SystemClock
from mpp.host.toolcall import META
from mpp.host.trust_store import TrustStore
from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, Outcome, ToolCall
from mpp.author.sign import sign_package
from mpp.stages.archive import pack
from mpp.testing import packages
from mpp.testing.installing import install, install_tool, tools_named, trust
from mpp.testing.keys import publisher
from mpp.testing.tokens import KeptEvents
from mpp.testing.tools import answering, greeting
from mpp.testing.wasm import module
from tests import records

MAIL = "ada" + "@example.com"
FOREVER = module(body=b"\x03\x40\x0c\x00\x0b")
"""A tool that never ends by itself."""

ASK = """
mpp_policy = 1
name = "careful"
[[rules]]
id = "ask"
effect = "ask"
why = "somebody should look"
packages = ["*"]
"""


@pytest.fixture
def place(home: Path, compiled: Path) -> Home:
    """A home whose filter is compiled already."""
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    return Home(path=str(home))


@pytest.fixture
def host(place: Home) -> Iterator[Host]:
    install_tool(place, greeting(f"Hello, {MAIL}!"))
    with Host.open(place.path) as made:
        yield made


def text_of(outcome: Outcome) -> str:
    content = outcome.result["content"]
    first = content[0] if isinstance(content, list) else None
    found = first["text"] if isinstance(first, dict) else ""
    return found if isinstance(found, str) else ""


def label(outcome: Outcome, name: str) -> Json:
    meta = outcome.result["_meta"]
    return meta.get(META + name) if isinstance(meta, dict) else None


def careful(place: Home, text: str = ASK) -> None:
    folder = Path(place.policy)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "policy.toml").write_text(text, encoding="utf-8")
    os.chmod(folder / "policy.toml", 0o600)


# -- lists


def test_a_tool_is_listed_from_signed_bytes_under_alias_and_name(host: Host) -> None:
    (tool,) = host.tools().items
    assert isinstance(tool, dict)
    assert (tool["name"], tool["description"]) == ("hello__greet", "Greets a person")
    assert tool["annotations"] == {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
    assert isinstance(tool["_meta"], dict)
    assert tool["_meta"][META + "verified"] is True


def test_what_a_tool_may_do_shows_in_its_annotations(place: Home) -> None:
    asks: dict[str, Json] = {
        "capabilities/network": ["api.example.com"],
        "tool_definitions": [
            {"name": "fetch", "title": "Fetch it", "description": "Fetches", "parameters": {"type": "object", "properties": {}}, "security_level": "medium",
             "returns": {"type": "object", "properties": {"mail": {"type": "string", "format": "email"}}}}
        ],
    }  # fmt: skip
    install_tool(place, greeting(), changes=asks)
    with Host.open(place.path) as host:
        (tool,) = host.tools().items
    assert isinstance(tool, dict)
    assert tool["annotations"] == {"title": "Fetch it", "readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True}
    # The filter may put a placeholder where an address stood.
    assert "anyOf" in json.dumps(tool["outputSchema"])


def test_the_list_follows_the_store_without_a_restart(host: Host, place: Home) -> None:
    before = host.tools()
    assert host.tools() is before
    install_tool(place, greeting("Bye"), changes={"package_id": "com.example.bye", "name": "bye"})
    assert [tool["name"] for tool in host.tools().items if isinstance(tool, dict)] == ["bye__greet", "hello__greet"]
    assert host.tools().revision != before.revision
    store = PackageStore(place, TrustStore(place.trust), SystemClock())
    remove(store, "com.example.hello", KeptEvents(), by="user:tester", amr="tty")
    with pytest.raises(Refused, match=r"call\.tool"):
        host.call("hello__greet", {})


def test_a_changed_file_is_absent_and_the_others_stay(host: Host, place: Home) -> None:
    install_tool(place, greeting("Bye"), changes={"package_id": "com.example.bye", "name": "bye"})
    (path,) = Path(place.path).rglob("com.example.bye/*.mpp")
    os.chmod(path, 0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert [tool["name"] for tool in host.tools().items if isinstance(tool, dict)] == ["hello__greet"]
    assert [fault.code for fault in host.installed.broken] == ["host.package"]


def test_a_publisher_that_is_not_trusted_any_more_serves_nothing(host: Host, place: Home) -> None:
    assert host.tools().items
    TrustStore(place.trust).change(lambda state: replace(state, publishers={}))
    assert host.tools().items == ()
    with pytest.raises(Refused, match=r"call\.tool"):
        host.call("hello__greet", {})


def test_plain_names_are_for_names_that_only_one_package_has(place: Home) -> None:
    install_tool(place, greeting(), changes={"tool_definitions": tools_named(["greet", "wave"])})
    install_tool(place, greeting(), changes={"package_id": "com.example.bye", "name": "bye"})
    with Host.open(place.path, plain_names=True) as host:
        assert [tool["name"] for tool in host.tools().items if isinstance(tool, dict)] == ["bye__greet", "hello__greet", "wave"]


# -- calls


def test_an_answer_is_filtered_and_names_its_entry(host: Host, home: Path) -> None:
    outcome = host.call("hello__greet", {"name": "Ada"}, who=Caller(user="ada"))
    assert outcome.result["isError"] is False
    assert text_of(outcome).startswith("Hello, [EMAIL-")
    assert label(outcome, "redactions") == {"email": 1}
    events = records.events(home)
    assert [one.kind for one in events][-2:] == ["token-used", "result"]
    assert {one.invocation for one in events if one.kind in {"decision", "intent", "result"}} == {label(outcome, "invocation")}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(b"[1]", "call."), (b"{", "call."), (b'{"name": 1}', "call.arguments"), (b'{"a": 1, "a": 2}', "call."), (b"\xff", "call.")],
)
def test_arguments_that_do_not_fit_are_an_answer_the_model_can_use(host: Host, home: Path, arguments: bytes, code: str) -> None:
    outcome = host.call("hello__greet", arguments)
    assert outcome.result["isError"] is True
    assert str(label(outcome, "code")).startswith(code)
    assert [one.kind for one in records.events(home)][-1] == "refused"


def test_a_name_that_nobody_knows_is_refused(host: Host) -> None:
    with pytest.raises(Refused) as caught:
        host.call("hello__gret", {})
    assert caught.value.code == "call.tool"


def test_many_at_once(host: Host, home: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: host.call("hello__greet", {"name": str(number)}), range(64)))
    assert {text_of(one)[:13] for one in found} == {"Hello, [EMAIL"}
    entries = {label(one, "entry") for one in found}
    assert len(entries) == 64
    assert sum(one.kind == "result" for one in records.events(home)) == 64
    metrics = host.metrics()
    assert (metrics.calls, metrics.in_flight, metrics.outcomes) == (64, 0, (("ok", 64),))


def test_a_stop_counts_with_the_next_call(host: Host, place: Home) -> None:
    StopStore(place.stops).change(lambda stops: with_stop(stops, "packages", "com.example.hello", Stop(since=0, why="a test")))
    outcome = host.call("hello__greet", {})
    assert outcome.result["isError"] is True
    assert host.metrics().outcomes[0][1] == 1


def test_a_tool_says_no_in_its_own_words(place: Home) -> None:
    install_tool(place, answering({"content": [{"type": "text", "text": "no such city"}], "isError": True}))
    with Host.open(place.path) as host:
        outcome = host.call("hello__greet", {})
        assert (text_of(outcome), outcome.result["isError"]) == ("no such city", True)
        assert host.metrics().outcomes == (("tool.said_no", 1),)


def test_a_question_of_the_tool_and_its_answer(place: Home) -> None:
    asked: dict[str, Json] = {
        "q": {"method": "elicitation/create", "params": {"message": "Which city?", "requestedSchema": {"type": "object", "properties": {}}}}
    }
    install_tool(
        place, answering({"resultType": "input_required", "inputRequests": asked}),
        changes={"tool_definitions/0/parameters": {"type": "object", "properties": {"q": {"type": "object"}}}},
    )  # fmt: skip
    with Host.open(place.path) as host:
        outcome = host.call("hello__greet", {})
        assert outcome.wants_input
        call = ToolCall(name="hello__greet", arguments=b"{}", inputs={"q": {"action": "accept", "content": {"city": "Rome"}}, "other": {}})
        assert host.run(Caller(), call, NobodyListens()).wants_input


# -- ends


class Watched(NobodyListens):
    """Goes away when told to."""

    def __init__(self) -> None:
        self.gone_fd = os.eventfd(0, os.EFD_CLOEXEC)


def test_a_call_that_nobody_waits_for_ends_at_once_and_is_recorded(place: Home, home: Path) -> None:
    install_tool(place, FOREVER, changes={"runtime/timeout_ms": 60_000})
    with Host.open(place.path) as host:
        live = Watched()
        leaver = threading.Timer(0.2, lambda: os.eventfd_write(live.gone_fd, 1))
        leaver.start()
        outcome = host.call("hello__greet", {}, live=live)
        leaver.join()
        os.close(live.gone_fd)
    assert label(outcome, "code") == "tool.cancelled"
    (result,) = [one for one in records.events(home) if one.kind == "result"]
    assert result.body["outcome"] == "tool.cancelled"


def test_a_cancelled_task_ends_its_call(place: Home, home: Path) -> None:
    install_tool(place, FOREVER, changes={"runtime/timeout_ms": 60_000})

    async def impatient(host: Host) -> None:
        async with asyncio.timeout(0.3):
            await host.acall("hello__greet", {})

    with Host.open(place.path) as host, pytest.raises(TimeoutError):
        asyncio.run(impatient(host))
    (result,) = [one for one in records.events(home) if one.kind == "result"]
    assert result.body["outcome"] == "tool.cancelled"


def test_an_awaited_call_is_the_same(host: Host) -> None:
    assert text_of(asyncio.run(host.acall("hello__greet", {"name": "Ada"}))).startswith("Hello, [EMAIL-")


def test_without_a_record_there_is_one_constant_text(place: Home) -> None:
    install_tool(place, greeting("secret words"))

    def full(*_: object, **__: object) -> None:
        raise HostFailed("audit.full", "no room")

    with Host.open(place.path) as host:
        host.call("hello__greet", {})
        # The real thing, full disks and failed syncs, is in tests/attack/test_t63_log_crashes.py.
        object.__setattr__(host.room, "log", type("Full", (), {"record": full, "record_all": full})())
        outcome = host.call("hello__greet", {})
    assert "could not record" in text_of(outcome)
    assert "secret" not in json.dumps(dict(outcome.result))


# -- approvals


def test_a_question_names_a_reference_and_an_answer_lets_the_same_call_through(host: Host, place: Home) -> None:
    careful(place)
    agent = Caller(agent=AgentIdentity(name="planner", level="launched"))
    asked = host.call("hello__greet", {"name": "Ada"}, who=agent)
    assert asked.pending is not None
    assert text_of(asked) == f"approval required, ref {asked.pending.ref} [approval.required]"
    assert asked.pending.may_elicit
    assert "greet" in asked.pending.text
    # Attack: another agent of the same tenant answers for it.
    assert host.answer(asked.pending.question, yes=True) == "approval.unknown"
    assert host.answer(asked.pending.question, yes=True, who=agent) == ""
    assert host.call("hello__greet", {"name": "Ada"}, who=agent).result["isError"] is False
    # It was good for one call.
    assert host.call("hello__greet", {"name": "Ada"}, who=agent).pending is not None


def test_a_no_is_a_no(host: Host, place: Home) -> None:
    careful(place)
    asked = host.call("hello__greet", {"name": "Ada"})
    assert asked.pending is not None
    assert host.answer(asked.pending.question, yes=False) == ""
    again = host.call("hello__greet", {"name": "Ada"})
    assert again.result["isError"] is True
    assert host.answer("ffffffff", yes=True) == "approval.unknown"


@pytest.mark.parametrize("level", ["high", "critical"])
def test_what_is_sensitive_is_not_asked_through_the_client(place: Home, level: str) -> None:
    install_tool(place, greeting(), changes={"tool_definitions/0/security_level": level})
    careful(place)
    with Host.open(place.path) as host:
        asked = host.call("hello__greet", {"name": "Ada"})
        assert asked.pending is not None
        assert not asked.pending.may_elicit
        assert host.answer(asked.pending.question, yes=True) != ""


# -- the backend


@pytest.fixture
def backend(place: Home) -> Iterator[HostBackend]:
    install_tool(place, greeting("Hi"), members={"README.md": f"# Hello\n\nWrite to {MAIL}.\n".encode()})
    with open_backend(place, ServeOptions(), environment=os.environ) as made:
        yield made


def test_manifest_and_readme_are_resources_and_filtered(backend: HostBackend) -> None:
    uris = [row["uri"] for row in backend.resources(Caller()).items if isinstance(row, dict)]
    assert {"mpp://packages/hello/manifest.json", "mpp://packages/hello/README.md"} <= set(map(str, uris))
    (readme,) = backend.read(Caller(), "mpp://packages/hello/README.md")
    assert isinstance(readme, dict)
    assert "[EMAIL-" in str(readme["text"])
    assert MAIL not in str(readme["text"])


@pytest.mark.parametrize(
    "uri", ["mpp://packages/other/README.md", "mpp://packages/hello/bin/main.wasm", "file:///etc/passwd", "mpp://audit/99999/proof", "mpp://audit/x/proof"]
)
def test_other_resources_are_not_there(backend: HostBackend, uri: str) -> None:
    with pytest.raises(MppError):
        backend.read(Caller(), uri)


def test_a_proof_of_ones_own_call_and_of_nobody_elses(backend: HostBackend) -> None:
    entry = label(backend.call(Caller(), ToolCall(name="hello__greet", arguments=b"{}"), NobodyListens()), "entry")
    (proof,) = backend.read(Caller(), f"mpp://audit/{entry}/proof")
    assert isinstance(proof, dict)
    assert json.loads(str(proof["text"]))
    with pytest.raises(Refused, match=r"call\.resource"):
        backend.read(Caller(tenant="other"), f"mpp://audit/{entry}/proof")


def test_there_are_templates_and_no_prompts_of_our_own(backend: HostBackend) -> None:
    assert len(backend.resource_templates(Caller()).items) >= 1
    assert backend.prompts(Caller()).items == ()
    with pytest.raises(Refused, match=r"call\.prompt"):
        backend.prompt(Caller(), "nothing", {}, {})
    assert "approval required" in backend.instructions


def test_who_watches_hears_of_an_install(backend: HostBackend, place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.backend.LOOK_SECONDS", 0.01)
    heard: list[str] = []
    told = threading.Event()

    def changed(kind: str) -> None:
        heard.append(kind)
        told.set()

    end = backend.watch(changed)
    install_tool(place, greeting("Bye"), changes={"package_id": "com.example.bye", "name": "bye"})
    assert told.wait(10)
    end()
    end()
    assert "tools" in heard


# -- search mode


@pytest.fixture
def searching(place: Home) -> Iterator[HostBackend]:
    names = ["send_mail", "read_mail", "convert_time"]
    install_tool(place, greeting("done"), changes={"tool_definitions": tools_named(names)})
    with open_backend(place, ServeOptions(search_mode=True), environment=os.environ) as made:
        yield made


def called(backend: HostBackend, name: str, arguments: Json) -> Outcome:
    return backend.call(Caller(), ToolCall(name=name, arguments=json.dumps(arguments).encode()), NobodyListens())


def test_search_mode_has_two_tools_that_find_and_call(searching: HostBackend) -> None:
    assert [tool["name"] for tool in searching.tools(Caller()).items if isinstance(tool, dict)] == ["mpp_call", "mpp_search_tools"]
    found = called(searching, "mpp_search_tools", {"query": "mail send", "limit": 2}).result["structuredContent"]
    assert isinstance(found, dict)
    tools = found["tools"]
    assert isinstance(tools, list)
    assert [tool["name"] for tool in tools if isinstance(tool, dict)] == ["hello__send_mail", "hello__read_mail"]
    assert text_of(called(searching, "mpp_call", {"name": "hello__send_mail", "arguments": {}})) == "done"
    everything = called(searching, "mpp_search_tools", {"query": ""}).result["structuredContent"]
    assert isinstance(everything, dict)
    assert len(everything["tools"]) == 3  # type: ignore[arg-type]
    assert "mpp_search_tools" in searching.instructions


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("mpp_call", {"name": "nothing"}), ("mpp_call", {}), ("mpp_search_tools", {"query": "x", "limit": 0}), ("mpp_search_tools", [])],
)
def test_search_mode_refuses_what_does_not_fit(searching: HostBackend, name: str, arguments: Json) -> None:
    assert str(label(called(searching, name, arguments), "code")).startswith("call.")


def test_in_search_mode_there_is_no_other_tool(searching: HostBackend) -> None:
    with pytest.raises(Refused, match=r"^call\.tool"):
        called(searching, "hello__send_mail", {})


# -- other sources


class Other:
    """A source with the same alias as a package."""

    def revision(self) -> int:
        return 1

    def offered(self, tenant: str) -> tuple[Offered, ...]:
        return (Offered("hello__greet", {"description": "another"}, self.run), Offered("other__x", {"description": f"of {tenant}"}, self.run))

    def run(self, who: Caller, call: ToolCall, live: object) -> Outcome:
        return Outcome(result={"content": [{"type": "text", "text": f"{who.tenant} {call.name}"}], "isError": False})

    def close(self) -> None: ...


def test_a_second_source_cannot_take_the_name_of_a_first(place: Home) -> None:
    install_tool(place, greeting("mine"))
    with Host(place, HostOptions(), lambda _: [Other()], environment=os.environ) as host:
        assert text_of(host.call("hello__greet", {})) == "mine"
        assert text_of(host.call("other__x", {}, who=Caller(tenant="t2"))) == "t2 other__x"


# -- what packages ship beside tools


def shipped(text: str) -> dict[str, bytes]:
    prompt = {"name": "note", "description": "d", "arguments": [{"name": "x", "description": "d", "values": ["one"]}],
              "messages": [{"role": "user", "content": {"type": "text", "text": f"{text} {{x}}"}}]}  # fmt: skip
    kept = {"version": 1, "resources": [{"uri": "notes://a", "name": "a", "description": "d", "mimeType": "text/plain", "text": text}], "templates": []}
    return {"mcp/prompts.json": json.dumps({"version": 1, "prompts": [prompt]}).encode(), "mcp/resources.json": json.dumps(kept).encode()}


def test_prompts_and_resources_of_a_package_are_filtered_like_its_answers(place: Home) -> None:
    """Attack: somebody's address in a prompt, past the filter of answers."""
    install_tool(place, greeting(), members=shipped(f"Write to {MAIL}"))
    with open_backend(place, ServeOptions(), environment=os.environ) as backend:
        who = Caller()
        assert [row["name"] for row in backend.prompts(who).items if isinstance(row, dict)] == ["hello__note"]
        prompt = json.dumps(dict(backend.prompt(who, "hello__note", {"x": "one"}, {})))
        (resource,) = backend.read(who, "notes://a")
        assert "notes://a" in {row["uri"] for row in backend.resources(who).items if isinstance(row, dict)}
        assert backend.complete(who, {"type": "ref/prompt", "name": "hello__note"}, "x", "o") == ("one",)
    for shown in (prompt, json.dumps(resource)):
        assert "[EMAIL-" in shown
        assert MAIL not in shown


def test_a_package_without_a_readme_has_none(place: Home) -> None:
    who = publisher()
    trust(place, who)
    files = {name: data for name, data in packages.files(extra={packages.ENTRYPOINT: greeting()}).items() if name != "README.md"}
    install(place, sign_package(pack(files), who.chain, who.release, packages.TestClock()).data)
    with open_backend(place, ServeOptions(), environment=os.environ) as backend:
        assert [str(row["uri"]) for row in backend.resources(Caller()).items if isinstance(row, dict)] == ["mpp://packages/hello/manifest.json"]
        with pytest.raises(Refused, match=r"call\.resource"):
            backend.read(Caller(), "mpp://packages/hello/README.md")
