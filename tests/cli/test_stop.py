"""``mpp stop``: at once for stopping, a person for lifting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Mpp
from tests.cli.terminal import Terminal
from tests import records


def events(home: Path) -> list[dict[str, object]]:
    return [event.body for event in records.events(home)]


def test_a_stop_holds_is_listed_and_recorded(mpp: Mpp, home: Path) -> None:
    assert mpp("stop", "--list").out == "Nothing is stopped.\n"
    answer = mpp("stop", "--package", "com.example.hello", "--why", "leaks names")
    assert answer.code == 0
    assert answer.out == "Stopped package com.example.hello, from the next call on.\n"
    assert "mpp stop --lift --package com.example.hello" in answer.err
    assert mpp("stop", "--publisher", "A" * 64, "--json").json == {"ok": True, "changed": "a" * 64, "kind": "publisher", "stopped": True}
    assert mpp("stop", "--all").code == 0
    rows = mpp("stop", "--list", "--json").json["stops"]
    assert [(row["kind"], row["name"], row["why"]) for row in rows] == [
        ("all", "", ""),
        ("package", "com.example.hello", "leaks names"),
        ("publisher", "a" * 64, ""),
    ]
    assert "leaks names" in mpp("stop", "--list").out
    assert [(one["what"], one["lifted"]) for one in events(home)] == [("package", False), ("publisher", False), ("all", False)]


def test_a_publisher_is_named_as_elsewhere(mpp: Mpp, keys: Path) -> None:
    assert mpp("stop", "--publisher", "Ada Example").code == 0
    assert mpp("stop", "--publisher", "Nobody").code == 3


def test_lifting_asks_a_person(mpp: Mpp, home: Path, terminal: Callable[..., Terminal]) -> None:
    assert mpp("stop", "--all").code == 0
    refused = mpp("stop", "--lift", "--all")
    assert (refused.code, "consent.missing" in refused.err) == (22, True)
    with terminal("stop", "--lift", "--all") as person:
        person.wait_for("Lift the stop of everything?")
        person.type("yes\n")
        assert person.end() == 0
    assert mpp("stop", "--list").out == "Nothing is stopped.\n"
    assert events(home)[-1]["amr"] == "tty"


WRONG: list[tuple[tuple[str, ...], int, str]] = [
    ((), 2, "usage.option"),
    (("--all", "--package", "com.example.hello"), 2, "usage.option"),
    (("--package", "Hello"), 2, "usage.package_id"),
    (("--package", "com.example.hello", "--why", "a\nb"), 2, "usage.text"),
    (("--lift", "--package", "com.example.hello"), 23, "policy.not_stopped"),
    (("--lift", "--all", "--yes"), 2, "usage.syntax"),
]


@pytest.mark.parametrize(("words", "code", "name"), WRONG)
def test_wrong_calls_say_what_to_do(mpp: Mpp, words: tuple[str, ...], code: int, name: str) -> None:
    answer = mpp("stop", *words)
    assert (answer.code, name in answer.err, "hint:" in answer.err) == (code, True, True)
