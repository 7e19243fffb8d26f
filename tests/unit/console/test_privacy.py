"""The privacy bench: what it finds and says, and that it keeps nothing."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from mpp.console.views.privacy import ROWS_SHOWN_MAX, TEXT_BYTES_MAX
from mpp.host.audit.reader import LogReader
from tests.unit.console.conftest import Console, make_console

SECRET_MAIL = "very.private.person@example.com"
CARD = "4111 1111 1111 1111"
HOSTILE = '</textarea><script>alert("x")</script>\u202e\u200b'


def bytes_of(home: Path) -> bytes:
    return b"\n".join(path.read_bytes() + path.name.encode() for path in sorted(home.rglob("*")) if path.is_file())


def test_the_bench_says_what_is_searched_for_and_what_not(console: Console) -> None:
    page = console.get("/privacy")
    assert page.status == 200
    assert "Names and postal addresses of persons" in page.words
    assert "credit_card" in page.words
    assert "215 types" in page.words


def test_what_is_found_stands_with_its_place_reason_and_action(console: Console) -> None:
    page = console.post("/privacy", {"text": json.dumps({"to": SECRET_MAIL, "card": CARD})})
    assert page.status == 200
    assert "Taken out: 1 credit_card , 1 email" in page.words
    assert "/card" in page.words
    assert "as written" in page.words
    assert "checksum" in page.words
    assert "As data" in page.words
    assert "As text" in page.words
    results = page.text.partition('id="result"')[2]
    assert CARD not in results
    assert SECRET_MAIL not in results


def test_values_are_shown_in_full_where_somebody_asks(console: Console) -> None:
    page = console.post("/privacy", {"text": f"write to {SECRET_MAIL}", "whole": "yes"})
    assert SECRET_MAIL in page.text.partition('id="result"')[2].partition("What an agent gets")[0]
    assert "Read as text" in page.words
    assert "As data" not in page.words


def test_what_is_hidden_in_another_coat_says_so(console: Console) -> None:
    page = console.post("/privacy", {"text": "dmVyeS5wcml2YXRlLnBlcnNvbkBleGFtcGxlLmNvbQ=="})
    assert "decoded" in page.words
    assert "out of base64" in page.words


def test_nothing_found_is_no_promise(console: Console) -> None:
    assert "That is not a promise" in console.post("/privacy", {"text": "hello"}).words


def test_nothing_of_it_is_kept_or_logged(busy: Console, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    entries = len(list(LogReader(busy.desk.home.log).entries()))
    with caplog.at_level(logging.DEBUG):
        page = busy.post("/privacy", {"text": f"{SECRET_MAIL} {CARD} marker-of-this-test", "whole": "yes"})
    assert SECRET_MAIL in page.text
    assert page.header("cache-control") == "no-store"
    kept = bytes_of(busy.home)
    for word in (SECRET_MAIL, CARD, "marker-of-this-test"):
        assert word.encode() not in kept
        assert word not in caplog.text
    assert capfd.readouterr() == ("", "")
    assert len(list(LogReader(busy.desk.home.log).entries())) == entries
    # Another page, another browser and the next visit know nothing of it.
    assert SECRET_MAIL not in busy.get("/privacy").text
    assert SECRET_MAIL not in busy.another().get("/privacy").text


def test_the_bench_is_bounded(console: Console) -> None:
    page = console.post("/privacy", {"text": "x" * (TEXT_BYTES_MAX + 1)})
    assert "usage.text" in page.words
    many = console.post("/privacy", {"text": " ".join(f"person{number}@example.com" for number in range(ROWS_SHOWN_MAX + 7))})
    assert "7 more" in many.words


def test_an_answer_that_is_withheld_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "policy").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    policy = home / "policy" / "policy.toml"
    policy.write_text('mpp_policy = 1\nname = "mine"\n[[rules]]\nid = "a"\neffect = "ask"\n[privacy.actions]\nemail = "block"\n')
    policy.chmod(0o600)
    page = make_console(home).post("/privacy", {"text": SECRET_MAIL})
    assert "the answer is withheld privacy.blocked" in page.words
    assert "What an agent gets" not in page.words


def test_what_was_typed_goes_back_as_it_was_and_runs_nothing(console: Console) -> None:
    page = console.post("/privacy", {"text": HOSTILE, "whole": "yes"})
    assert "<script>alert" not in page.text
    field = page.text.partition("<textarea")[2].partition("</textarea>")[0]
    assert "\u202e\u200b" in field
    # Below, where it is shown and not typed, what is hidden is written out.
    assert "\u202e" not in page.text.partition('id="result"')[2]


def test_a_broken_json_is_a_text(console: Console) -> None:
    assert "Read as text" in console.post("/privacy", {"text": '{"to": '}).words


def test_what_is_too_deep_for_json_is_a_text(console: Console) -> None:
    page = console.post("/privacy", {"text": "[" * 5000 + "]" * 5000})
    assert page.status == 200
    assert "Read as text" in page.words


def test_a_console_that_only_shows_has_the_bench(tmp_path: Path) -> None:
    assert make_console(tmp_path / "home", read_only=True).post("/privacy", {"text": "hello"}).status == 200


def test_a_form_from_elsewhere_is_not_taken(console: Console) -> None:
    assert console.post("/privacy", {"text": "x"}, form_token="wrong").status == 403
