"""What all adapters share: names, answers as text, and that a yes goes back to the host and nowhere else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mpp.adapters.bound import bound, failed, framework, said
from mpp.errors import Refused
from mpp.host.host import Host
from mpp.protocol.mcp.ports import Outcome, Pending
from tests.unit.adapters.stand_ins import WAITS, TableHost


def test_names_are_made_fit_for_models(host: Host) -> None:
    assert [one.name for one in bound(host)] == ["demo__add", "demo__fails", "demo__waits_for", "demo__locked", "demo__asks"]
    assert [one.tool for one in bound(host, names=[WAITS])] == [WAITS]
    with pytest.raises(Refused, match="no tool 'none'"):
        bound(host, names=["none", "demo__add"])


@pytest.mark.parametrize("yes", [True, False])
def test_a_person_is_asked_once_and_the_call_is_judged_anew(host: Host, table: TableHost, yes: bool) -> None:
    one = bound(host, names=[WAITS])[0]
    seen: list[str] = []

    def ask(pending: Pending) -> bool:
        seen.append(pending.text)
        return yes

    outcome = one.settle({"n": 1}, ask)
    assert (seen, table.answers, len(table.calls)) == (["May it?"], [("q-1", yes)], 2)
    assert failed(outcome) is not yes
    assert asyncio.run(one.asettle({"n": 1}, lambda _: True)).pending is None


@pytest.mark.parametrize("name", ["demo__locked", "demo__add"])
def test_nobody_is_asked_where_the_host_does_not_want_it(host: Host, table: TableHost, name: str) -> None:
    """Attack: a framework that says yes to what needs a stronger one."""
    one = bound(host, names=[name])[0]
    one.settle({}, lambda _: pytest.fail("asked"))
    asyncio.run(one.asettle({}, lambda _: pytest.fail("asked")))
    assert (table.answers, len(table.calls)) == ([], 2)


def test_without_an_ask_the_reference_is_told(host: Host, table: TableHost) -> None:
    one = bound(host, names=[WAITS])[0]
    assert "7f3a" in said(one.settle({}, None))
    assert "7f3a" in said(asyncio.run(one.asettle({}, None)))
    assert table.answers == []


RESULTS: list[tuple[dict[str, Any], str]] = [
    ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "a\nb"),
    ({"content": [{"type": "text", "text": '{"n":1}'}], "structuredContent": {"n": 1}}, '{"n":1}'),
    ({"content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}]}, "[image image/png]"),
    ({"content": [{"type": "resource", "resource": {"uri": "a:b", "text": "words"}}]}, "words"),
    ({"content": [{"type": "resource", "resource": {"uri": "a:b", "blob": "AAAA"}}]}, "[resource a:b]"),
    ({"content": [{"type": "resource_link", "uri": "a:b"}, {"type": "odd"}]}, "[resource_link a:b]\n[odd]"),
    ({"content": "no list"}, ""),
    (
        {"resultType": "input_required", "inputRequests": {"city": {}, "day": {}}},
        "The tool needs more before it can answer: city, day. Call it again with these arguments.",
    ),
    ({"resultType": "input_required"}, "The tool needs more before it can answer: . Call it again with these arguments."),
]


@pytest.mark.parametrize(("result", "text"), RESULTS)
def test_an_answer_is_one_text(result: dict[str, Any], text: str) -> None:
    assert said(Outcome(result=result)) == text


def test_a_framework_that_is_not_here_is_named_with_its_extra() -> None:
    with pytest.raises(Refused) as caught:
        framework("no_such_framework.tools", "extra-name")
    assert (caught.value.code, "extra-name" in caught.value.hint) == ("usage.framework", True)


def test_a_framework_that_is_broken_says_so_itself(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_framework.py").write_text("import no_such_part\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_part"):
        framework("broken_framework", "x")
