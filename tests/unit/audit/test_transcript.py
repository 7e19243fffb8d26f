"""The transcript of host calls: written as it happened, read strictly."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.model.calls import HostAnswer
from mpp.model.jsontext import Json
from mpp.stages.audit import transcript as subject
from mpp.stages.audit.transcript import Writer, addresses, asked_of, read_transcript


def given(result: Json) -> HostAnswer:
    return HostAnswer(result=result, error="", message="")


NO = HostAnswer(result=None, error="not_granted", message="no\nnetwork", hosts=("a:443",), secrets=("KEY",))
CALLS: list[tuple[str, Json, HostAnswer]] = [
    ("kv.get", {"key": "a\u2028ü"}, given({"value": None})),
    ("http.fetch", {"url": "https://a.example/"}, NO),
    ("progress", {"progress": 0.5}, given({})),
    ("http.fetch", {"url": 1}, NO),
    ("http.fetch", {"url": "https://a.example/"}, given({"status": 200})),
]


def written() -> bytes:
    writer = Writer()
    for call in CALLS:
        writer.add(*call)
    found = writer.end()
    assert found.cut == ""
    return found.data


def test_what_was_written_comes_back_in_order() -> None:
    found = read_transcript(written(), where="t")
    assert [one.asked for one in found] == [asked_of(method, params) for method, params, _ in CALLS]
    # What the host saw of it is not for the guest, and so not kept.
    assert [one.answer for one in found] == [HostAnswer(result=one.result, error=one.error, message=one.message) for _, _, one in CALLS]
    assert read_transcript(b"", where="t") == ()


def test_the_keys_of_an_answer_keep_their_order() -> None:
    """The guest gets text: in another order it would be another text."""
    writer = Writer()
    writer.add("m", {}, given({"b": 1, "a": 2}))
    result = read_transcript(writer.end().data, where="t")[0].answer.result
    assert isinstance(result, dict)
    assert list(result) == ["b", "a"]


def test_names_of_secrets_and_hosts_are_not_kept() -> None:
    assert b"KEY" not in written()


def test_a_number_is_not_another_form_of_it() -> None:
    forms: list[Json] = [{"a": 1}, {"a": 1.0}, {"a": True}, {"a": "1"}, {"a": None}]
    assert len({asked_of("m", one) for one in forms}) == len(forms)
    assert asked_of("m", {"a": 1, "b": 2}) == asked_of("m", {"b": 2, "a": 1})


def test_addresses_stand_once() -> None:
    assert addresses(read_transcript(written(), where="t")) == ("https://a.example/",)


@pytest.mark.parametrize("limit", ["bytes", "calls"])
def test_a_transcript_that_grows_too_large_says_so(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = subject.line_of(*CALLS[0])
    monkeypatch.setattr(subject, "TRANSCRIPT_BYTES_MAX" if limit == "bytes" else "TRANSCRIPT_CALLS_MAX", 2 * len(line) if limit == "bytes" else 2)
    writer = Writer()
    for _ in range(2):
        writer.add(*CALLS[0])
    assert writer.end().cut == ""
    writer.add(*CALLS[0])
    writer.cut("signed")
    writer.add(*CALLS[0])
    assert writer.end() == subject.Transcript(data=line + line, cut="size")


LINE = b'{"method":"m","params":{},"result":1}\n'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (LINE[:-1], "audit.form"),
        (b"\n", "audit.json"),
        (b"[]\n", "audit.type"),
        (b'{"method":1,"params":{},"result":1}\n', "audit.type"),
        (b'{"method":"' + b"m" * 1025 + b'","params":{},"result":1}\n', "audit.type"),
        (b'{"method":"m","result":1}\n', "audit.missing"),
        (b'{"method":"m","params":{}}\n', "audit.missing"),
        (b'{"method":"m","params":{},"result":1,"error":"x","message":""}\n', "audit.unknown_key"),
        (b'{"method":"m","params":{},"error":"x","message":1}\n', "audit.type"),
        (b'{"method":"m","params":{},"error":"x"}\n', "audit.missing"),
    ],
)
def test_a_transcript_from_elsewhere_is_read_strictly(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_transcript(LINE + data if data.endswith(b"\n") else data, where="t")
    assert caught.value.code == code


def test_too_many_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "TRANSCRIPT_CALLS_MAX", 1)
    assert len(read_transcript(LINE, where="t")) == 1
    with pytest.raises(Refused) as caught:
        read_transcript(LINE + LINE, where="t")
    assert caught.value.code == "audit.length"
