"""What all packages ship, under public names: none takes the place of another, and one that is broken takes nothing away from the others."""

from __future__ import annotations

import json
from typing import Any

from mpp.host.static import Shelves
from mpp.stages.gatekeeper import VerifiedPackage, verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed, trusting


def package(name: str, text: str, *prompts: str, uri: str = "notes://a") -> VerifiedPackage:
    one = {"description": "d", "arguments": [{"name": "x", "description": "d", "values": [text]}], "messages": [{"role": "user", "content": _words(text)}]}
    listed: dict[str, Any] = {"version": 1, "prompts": [{"name": prompt, **one} for prompt in prompts]}
    kept = {
        "version": 1,
        "resources": [{"uri": uri, "name": "a", "description": "d", "mimeType": "text/plain", "text": text}],
        "templates": [{"uriTemplate": f"{uri}/{{n}}", "name": "t", "description": "d", "mimeType": "text/plain", "text": text, "values": {"n": [text]}}],
    }
    extra = {"mcp/prompts.json": json.dumps(listed).encode(), "mcp/resources.json": json.dumps(kept).encode()}
    return verify(signed(changes={"package_id": f"com.example.{name}", "name": name}, extra=extra), trusting(publisher()), NOW)


def _words(text: str) -> dict[str, str]:
    return {"type": "text", "text": text + " {x}"}


FIRST, SECOND = package("first", "one", "same", "only"), package("second", "two", "same")
BROKEN = verify(signed(changes={"package_id": "com.example.broken"}, extra={"mcp/prompts.json": b"{}"}), trusting(publisher()), NOW)
PLAIN = verify(signed(), trusting(publisher()), NOW)


def shelves(*packages: tuple[str, VerifiedPackage], plain_names: bool = False) -> Shelves:
    return Shelves(lambda: packages, plain_names=plain_names)


def test_prompts_stand_under_the_alias_of_their_package() -> None:
    shelf = shelves(("a", FIRST), ("b", SECOND)).now()
    assert [entry["name"] for entry in shelf.prompts() if isinstance(entry, dict)] == ["a__only", "a__same", "b__same"]
    named = shelf.prompt("b__same")
    assert named is not None
    assert (named[0].package, named[1]) == (SECOND, "same")
    assert shelf.prompt("same") is None


def test_a_plain_name_is_given_where_no_other_has_it() -> None:
    shelf = shelves(("a", FIRST), ("b", SECOND), plain_names=True).now()
    assert [entry["name"] for entry in shelf.prompts() if isinstance(entry, dict)] == ["a__same", "b__same", "only"]


def test_the_first_package_keeps_an_address() -> None:
    shelf = shelves(("a", FIRST), ("b", SECOND)).now()
    assert (len(shelf.resources()), len(shelf.templates())) == (1, 1)
    for uri in ("notes://a", "notes://a/5"):
        read = shelf.read(uri)
        assert read is not None
        assert (read[0].alias, read[1]) == ("a", [{"uri": uri, "mimeType": "text/plain", "text": "one"}])
    assert shelf.read("notes://none") is None


def test_values_complete_by_public_names() -> None:
    shelf = shelves(("a", FIRST), ("b", SECOND)).now()
    assert shelf.complete({"type": "ref/prompt", "name": "b__same"}, "x", "t") == ("two",)
    assert shelf.complete({"type": "ref/prompt", "name": "same"}, "x", "t") == ()
    assert shelf.complete({"type": "ref/resource", "uri": "notes://a/{n}"}, "n", "o") == ("one",)
    assert shelf.complete({"type": "ref/resource", "uri": "none://{n}"}, "n", "o") == ()


def test_what_is_broken_is_told_and_takes_nothing_away() -> None:
    shelf = shelves(("x", BROKEN), ("p", PLAIN), ("b", SECOND)).now()
    assert [one.alias for one in shelf.kept] == ["b"]
    assert {fault.code for fault in shelf.faults} == {"manifest.missing"}


def test_a_change_makes_another_shelf() -> None:
    now: list[tuple[str, VerifiedPackage]] = []
    found = Shelves(lambda: tuple(now), plain_names=False)
    before = found.now()
    assert (before.prompts(), before.prompt("a"), before.complete({"type": "ref/prompt"}, "x", "")) == ((), None, ())
    now.append(("a", FIRST))
    after = found.now()
    assert len(after.prompts()) == 2
    assert found.now() is after
