"""A page that breaks: its visitor gets a reference, the operator the places, nobody the words of the fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpp.console import defects
from mpp.console.pages import privacy
from mpp.testing.packages import TestRandom
from tests.unit.console.conftest import Console

SECRET = "correct horse battery staple"


def broken(*_arguments: object, **_more: object) -> None:
    try:
        {}[SECRET]
    except KeyError as fault:
        raise ValueError(f"cannot read {SECRET!r}") from fault


def test_what_broke_is_told_to_the_operator_under_the_reference_of_the_page(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(privacy, "work", broken)
    # The frames of the server see it once more, after the page was sent; here they are the test.
    pages = console.app
    console.app = _heard(pages, heard)
    page = console.post("/privacy?text=in-the-address", {"text": SECRET})
    assert page.status == 500
    assert "Something broke here" in page.words
    reference = re.search(r"Its reference is ([0-9a-f]{8})\.", page.words)
    assert reference is not None, page.words
    said = capsys.readouterr().err
    first, *places = said.splitlines()
    assert first == f"error: POST /privacy broke; reference {reference[1]}"
    kinds = [line.strip() for line in places if line.startswith("  ") and not line.startswith("    ")]
    assert kinds == ["builtins.KeyError at", "builtins.ValueError at"], "what came first stands first"
    assert any(re.fullmatch(r"    mpp/console/pages/privacy\.py:\d+ in \w+: .*", line) for line in places), said
    assert any("test_defects.py" in line and "in broken" in line for line in places)
    assert "starlette" not in said, "the way through the framework says nothing"
    for told in (said, page.text):
        assert SECRET not in told
        assert "in-the-address" not in told
        assert str(Path(__file__).parents[3]) not in told
    assert [type(one) for one in heard] == [ValueError]
    assert console.get("/packages").status == 200, "the console goes on"


def test_a_refusal_is_no_defect(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.get("/approvals/ffffffffffffffffffffffffffffffff").status == 404
    assert console.get("/nothing").status == 404
    assert capsys.readouterr().err == ""


def test_a_fault_without_end_is_told_in_part() -> None:
    def deeper() -> None:
        deeper()

    with pytest.raises(RecursionError) as raised:
        deeper()
    lines = list(defects.places(raised.value))
    assert len(lines) == 1 + defects.FRAMES_MAX
    circle = ValueError()
    other = KeyError()
    circle.__context__, other.__context__ = other, circle
    assert list(defects.places(circle)) == ["  builtins.KeyError at", "  builtins.ValueError at"]
    at = first = ValueError()
    for _ in range(20):
        at.__cause__ = at = ValueError()
    assert len(list(defects.places(first))) == defects.CAUSES_MAX


def test_a_request_that_no_page_took_has_no_form_of_address() -> None:
    class Asked:
        method = "GET"
        scope: dict[str, object] = {}  # noqa: RUF012 - as a request has it

    told: list[str] = []
    reference = defects.tell_defect(Asked(), ValueError("x"), TestRandom(), told.append)  # type: ignore[arg-type]
    assert told == [f"error: GET a page broke; reference {reference}\n  builtins.ValueError at"]


def _heard(app, heard: list[object]):
    async def run(scope, receive, send) -> None:
        try:
            await app(scope, receive, send)
        except ValueError as fault:
            heard.append(fault)

    return run
