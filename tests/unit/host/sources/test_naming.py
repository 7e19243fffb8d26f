"""Names as agents see them: such as clients take, each of one tool, and the same at each start."""

from __future__ import annotations

import hashlib
import re

import pytest

from mpp.host.sources.naming import DIGEST_CHARS, fit, public_name, renamed, SHOWN_NAME_CHARS_MAX, usual_alias
from mpp.host.sources.ports import Offered
from mpp.host.store.limits import ALIAS_CHARS_MAX
from mpp.host.table import Table
from mpp.model.limits import NAME_MAX
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall

CLIENTS_TAKE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
LONG = "x" * NAME_MAX


def offered(name: str, own: str) -> Offered:
    def run(_who: Caller, _call: ToolCall, _live: Live) -> Outcome:
        return Outcome(result={"content": [{"type": "text", "text": own}]})

    return Offered(name, {"description": own}, run, tool=own)


def names(*owns: str, alias: str = "demo", plain: bool = False) -> dict[str, str]:
    """What is shown, with whose it is."""
    table = Table([offered(public_name(alias, own), own) for own in owns], 1, plain_names=plain)
    return {name: one.tool for name, one in table.by_name.items()}


@pytest.mark.parametrize("name", ["a", "demo__add", "demo__x-y_Z9", "d" * SHOWN_NAME_CHARS_MAX])
def test_what_clients_take_stays(name: str) -> None:
    assert fit(name) == name


@pytest.mark.parametrize("name", ["demo__" + LONG, "demo__a.b", "demo__a b", "demo__\u00fc", "d" * (SHOWN_NAME_CHARS_MAX + 1), "\ud800"])
def test_what_they_do_not_take_gets_a_name_that_they_do(name: str) -> None:
    found = fit(name)
    assert CLIENTS_TAKE.fullmatch(found)
    assert found.endswith("_" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARS])
    assert fit(name) == found
    assert len(fit(name, 40)) <= 40


def test_the_form_is_the_same_in_each_release() -> None:
    assert fit("files__read.text") == "files__read_text_" + hashlib.sha256(b"files__read.text").hexdigest()[:12]
    assert fit("a" * 65) == "a" * 51 + "_635361c48bb9"


def test_names_that_a_client_would_cut_to_one_stay_two() -> None:
    same = "x" * (NAME_MAX - 1)
    found = names(same + "1", same + "2", "a.b", "a_b")
    assert len(found) == 4
    assert all(map(CLIENTS_TAKE.fullmatch, found))
    assert found["demo__a_b"] == "a_b"


def test_the_longest_alias_stands_whole_before_the_longest_tool() -> None:
    alias = "a" * ALIAS_CHARS_MAX
    assert public_name(alias, LONG).startswith(alias + "__x")


def test_a_tool_with_the_short_name_of_another_does_not_take_it() -> None:
    """Attack: a package whose second tool is called as the first one is shown. The first stays what it was."""
    short = public_name("demo", LONG).removeprefix("demo__")
    assert names(LONG, short) == {f"demo__{short}": LONG}


def test_plain_names_are_such_as_clients_take_too() -> None:
    assert names("a.b", "c", plain=True) == {fit("a.b"): "a.b", "c": "c"}
    # The alias made it long; alone it is not.
    assert names(LONG, plain=True) == {LONG: LONG}


def test_who_is_told() -> None:
    assert renamed("demo", ["add", "a.b"]) == (("demo__a.b", public_name("demo", "a.b")),)
    assert usual_alias("com.example.hello") == "hello"
