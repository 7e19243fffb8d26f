"""The page in a real browser, used as people use it: a folder or a file is chosen, the button is clicked, the answer is read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.verifier.browser import BROWSER, Browser
from tests.verifier.running import Case, load, PAGE

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed: the page is only run under Node")

CASES = {case.id: case for case in load()}
CHOSEN = ("audit/log/chained", "audit/log/anchored", "audit/log/delete", "audit/log/cut-off", "audit/log/checkpoint-bit")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser"), PAGE) as found:
        yield found


def answer(browser: Browser, case: Case) -> str:
    browser.ask("Page.reload")
    browser.wait("document.readyState === 'complete' && document.getElementById('result').hidden")
    browser.choose("#folder" if case.command == "log" else "#single", case.file)
    browser.wait("!document.getElementById('chosen').textContent.startsWith('You')")
    for name in case.list("anchors"):
        browser.choose("#anchors", case.folder / name)
    fields = {"logid": "log_id", "hostkey": "host_key", "epochkey": "epoch_key", "mode": "mode"}
    for field, key in fields.items():
        browser.run(f"document.getElementById('{field}').value = {str(case.row.get(key, ''))!r}; 0")
    browser.run("document.getElementById('go').click()")
    browser.wait("!document.getElementById('result').hidden")
    return str(browser.run("document.getElementById('result').innerText"))


@pytest.mark.parametrize("name", [*CHOSEN, "proof", "checkpoint"])
def test_the_page_says_what_the_vector_says(browser: Browser, name: str) -> None:
    simple = (one for one in CASES.values() if one.command == name and one.row["verdict"] == "signed" and "witnesses" not in one.row)
    case = CASES[name] if name in CASES else next(simple)
    found = answer(browser, case)
    holds = case.row["verdict"] != "broken"
    assert found.startswith(f"It holds: {case.row['verdict']}" if holds else "It does not hold: broken"), found
    assert str(case.row.get("code", "")) in found


def test_the_page_asks_for_what_it_needs(browser: Browser) -> None:
    browser.ask("Page.reload")
    browser.wait("document.readyState === 'complete' && document.getElementById('result').hidden")
    browser.run("document.getElementById('go').click()")
    browser.wait("!document.getElementById('result').hidden")
    assert browser.run("document.getElementById('result').innerText") == "Choose a folder or a file first."


def test_the_page_reaches_for_nothing(browser: Browser) -> None:
    """What the head of the page forbids is forbidden in fact."""
    watched = "document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective))"
    assert browser.run(f"new Promise((done) => {{ {watched}; fetch('http://127.0.0.1:9/').catch(() => 0); }})") == "connect-src"
