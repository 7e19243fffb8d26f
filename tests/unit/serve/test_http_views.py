"""A tenant's part of the host: what is not its own is not there, in lists, calls, resources, prompts and completions."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.sources import searching
from mpp.host.tenants_views import View, ViewStore
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, Listing
from mpp.serve import http_views
from mpp.serve.http_views import Viewed
from mpp.testing.backend import MemoryBackend, echo
from tests.unit.serve.http_world import bearer, serving, token

ACME, OTHER, LOCAL = Caller(tenant="acme"), Caller(tenant="other"), Caller()


class Host(MemoryBackend):
    def __init__(self) -> None:
        super().__init__()
        self.put("crm__find", echo)
        self.contents = {"mpp://packages/demo/README.md": "a", "mpp://packages/crm/README.md": "b", "notes://all": "c", "mpp://audit/1/proof": "d"}
        self._found = super().resources(LOCAL)

    def resources(self, who: Caller) -> Listing:
        return self._found

    def prompts(self, who: Caller) -> Listing:
        items: tuple[Json, ...] = ({"name": "demo__greet"}, {"name": "greet"})
        return Listing(revision=1, items=items)


@pytest.fixture
def store(tmp_path: Path) -> ViewStore:
    return ViewStore(str(tmp_path / "home" / "trust" / "tenants.json"))


@pytest.fixture
def viewed(store: ViewStore) -> Viewed:
    store.change(lambda _: {"acme": View(names=frozenset(("demo",)))})
    return Viewed(Host(), store, iter(range(1_000_000)).__next__)


def names(listing: Listing, key: str = "name") -> list[str]:
    return [str(item[key]) for item in listing.items if isinstance(item, dict)]


def test_lists(viewed: Viewed) -> None:
    assert names(viewed.tools(ACME)) == ["demo__add", "demo__echo"]
    assert names(viewed.tools(LOCAL)) == ["crm__find", "demo__add", "demo__echo"]
    assert names(viewed.tools(OTHER)) == []
    assert names(viewed.resources(ACME), "uri") == ["mpp://audit/1/proof", "mpp://packages/demo/README.md"]
    assert names(viewed.resources(OTHER), "uri") == ["mpp://audit/1/proof"]
    assert names(viewed.prompts(ACME)) == ["demo__greet"]
    assert names(viewed.resource_templates(ACME), "uriTemplate") == []
    assert viewed.tools(ACME) is viewed.tools(ACME)


def test_what_is_not_seen_is_not_there(viewed: Viewed) -> None:
    for refused, code in (
        (lambda: viewed.call(ACME, call("crm__find"), nobody()), "call.tool"),
        (lambda: viewed.read(ACME, "mpp://packages/crm/README.md"), "call.resource"),
        (lambda: viewed.read(ACME, "notes://all"), "call.resource"),
        (lambda: viewed.prompt(ACME, "greet", {}, {}), "call.prompt"),
    ):
        with pytest.raises(Refused) as refusal:
            refused()
        assert refusal.value.code == code
    assert viewed.read(ACME, "mpp://packages/demo/README.md")
    assert viewed.prompt(LOCAL, "greet", {}, {})
    assert viewed.complete(ACME, {"type": "ref/prompt", "name": "greet"}, "who", "A") == ()
    assert viewed.complete(ACME, {"type": "ref/resource", "uri": "notes://all"}, "who", "A") == ()
    assert viewed.complete(ACME, {"type": "ref/prompt", "name": "demo__greet"}, "who", "A") == ["Alice", "Alan"]
    assert viewed.instructions == ""


def call(name: str):
    from mpp.protocol.mcp.ports import ToolCall

    return ToolCall(name=name, arguments=b"{}")


def nobody():
    from mpp.protocol.mcp import Job, Voice

    return Voice(Job(id=1, method="tools/call", params={}, meta={}, version="", capabilities={}), lambda _: None)


def test_a_change_of_a_view_is_another_list(viewed: Viewed, store: ViewStore) -> None:
    before = viewed.tools(ACME)
    store.change(lambda _: {"acme": View(names=frozenset(("crm",)))})
    after = viewed.tools(ACME)
    assert names(after) == ["crm__find"]
    assert before.revision != after.revision


def test_few_lists_are_kept(viewed: Viewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_views, "LISTINGS_KEPT_MAX", 2)
    for i in range(5):
        assert names(viewed.tools(Caller(tenant=f"t{i}"))) == []
    assert len(viewed._kept) <= 2


def test_a_search_finds_what_some_may_not_see(store: ViewStore) -> None:
    searched = MemoryBackend({searching.SEARCH: echo, searching.CALL: echo})
    assert names(Viewed(searched, store).tools(ACME)) == sorted((searching.CALL, searching.SEARCH))
    store.change(lambda _: {"acme": View(sees_all=True)})
    with pytest.raises(Refused) as refusal:
        Viewed(searched, store)
    assert refusal.value.code == "usage.option"


def test_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, other = token(tmp_path), token(tmp_path, tenant="other")
    monkeypatch.setattr(http_views, "LOOK_SECONDS", 0)
    with serving(tmp_path, Host()) as served:
        assert served.call("crm__find", headers=bearer(text)).status == 200
        ViewStore(str(tmp_path / "home" / "trust" / "tenants.json")).change(lambda _: {"acme": View(names=frozenset(("demo",)))})
        assert served.call("crm__find", headers=bearer(text)).json["error"]["code"] == -32602
        assert served.call("demo__add", a=1, b=1, headers=bearer(text)).result["structuredContent"] == {"sum": 2}
        assert [tool["name"] for tool in served.modern("tools/list", headers=bearer(text)).result["tools"]] == ["demo__add", "demo__echo"]
        assert served.modern("tools/list", headers=bearer(other)).result["tools"] == []


def test_the_file_is_looked_at_now_and_then(store: ViewStore) -> None:
    now = [0.0]
    viewed = Viewed(Host(), store, lambda: now[0])
    store.change(lambda _: {"acme": View(names=frozenset(("crm",)))})
    assert len(names(viewed.tools(ACME))) == 3
    now[0] = http_views.LOOK_SECONDS
    assert names(viewed.tools(ACME)) == ["crm__find"]
