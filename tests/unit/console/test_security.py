"""The door of the console, one rule after the other; tests/attack/test_t99_console.py tries to get past it as a whole."""

from __future__ import annotations

import pytest

from tests.unit.console.conftest import Console, make_console


def test_a_browser_comes_in_with_the_token_once(tmp_path):
    console = make_console(tmp_path / "home", enter=False)
    assert console.get("/approvals").header("location") == "/enter"
    token = console.sessions.token
    entered = console.post("/enter", {"token": token})
    assert (entered.status, entered.header("location")) == (303, "/")
    assert console.get("/approvals").status == 200
    console.cookies.clear()
    assert console.post("/enter", {"token": token}).status == 403


@pytest.mark.parametrize("path", ["/approvals", "/agents"])
def test_pages_are_there(console: Console, path):
    page = console.get(path)
    assert page.status == 200
    assert 'aria-current="page"' in page.text


def test_what_is_not_there_is_a_page_of_ours(console: Console):
    page = console.get("/nothing")
    assert page.status == 404
    assert "Nothing here" in page.words


def test_pages_with_a_record(busy: Console):
    assert busy.get("/approvals").status == 200
