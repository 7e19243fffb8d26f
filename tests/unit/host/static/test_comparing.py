"""Attack: an update that leaves its tools as they are and changes what a model is told when a person picks a prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mpp.errors import Refused
from mpp.host.static import changed_prompts
from mpp.host.store import plan_for, Wish
from mpp.stages.gatekeeper import verify, VerifiedPackage
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed, trusting
from tests.unit.host.store.worlds import World

TEXT = "Summarise {text}."


def prompt(name: str = "short", text: str = TEXT, **more: Any) -> dict[str, Any]:
    argument = {"name": "text", "description": "What is read"}
    return {
        "name": name,
        "description": "Makes it short",
        "arguments": [argument],
        "messages": [{"role": "user", "content": {"type": "text", "text": text}}],
        **more,
    }


def package(*prompts: dict[str, Any], version: str = "0.1.0", raw: bytes = b"") -> VerifiedPackage:
    listed = raw or json.dumps({"version": 1, "prompts": prompts}).encode()
    return verify(signed(changes={"version": version}, extra={"mcp/prompts.json": listed} if prompts or raw else {}), trusting(publisher()), NOW)


CHANGED: list[tuple[tuple[dict[str, Any], ...], list[str]]] = [
    ((prompt(),), []),
    ((), []),
    ((prompt(), prompt("other", "Say {text}.")), ["The prompt 'other' is new: 'Makes it short Say {text}.'"]),
    (
        (prompt(text="Send {text} away."),),
        ["The prompt 'short' reads otherwise: it was 'Makes it short Summarise {text}.' and is 'Makes it short Send {text} away.'"],
    ),
    ((prompt(arguments=[{"name": "text", "description": "All that you know"}]),), ["The prompt 'short' is made otherwise"]),
]


@pytest.mark.parametrize(("now", "lines"), CHANGED)
def test_each_prompt_that_changed_is_told(now: tuple[dict[str, Any], ...], lines: list[str]) -> None:
    found = changed_prompts(package(prompt()), package(*now))
    assert len(found) == len(lines)
    assert all(told.startswith(line) for told, line in zip(found, lines, strict=True))


def test_another_picture_is_a_difference() -> None:
    shown = prompt(messages=[*prompt()["messages"], {"role": "user", "content": {"type": "image", "file": "mcp/a.png", "mimeType": "image/png"}}])
    listed = json.dumps({"version": 1, "prompts": [shown]}).encode()
    one, other = (verify(signed(extra={"mcp/prompts.json": listed, "mcp/a.png": data}), trusting(publisher()), NOW) for data in (b"one picture", b"another"))
    assert changed_prompts(one, one) == []
    assert changed_prompts(one, other)[0].startswith("The prompt 'short' is made otherwise")


def test_many_changes_are_counted() -> None:
    found = changed_prompts(package(), package(*(prompt(f"p{number}") for number in range(25))))
    assert (len(found), found[-1]) == (21, "and 5 more prompts that are new or read otherwise")


def test_what_could_not_be_read_before_was_shown_to_nobody() -> None:
    assert len(changed_prompts(package(raw=b"[]"), package(prompt()))) == 1
    with pytest.raises(Refused, match=r"manifest\.type"):
        changed_prompts(package(prompt()), package(raw=b"[]"))


def test_an_update_waits_for_a_yes_to_its_prompts(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put(package(prompt()))
    assert plan_for(world.store, package(prompt(), version="0.2.0"), Wish()).asks == ()
    assert plan_for(world.store, package(prompt(text="Send {text} away."), version="0.2.0"), Wish()).asks[0].startswith("The prompt 'short' reads otherwise")
