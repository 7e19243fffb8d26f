"""A finished run, made fit to be shown."""

from __future__ import annotations

import base64
import json

import pytest

from mpp.errors import Fault, MppError, ToolFailed
from mpp.model.jsontext import Json
from mpp.stages.privacy import Filtered, Report, clean_run
from mpp.stages.privacy.reply import _again, _media, _take_out_media
from mpp.stages.sandbox import read_result
from tests.privacies import PLANTED, filter_of

EMAIL = PLANTED["email"]


def reply(content: Json, **more: Json) -> Json:
    found = clean_run(read_result({"content": content, **more}), None, b"", filter_of("redact"))
    assert found.fault is None
    assert found.reply is not None
    return found.reply.to_json()


def test_answer_and_standard_error_are_one_message() -> None:
    found = clean_run(read_result({"content": [{"type": "text", "text": EMAIL}]}), None, f"{EMAIL}\xff".encode("latin-1"), filter_of("redact"))
    assert found.reply is not None
    assert json.dumps(found.reply.to_json()).count("[EMAIL]") == 1
    assert found.stderr == "[EMAIL]\ufffd"
    assert found.report.counts == (("email", 2),)


def test_a_failure_keeps_its_code_and_loses_its_words() -> None:
    fault = ToolFailed("tool.error", f"cannot mail {EMAIL}", where=f"/{EMAIL}", hint=f"ask {EMAIL}", faults=())
    found = clean_run(None, fault, b"", filter_of("redact"))
    assert isinstance(found.fault, ToolFailed)
    assert found.fault.faults == (Fault("tool.error", "/[EMAIL]", "cannot mail [EMAIL]", "ask [EMAIL]"),)
    assert found.reply is None


def test_a_withheld_answer_says_so_in_words_of_the_host() -> None:
    found = clean_run(None, ToolFailed("tool.error", EMAIL), EMAIL.encode(), filter_of("block"))
    assert (found.reply, found.stderr) == (None, "")
    assert found.fault is not None
    assert (found.fault.code, found.fault.where) == ("privacy.withheld", "privacy.blocked")
    assert "policy blocks" in found.fault.message
    other = clean_run(None, None, b"", lambda _: Filtered(message=None, report=Report(rules="r", engine="e", withheld="privacy.deadline")))
    assert other.fault is not None
    assert "could not make it fit" in other.fault.message


def test_a_file_that_holds_something_goes_as_a_whole() -> None:
    coded = base64.b64encode(f"name: Ada, mail: {EMAIL}".encode()).decode()
    plain = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200))).decode()
    found = reply([
        {"type": "image", "data": coded, "mimeType": "image/png"}, {"type": "image", "data": plain, "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "file:///a", "blob": coded}}, {"type": "text", "text": "x"},
    ])  # fmt: skip
    assert isinstance(found, dict)
    content = found["content"]
    assert isinstance(content, list)
    assert [one["type"] for one in content if isinstance(one, dict)] == ["text", "image", "text", "text"]
    assert json.dumps(content).count("[WITHHELD: a file") == 2


def test_what_has_no_form_any_more_is_withheld() -> None:
    def breaks(message: Json) -> Filtered:
        assert isinstance(message, dict)
        return Filtered(message={**message, "answer": {"content": 1}}, report=Report(rules="r", engine="e"))

    found = clean_run(read_result({"content": []}), None, b"", breaks)
    assert (found.reply, found.report.withheld) == (None, "privacy.form")


@pytest.mark.parametrize("told", [None, [1], [{"where": 1, "message": 2, "hint": 3}]])
def test_a_filter_that_gives_another_form_leaves_no_words(told: Json) -> None:
    fault: MppError = ToolFailed("tool.error", "x")
    if told is None:
        with pytest.raises(ValueError, match="shorter"):
            _again(fault, told)
    else:
        assert _again(fault, told).faults == (Fault("tool.error", "", "", ""),)


def test_answers_of_another_form_have_no_files() -> None:
    answers: tuple[Json, ...] = (None, {"content": 1}, {"content": [1, {"resource": 1}]})
    for answer in answers:
        assert _media(answer) == []
    inner: dict[str, Json] = {"data": "new"}
    _take_out_media(None, [(inner, "data", "old")])
    content: list[Json] = [1, {"type": "image"}]
    _take_out_media({"content": content}, [(inner, "data", "old")])
    assert content == [1, {"type": "image"}]
